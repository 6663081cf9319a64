"""What the README promises exists and runs."""

import re
from pathlib import Path

import pytest
from flask import Flask

README = Path("README.md").read_text(encoding="utf-8")
MAKEFILE = Path("Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?m)(?:^|`)make ([a-z][a-z0-9-]+)", README))))
def test_make_targets_exist(target: str):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"flask --app wsgi ([a-z]+(?: [a-z]+)?)", README))))
def test_flask_commands_answer(app: Flask, command: str):
    result = app.test_cli_runner().invoke(args=[*command.split(), "--help"])
    assert result.exit_code == 0, result.output


def test_linked_files_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert Path(target).exists(), target


def test_settings_are_read_somewhere():
    code = "".join(
        path.read_text(encoding="utf-8") for path in [*Path("marketplace").rglob("*.py"), Path("gunicorn.conf.py")]
    )
    for name in re.findall(r"^\| `([A-Z_]+)`", README, re.MULTILINE):
        assert f'"{name}"' in code, name
