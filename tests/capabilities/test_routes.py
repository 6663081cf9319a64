"""Every address of capabilities: works · visitor · other firm · wrong state · bad input · wrong method · counts."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.capabilities.models import Capability
from marketplace.capabilities.rules import CapabilityState
from tests.capabilities.making import ROADS, capability, content


def only() -> Capability:
    found = db.session.scalars(select(Capability)).one()
    db.session.refresh(found)
    return found


def test_from_a_draft_to_a_public_page(visitor, sign_in, session):
    bidder = sign_in("bidder")
    page = bidder.get("/desk/capabilities").has("还没有写过能力")
    assert page
    form = bidder.get("/desk/capabilities/new").submit(title="路内泊位停车诱导")
    assert form.has("编写能力")
    said = content()
    kept = form.submit(
        save="1", title=said.title, summary=said.summary, text=said.text, directions=["living"], industries=["iot"]
    )
    assert kept.has("已暂存")
    assert only().said.text == said.text
    missing = kept.submit(submit="1", save=None)
    assert missing.status == 422
    assert missing.has("请填写联系人")
    done = missing.submit(submit="1", save=None, contact_name="王联系", contact_phone="13912345678")
    assert done.has("已提交")
    assert only().state is CapabilityState.SUBMITTED
    assert not visitor.get("/capabilities").has(said.title)

    screener = sign_in("screener")
    assert screener.get("/desk/capabilities/review").has("河洛智感科技有限公司")
    after = screener.get(f"/desk/capabilities/{only().key}").submit(act="approve")
    assert after.has("没有等待审核的能力")
    public = visitor.get(f"/capabilities/firm/{only().key}")
    assert public.has(said.text)
    assert "13912345678" not in public.text
    assert "王联系" not in public.text
    assert public.has("139****5678")
    assert visitor.get("/capabilities").has(said.title)
    assert visitor.get("/capabilities/firm").has(said.title)


def test_units_and_staff_see_whom_to_call_others_do_not(visitor, sign_in, session, now):
    url = f"/capabilities/firm/{capability('listed', now).key}"
    for who in ("drafter", "approver", "screener", "bidder_member"):
        assert sign_in(who).get(url).has("13912345678"), who
    for page in (visitor.get(url), sign_in("rival").get(url)):
        assert "13912345678" not in page.text
        assert "sales@example.test" not in page.text


@pytest.mark.parametrize("state", ROADS)
def test_who_sees_which_state(visitor, sign_in, session, now, state):
    made = capability(state, now)
    public = state in ("listed", "changing", "change_submitted", "change_returned")
    assert (visitor.get(f"/capabilities/firm/{made.key}").status == 200) is public
    assert visitor.get(f"/capabilities/rival/{made.key}").status == 404
    work = f"/desk/capabilities/{made.key}"
    assert "/sign-in" in visitor.get(work).response.headers.get("Location", "/sign-in")
    assert sign_in("rival").get(work).status == 404
    assert sign_in("drafter").get(work).status == 404
    assert sign_in("bidder_member").get(work).status == 200
    assert sign_in("screener").get(work).status == (404 if state in ("draft", "dropped") else 200)
    if public:
        assert not visitor.get(f"/capabilities/firm/{made.key}").has("（新）")
        assert not visitor.get("/capabilities").has("（新）")


def test_a_visitor_signs_in_first(visitor, session):
    for url in ("/desk/capabilities", "/desk/capabilities/new", "/desk/capabilities/review"):
        assert "/sign-in" in visitor.get(url).response.headers["Location"]
    assert visitor.get("/desk/capabilities/nothing").status == 404


def test_others_are_told_why_not(sign_in, session, now):
    assert sign_in("drafter").get("/desk/capabilities").has("揭榜单位的成员")
    assert sign_in("drafter").get("/desk/capabilities/new").status == 403
    assert sign_in("bidder").get("/desk/capabilities/review").status == 403
    made = capability("submitted", now)
    page = sign_in("bidder").get(f"/desk/capabilities/{made.key}/edit")
    assert page.status == 403
    assert page.has("先收回")
    refused = sign_in("bidder").post(f"/desk/capabilities/{made.key}", {"act": "approve"})
    assert refused.status == 403
    stale = sign_in("screener").post(f"/desk/capabilities/{capability('listed', now).key}", {"act": "approve"})
    assert stale.status == 409
    assert stale.has("已公开")
    assert sign_in("screener").post(f"/desk/capabilities/{made.key}", {"act": "nonsense"}).status == 400
    assert sign_in("screener").post("/capabilities").status == 405


def test_the_screener_returns_with_a_reason_and_sees_what_a_change_alters(sign_in, session, now):
    made = capability("change_submitted", now)
    page = sign_in("screener").get(f"/desk/capabilities/{made.key}")
    assert page.has("与公开内容的不同（1处）")
    empty = page.submit(act="return", reason="")
    assert empty.status == 422
    assert empty.has("请写明理由")
    page.submit(act="return", reason="请写明测试条件")
    assert sign_in("bidder").get(f"/desk/capabilities/{made.key}/edit").has("请写明测试条件")
    assert sign_in("bidder").get("/desk/capabilities").has("已公开，修改被退回")


def test_bad_input_is_kept_and_named(sign_in, session, now):
    made = capability("draft", now)
    page = sign_in("bidder").get(f"/desk/capabilities/{made.key}/edit")
    bad = page.submit(
        title="新的名称在这里",
        contact_phone="打电话",
        **{"qualifications-0-valid_until": "明年", "references-0-year": "24"},
    )
    assert bad.status == 422
    assert bad.has("请填写电话号码")
    assert bad.has("2027-12-31这样的日期")
    assert bad.has("四位年份")
    assert bad.html.xpath("//input[@name='title']/@value") == ["新的名称在这里"]
    assert only().title == content().title


def test_rows_are_added_and_removed_without_a_script(sign_in, session, now):
    made = capability("draft", now)
    page = sign_in("bidder").get(f"/desk/capabilities/{made.key}/edit")
    more = page.submit(add="references")
    assert len(more.html.xpath("//input[contains(@name, 'references-') and contains(@name, '-name')]")) == 2
    less = more.submit(remove="references-0")
    assert len(less.html.xpath("//input[contains(@name, 'references-') and contains(@name, '-name')]")) == 1


def test_a_stale_form_is_refused_with_what_was_typed(sign_in, session, now):
    made = capability("draft", now)
    page = sign_in("bidder").get(f"/desk/capabilities/{made.key}/edit")
    sign_in("bidder_member").get(f"/desk/capabilities/{made.key}/edit").submit(title="同事先存的名称")
    stale = page.submit(title="我后存的名称")
    assert stale.status == 409
    assert stale.has("刚刚保存")
    assert stale.html.xpath("//input[@name='title']/@value") == ["我后存的名称"]
    assert only().title == "同事先存的名称"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("q=停车", True),
        ("q=河洛", True),
        ("q=停车 诱导", True),
        ("q=氢能", False),
        ("q=%25", False),
        ("direction=living", True),
        ("direction=carrier", False),
        ("industry=iot", True),
        ("industry=quantum", False),
        ("direction=nonsense", True),
        ("page=99", True),
    ],
)
def test_the_directory_is_filtered(visitor, session, now, query, found):
    capability("listed", now)
    capability("submitted", now, title="还没有审核的能力名称")
    page = visitor.get(f"/capabilities?{query}")
    assert page.has(content().title) is found
    assert not page.has("还没有审核的能力名称")


def test_the_second_tab_lists_the_firms_with_exact_counts(visitor, session, now):
    capability("listed", now)
    page = visitor.get("/capabilities?show=firms")
    assert page.has("河洛智感科技有限公司")
    tabs = [" ".join(tab.text_content().split()) for tab in page.html.xpath("//nav[@class='tabs']/a")]
    assert tabs == ["能力 1", "单位 3"]


@pytest.mark.parametrize(
    "url", ["/capabilities", "/desk/capabilities", "/desk/capabilities/review", "/capabilities/firm"]
)
def test_the_number_of_queries_does_not_grow(sign_in, session, now, count_queries, url):
    def queries(client) -> int:
        client.get(url)
        count_queries.clear()
        assert client.get(url).status == 200
        return len(count_queries)

    def fill(number: int) -> None:
        for _n in range(number):
            capability("submitted" if "review" in url else "listed", now)

    client = sign_in("screener" if "review" in url else "bidder")
    fill(1)
    few = queries(client)
    fill(29)
    assert queries(client) == few
    assert few <= 10


def test_english_readers_find_their_words(visitor, session, now):
    made = capability("listed", now)
    page = visitor.get("/capabilities?lang=en")
    assert "City management and public services" in page.text
    shown = visitor.get(f"/capabilities/firm/{made.key}?lang=en")
    assert shown.has("IoT and sensors")
    assert not shown.has("适用方向")


def test_what_waits_is_on_the_right_desks(sign_in, session, now):
    capability("submitted", now, title="等待审核的一项能力")
    capability("returned", now, title="退回修改的一项能力")
    desks = {who: sign_in(who).get("/desk") for who in ("screener", "bidder_member", "rival", "publisher")}
    assert {who for who, page in desks.items() if page.has("等待审核的一项能力")} == {"screener"}
    assert {who for who, page in desks.items() if page.has("退回修改的一项能力")} == {"bidder_member"}
