"""Default deny: nothing is open by forgetting."""

import re
from pathlib import Path

from flask import Flask

from marketplace.platform import policy

ROOT = Path(__file__).resolve().parents[2]
STATIC = {"static"}


def test_every_route_declares_a_known_permission(app: Flask):
    undeclared = [
        str(rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in STATIC
        and getattr(app.view_functions[rule.endpoint], "permission", None) not in policy.declared()
    ]
    assert undeclared == []


def test_no_address_is_answered_by_two_views(app: Flask):
    """The first one registered would silently win, with its own checks."""
    seen: dict[tuple[str, str], str] = {}
    twice = []
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) & {"GET", "POST"}:
            other = seen.setdefault((rule.rule, method), rule.endpoint)
            if other != rule.endpoint:
                twice.append((rule.rule, method, other, rule.endpoint))
    assert twice == []


def test_a_route_without_permission_is_noticed(app: Flask):
    assert getattr(lambda: None, "permission", None) not in policy.declared()


def test_every_template_compiles(app: Flask):
    for name in app.jinja_env.list_templates(extensions=["html", "txt", "xml"]):
        app.jinja_env.get_template(name)


def test_no_view_reads_the_clock_or_commits():
    """Time has one source and a request one commit."""
    from pathlib import Path

    offenders = []
    for path in Path("marketplace").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name in {"clock.py"} or "migrations" in path.parts:
            continue
        if "datetime.now(" in text or "datetime.utcnow(" in text or "time.time()" in text:
            offenders.append(str(path))
        if path.name.startswith("service") and "session.commit()" in text:
            offenders.append(f"{path}: commits")
    assert offenders == []


# Pages that come with later capabilities; their links appear by themselves when they are there.
LATER = {"cases.index", "promises.index", "statistics.index"}


def test_what_is_looked_for_with_place_exists(app: Flask):
    """``place()`` leaves out what no feature has: a name nobody will ever have would be a link that never appears."""
    wanted = set()
    for path in (*ROOT.glob("marketplace/**/*.py"), *ROOT.glob("templates/**/*.html")):
        wanted |= set(re.findall(r"""\bplace\(["']([a-z_]+\.[a-z_]+)["']""", path.read_text()))
    assert len(wanted) > 20
    assert wanted - set(app.view_functions) - LATER == set()
