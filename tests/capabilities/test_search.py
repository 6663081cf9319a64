"""A capability is found once it is public, by what is public of it, and no longer than that."""

from __future__ import annotations

from dataclasses import replace

from marketplace import db
from marketplace.capabilities import service
from marketplace.capabilities.models import Capability
from marketplace.capabilities.rules import CapabilityAction
from tests import factories
from tests.capabilities.making import capability, content
from tests.search.conftest import backend, site  # noqa: F401


def found(visitor, words: str) -> bool:
    return visitor.get(f"/search?kind=capability&q={words}").has(content().title)


def again(made: Capability) -> Capability:
    """The same row in the present session: the indexer leaves none behind."""
    row = db.session.get(Capability, made.id)
    assert row is not None
    return row


def test_from_the_review_to_the_result_and_out_again(visitor, site, now, actor):  # noqa: F811
    made = capability("submitted", now)
    site.catch_up()
    assert not found(visitor, "地磁")
    made = again(made)
    service.act(made, CapabilityAction.APPROVE, actor=actor("screener"), now=now)
    site.catch_up()
    page = visitor.get("/search?kind=capability&q=地磁")
    assert f"/capabilities/firm/{made.key}" in page.links()
    assert "<mark>地磁</mark>" in page.text
    assert found(visitor, "河洛智感")
    assert not found(visitor, "13912345678")
    near = visitor.get("/search?kind=capability&q=王联系")  # whom to ask is not searched; 联 is in 物联网
    assert near.has("找到0项")
    assert near.has("意思相近的")
    assert not found(visitor, '"王联系"')

    made = again(made)
    new = replace(made.said, text="改成了氢能储运装备的检测与标定，和原来毫无关系。" * 5)
    service.save(made, new, seen_version=made.version, actor=actor("bidder"), now=now)
    service.act(made, CapabilityAction.SUBMIT, actor=actor("bidder"), now=now)
    site.catch_up()
    assert not found(visitor, "氢能储运")
    made = again(made)
    service.act(made, CapabilityAction.APPROVE, actor=actor("screener"), now=now)
    site.catch_up()
    assert found(visitor, "氢能储运")

    factories.organisation("firm").state = "suspended"
    db.session.commit()
    assert not found(visitor, "氢能储运")


def test_it_stands_beside_the_demands_in_one_search(visitor, stage, site, now):  # noqa: F811
    stage.published()
    capability("listed", now)
    site.catch_up()
    page = visitor.get("/search?q=停车诱导")
    tabs = [" ".join(tab.text_content().split()) for tab in page.html.xpath("//nav[@class='tabs']/a")]
    assert tabs == ["全部 2", "榜单 1", "能力 1"]
