"""Every sample page, read strictly: what a browser forgives, we do not."""

from __future__ import annotations

import re
from collections import Counter

import html5lib
import pytest
from flask import Flask
from lxml import etree

from tests.front import samples

CASES = [(name, lang) for name in samples.PAGES for lang in ("zh", "en")]


@pytest.fixture(params=CASES, ids=[f"{name}-{lang}" for name, lang in CASES])
def page(request: pytest.FixtureRequest, house: Flask) -> etree._Element:
    name, lang = request.param
    text = house.test_client().get(f"/page/{name}?lang={lang}").get_data(as_text=True)
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("lxml"), namespaceHTMLElements=False)
    tree = parser.parse(text)
    assert parser.errors == []
    root: etree._Element = tree.getroot()
    return root


def words(element: etree._Element) -> str:
    return re.sub(r"\s+", "", "".join(element.itertext()))


def test_title_is_the_heading(page: etree._Element) -> None:
    headings = page.findall(".//h1")
    assert len(headings) == 1
    title = page.find(".//title")
    assert title is not None
    assert re.sub(r"\s+", "", title.text or "").startswith(words(headings[0]) + "-")


def test_ids_are_unique_and_every_reference_finds_one(page: etree._Element) -> None:
    ids = Counter(element.get("id") for element in page.iter() if element.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    wanted = [
        (attribute, name)
        for element in page.iter()
        for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "data-for")
        for name in (element.get(attribute) or "").split()
    ]
    assert [pair for pair in wanted if pair[1] not in ids] == []
    inside = [link.get("href", "")[1:] for link in page.iter("a") if link.get("href", "").startswith("#")]
    assert [name for name in inside if name and name not in ids] == []


def test_every_control_has_a_name(page: etree._Element) -> None:
    labelled = {label.get("for") for label in page.iter("label")}
    nameless = [
        etree.tostring(control)
        for control in page.iter("input", "select", "textarea")
        if control.get("type") not in ("hidden", "submit")
        and control.get("id") not in labelled
        and not control.get("aria-label")
        and not any(parent.tag == "label" for parent in control.iterancestors())
    ]
    assert nameless == []


def test_forms_that_write_carry_a_token(page: etree._Element) -> None:
    for form in page.iter("form"):
        if form.get("method") == "post":
            assert form.findall(".//input[@name='csrf_token']")


def test_nothing_is_inline(page: etree._Element) -> None:
    for element in page.iter():
        assert not [name for name in element.attrib if name == "style" or name.startswith("on")]
    assert page.findall(".//style") == []
    for script in page.iter("script"):
        assert script.get("src")
        assert script.get("nonce") == "fixture"
