"""Who did what when, for the audit administrator and the supervisor."""

from __future__ import annotations

import io
import re
from pathlib import Path

import openpyxl
import pytest

from marketplace import administration, db
from marketplace.administration import kinds
from marketplace.administration.kinds import kind_label
from marketplace.platform import audit
from marketplace.platform.workflow import MACHINES
from tests.demands.conftest import now, stage
from tests.factories import person

__all__ = ["now", "stage"]


@pytest.mark.parametrize("url", ["/admin/log", "/admin/log/export.xlsx"])
def test_who_may_read_the_log(visitor, sign_in, url):
    assert sign_in("auditadmin").http.get(url).status_code == 200
    assert sign_in("supervisor").http.get(url).status_code == 200
    assert "/sign-in" in visitor.get(url).response.location
    assert sign_in("secadmin").get(url).status == 403


def test_entries_are_filtered_and_exported(sign_in, stage):
    stage.published()
    browser = sign_in("auditadmin")
    page = browser.get("/admin/log?kind=demand.&who=陈立")
    assert page.has("demand.submit")
    assert page.has("需求：提交")
    assert not page.has("demand.pool")
    assert browser.get("/admin/log?until=2001-01-01").has("没有符合条件的记录")
    book = openpyxl.load_workbook(io.BytesIO(browser.http.get("/admin/log/export.xlsx?kind=demand.").data))
    kinds = {row[4] for row in book.active.iter_rows(min_row=2, values_only=True) if row[4]}
    assert "demand.publish" in kinds
    assert all(kind.startswith("demand.") for kind in kinds)


def test_what_is_offered_to_filter_by_leads_to_entries_and_names_no_bid(sign_in, stage):
    stage.published()
    offered = kinds.offered()
    assert {"demand.", "demand.publish", "account.sign_in"} <= {code for code, _name in offered}
    assert not [code for code, _name in offered if code.startswith(("bid.", "receipt."))]
    page = sign_in("auditadmin").get("/admin/log")
    assert page.html.xpath("//datalist/option/@value") == [code for code, _name in offered]
    assert page.html.xpath("//datalist/option[@value='demand.publish']/text()") == ["需求：张榜"]


def test_what_concerns_bids_is_shown_to_nobody(sign_in, actor, now):
    audit.append("bid.commit", subject="bid:abc", actor=actor("bidder"), at=now)
    db.session.commit()
    assert not sign_in("auditadmin").get("/admin/log").has("bid.commit")
    assert not sign_in("supervisor").get(f"/admin/log?who={person('bidder').name}").has("bid:abc")


def test_the_entry_page_leads_to_ones_own_part(sign_in, visitor):
    for username, target in (("secadmin", "people"), ("sysadmin", "settings/calendar"), ("auditadmin", "log")):
        assert sign_in(username).get("/admin").response.location == f"/admin/{target}"
    assert sign_in("bidder").get("/admin").status == 403


LITERAL = re.compile(r'(?:audit\.append|_tell|_log|note_read)\(\s*"([a-z]+\.[a-z_]+)"')


def test_everything_that_is_logged_has_a_name():
    folder = Path(administration.__file__).parents[1]
    kinds = {kind for path in folder.rglob("*.py") for kind in LITERAL.findall(path.read_text(encoding="utf-8"))}
    assert len(kinds) > 60
    kinds |= {f"{name}.{action}" for name, machine in MACHINES.items() for _state, action in machine.table}
    assert {kind for kind in kinds if kind_label(kind) == kind} == set()
