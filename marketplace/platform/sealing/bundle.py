"""Assembles the stand-alone tools from these very modules, so that no line of the protocol exists twice.

    python -m marketplace.platform.sealing.bundle            writes static/tools/*.py
    python -m marketplace.platform.sealing.bundle --check    exit 1 when they are not up to date

A tool is its modules one after the other in the order in which they import each other, their imports of one another
left out: one file that a person can read from top to bottom. That needs every top-level name to be unique among the
modules, which is checked here.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGE = "marketplace.platform.sealing"
TOOLS = {"verify_receipt.py": f"{PACKAGE}.verify_tool", "seal_bid.py": f"{PACKAGE}.seal_tool"}
FOLDER = Path(__file__).parents[3] / "static" / "tools"

_HEAD = """#!/usr/bin/env python3
{docstring}
# 本文件由张榜平台的源代码拼成（marketplace/platform），一字未改，可从头读到尾。
# 它的 SHA-256 公布于 /transparency。

from __future__ import annotations
"""


def _source(module: str) -> Path:
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None, module
    return Path(found.origin)


def _own_imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("marketplace."):
            if any(alias.asname for alias in node.names):
                raise ValueError(f"line {node.lineno}: a renamed import cannot be bundled")
            yield node


def _in_order(module: str, done: dict[str, ast.Module]) -> None:
    """Depth first: what a module imports stands before it."""
    if module in done:
        return
    tree = ast.parse(_source(module).read_text("utf-8"))
    for node in _own_imports(tree):
        _in_order(str(node.module), done)
    done[module] = tree


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def _body(module: str, tree: ast.Module) -> str:
    lines: list[str | None] = list(_source(module).read_text("utf-8").splitlines())
    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    for node in (*futures, *_own_imports(tree)):
        lines[node.lineno - 1 : node.end_lineno] = [None] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "\n".join(line for line in lines if line is not None).strip("\n")


def build(main_module: str) -> str:
    """The text of one tool."""
    modules = dict[str, ast.Module]()
    _in_order(main_module, modules)
    owner = dict[str, str]()
    for module, tree in modules.items():
        for name in _defined(tree):
            if owner.setdefault(name, module) != module:
                raise ValueError(f"{name} is defined in {owner[name]} and in {module}")
    parts = [_HEAD.format(docstring=f'"""{ast.get_docstring(modules[main_module], clean=False)}"""')]
    for module, tree in modules.items():
        banner = f"# {'=' * 100}\n# {module.removeprefix('marketplace.')}\n# {'=' * 100}\n"
        parts.append(f"\n{banner}\n{_body(module, tree)}\n")
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    check = "--check" in (sys.argv[1:] if arguments is None else arguments)
    stale = 0
    for name, module in TOOLS.items():
        path, text = FOLDER / name, build(module)
        if path.exists() and path.read_text("utf-8") == text:
            continue
        if check:
            sys.stderr.write(f"{path} is out of date\n")
            stale = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return stale


if __name__ == "__main__":
    raise SystemExit(main())
