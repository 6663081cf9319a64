from __future__ import annotations

import gzip
import os
from pathlib import Path

import brotli
import pytest

from marketplace.platform.assets import FOREVER, Assets, bundle, css_sources

STATIC = Path(__file__).resolve().parents[2] / "static"


def make(folder: Path) -> Path:
    for name, text in {
        "css/tokens.css": "@layer reset, base;\n",
        "css/components/b.css": "/* why */\n@layer base {\n  b { color: red; }\n}\n",
        "css/components/a.css": "@layer base { a { color: blue; } }\n",
        "css/print.css": "@layer print { p { color: #000; } }\n",
        "js/main.js": "export const one = 1;\n" * 100,
        "js/main.js.orig": "an editor's backup",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_bundle_is_the_sources_in_their_order_without_comments(tmp_path: Path) -> None:
    sources = css_sources(make(tmp_path) / "css")
    assert [source.name for source in sources] == ["tokens.css", "a.css", "b.css", "print.css"]
    assert bundle(sources)[0].decode() == (
        "@layer reset, base;\n@layer base { a { color: blue; } }\n@layer base {\nb { color: red; }\n}\n"
        "@layer print { p { color: #000; } }"
    )


def test_addresses_carry_the_version_and_unknown_files_are_a_mistake(tmp_path: Path) -> None:
    assets = Assets(make(tmp_path))
    assert assets.url("js/main.js") == f"/assets/{assets.version}/js/main.js"
    with pytest.raises(KeyError, match="no such file"):
        assets.url("js/other.js")


def test_only_known_kinds_are_served_and_css_only_joined(tmp_path: Path) -> None:
    assets = Assets(make(tmp_path))
    assert assets.find(assets.version, "js/main.js.orig") is None
    assert assets.find(assets.version, "css/tokens.css") is None
    assert assets.find(assets.version, "../pyproject.toml") is None
    assert assets.find(assets.version, "site.css") is not None


def test_any_change_is_a_new_version_and_the_old_address_still_answers(tmp_path: Path) -> None:
    old = Assets(make(tmp_path))
    (tmp_path / "css" / "print.css").write_text("@layer print { p { color: #111; } }\n")
    new = Assets(tmp_path)
    assert new.version != old.version
    now, before = new.find(new.version, "js/main.js"), new.find(old.version, "js/main.js")
    assert now is not None
    assert before is not None
    assert (now.cache_control, before.cache_control) == (FOREVER, "no-cache")
    assert now.body == before.body


def test_watching_reads_anew(tmp_path: Path) -> None:
    assets = Assets(make(tmp_path), watch=True)
    before = assets.url("site.css")
    (tmp_path / "css" / "print.css").write_text("@layer print { p { color: #222; } }\n")
    os.utime(tmp_path / "css" / "print.css", (2_000_000_000, 2_000_000_000))
    assert assets.url("site.css") != before


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("", None), ("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("identity", None)],
)
def test_compression_is_chosen_by_the_browser(tmp_path: Path, accepted: str, encoding: str | None) -> None:
    assets = Assets(make(tmp_path))
    answer = assets.find(assets.version, "js/main.js", accepted)
    assert answer is not None
    assert answer.encoding == encoding
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress}.get(encoding or "", bytes)
    assert unpack(answer.body) == (tmp_path / "js" / "main.js").read_bytes()


def test_the_real_style_sheet_is_small() -> None:
    assets = Assets(STATIC)
    answer = assets.find(assets.version, "site.css", "br")
    assert answer is not None
    assert len(answer.body) <= 20_000
