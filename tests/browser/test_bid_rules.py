"""The rules of a bid in the browser and in Python: the same hundred cases, the same findings, the same sentences."""

from __future__ import annotations

import json

from playwright.sync_api import Browser
from sqlalchemy.orm import Session

from marketplace.bids.validity import MESSAGES, exported, findings
from tests.bids.rule_cases import cases
from tests.browser.sealing.conftest import page, site

__all__ = ["page", "site"]
RUN = """async (cases) => {
  const { findings, sentence } = await import("/static/js/bids/rules.js");
  return cases.map(({ envelope, fields, rules, files }) =>
    findings(envelope, fields, rules, files).map((one) => [one.path, one.code, sentence(one, rules, false), sentence(one, rules, true)]));
}"""


def test_a_hundred_cases_give_the_same_findings(browser: Browser, page, session: Session) -> None:
    given, expected, names = [], [], []
    for name, envelope, fields, terms, files in cases():
        names.append(name)
        given.append({"envelope": envelope, "fields": fields, "rules": exported(terms), "files": files})
        expected.append(
            [
                [one.path, one.code, one.sentence(MESSAGES), one.sentence(MESSAGES, english=True)]
                for one in findings(envelope, fields, terms=terms, files=files)
            ]
        )
    assert len(given) >= 100
    got = page.evaluate(RUN, json.loads(json.dumps(given)))
    wrong = {name: (a, b) for name, a, b in zip(names, expected, got, strict=True) if a != b}
    assert wrong == {}
