"""The files a browser loads: versioned addresses, one style sheet out of many source files, ready-made compression.

There is no bundler. CSS is written one file per component and joined here, in the order of its layers, into one
response; JS modules stay separate files and find each other by relative addresses. One version, the digest of
everything below ``static/``, stands in the path (``/assets/3fa9c1d2e07b/js/main.js``), so relative imports and
``url()`` keep working, every response may be cached for ever, and no page ever mixes files of two releases.

Pure: no flask. ``marketplace.web`` serves ``Assets.find`` under ``PREFIX`` and offers ``Assets.url`` to templates as
``asset(path)``.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

import brotli

PREFIX = "/assets"
BUNDLE = "site.css"
FOREVER = "public, max-age=31536000, immutable"

# Source order inside the bundle; a name that ends in "/" stands for its files in alphabetical order.
CSS_ORDER = ("tokens.css", "reset.css", "base.css", "layout.css", "components/", "pages/", "print.css")

# What may be served. A file of another kind below static/ (an editor's backup, a tool) does not exist for visitors.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".py": "text/x-python; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
COMPRESSIBLE = frozenset(MEDIA_TYPES) - {".ico", ".png", ".woff2"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One servable file: its bytes as stored and, where that is smaller, as brotli and gzip."""

    body: bytes
    media_type: str
    sha256: str
    brotli: bytes | None = None
    gzip: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: ``encoding`` is a Content-Encoding or ``None``; ``cache_control`` and ``etag`` as header values."""

    body: bytes
    media_type: str
    encoding: str | None
    etag: str
    cache_control: str


def css_sources(css: Path) -> list[Path]:
    """The source files of the bundle in their order."""
    found: list[Path] = []
    for name in CSS_ORDER:
        if name.endswith("/"):
            found.extend(sorted((css / name).glob("*.css")))
        elif (css / name).is_file():
            found.append(css / name)
    return found


def bundle(sources: list[Path]) -> tuple[bytes, str]:
    """The joined style sheet without comments and indentation, and its SHA-256 in hex.

    >>> bundle([])[0]
    b''
    """
    text = "\n".join(source.read_text("utf-8") for source in sources)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    body = "\n".join(line.strip() for line in text.splitlines() if line.strip()).encode()
    return body, hashlib.sha256(body).hexdigest()


def _made(body: bytes, suffix: str) -> Asset:
    media_type = MEDIA_TYPES.get(suffix) or mimetypes.types_map[suffix]
    sha256 = hashlib.sha256(body).hexdigest()
    if suffix not in COMPRESSIBLE or len(body) < 512:
        return Asset(body, media_type, sha256)
    # Quality 9 rather than 11: 2 % larger, ten times faster, and the start of the process waits for it.
    packed, zipped = brotli.compress(body, quality=9), gzip.compress(body, 9, mtime=0)
    return Asset(
        body,
        media_type,
        sha256,
        packed if len(packed) < len(body) else None,
        zipped if len(zipped) < len(body) else None,
    )


class Assets:
    """Everything below one static folder, read once.

    With ``watch`` (development) every ``url`` looks at modification times and reads anew after a change.
    """

    def __init__(self, folder: Path, *, watch: bool = False) -> None:
        self.folder = folder
        self.watch = watch
        self._stamp = 0.0
        self._files: dict[str, Asset] = {}
        self.version = ""
        self._load()

    def _sources(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and path.suffix in MEDIA_TYPES)

    def _load(self) -> None:
        sources = self._sources()
        css = self.folder / "css"
        files = {
            path.relative_to(self.folder).as_posix(): _made(path.read_bytes(), path.suffix)
            for path in sources
            if not path.is_relative_to(css)
        }
        files[BUNDLE] = _made(bundle(css_sources(css))[0], ".css")
        digest = hashlib.sha256()
        for name in sorted(files):
            digest.update(f"{name}\0{files[name].sha256}\n".encode())
        self._files, self.version = files, digest.hexdigest()[:12]
        self._stamp = max((path.stat().st_mtime for path in sources), default=0.0)

    def url(self, path: str) -> str:
        """The versioned address of a file; an unknown one is a mistake of the template and raises ``KeyError``."""
        if self.watch and max((p.stat().st_mtime for p in self._sources()), default=0.0) != self._stamp:
            self._load()
        if path not in self._files:
            raise KeyError(f"no such file below {self.folder.name}/: {path}")
        return f"{PREFIX}/{self.version}/{path}"

    def find(self, version: str, path: str, accept_encoding: str = "") -> Answer | None:
        """The answer for ``/assets/<version>/<path>``, ``None`` when there is no such file.

        A page of the previous release may still ask with its version: it gets today's file, uncached, instead of 404.
        """
        asset = self._files.get(path)
        if asset is None:
            return None
        accepted = {
            part.partition(";")[0].strip()
            for part in accept_encoding.lower().split(",")
            if not re.search(r";\s*q=0(\.0+)?\s*$", part)
        }
        body, encoding = asset.body, None
        if asset.brotli is not None and "br" in accepted:
            body, encoding = asset.brotli, "br"
        elif asset.gzip is not None and "gzip" in accepted:
            body, encoding = asset.gzip, "gzip"
        cache = FOREVER if version == self.version else "no-cache"
        return Answer(body, asset.media_type, encoding, f'"{asset.sha256[:24]}-{encoding or "id"}"', cache)

    def sha256(self, path: str) -> str:
        """The SHA-256 (hex) of a file as served without compression, as ``/transparency`` prints it."""
        return self._files[path].sha256
