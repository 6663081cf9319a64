"""Whoever reads the site in English gets its refusals in English: on a page, beside a field, in JSON."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.demands.models import Demand
from marketplace.platform import workflow
from marketplace.platform.credit_code import invented
from marketplace.platform.errors import Invalid, Refused, Sentence
from marketplace.platform.sealing.container import ciphertext_length
from marketplace.platform.sealing.reasons import Reason
from marketplace.platform.sealing.wire import sha256
from marketplace.platform.sentences import spoken
from marketplace.taxonomy import Label
from tests import factories
from tests.accounts.test_organisation_routes import FIRM, register
from tests.bids.conftest import Bidder
from tests.bids.test_routes import SignIn, bidder, send  # noqa: F401 the fixture of the site's own storage
from tests.capabilities.making import capability
from tests.client import Client, Page


def english(client: Client) -> Client:
    client.http.set_cookie("lang", "en")
    return client


def chinese(text: str) -> str:
    return "".join(re.findall("[\u3400-\u9fff\uff00-\uffef、。]", text))


def told(page: Page) -> list[str]:
    """The sentences on top of the form, its heading aside."""
    return [item.text_content() for item in page.html.xpath("//div[contains(@class,'error-summary')]//li")]


def wrong(page: Page, field: str) -> str:
    return " ".join(" ".join(page.html.xpath(f"//p[@id='{field}-error']//text()")).split())


# --- the sentence -------------------------------------------------------------------------------------------------


def test_a_sentence_is_finished_chinese_and_knows_its_parts(app: Flask) -> None:
    error = Refused(
        "联合体成员还没有确认：%(names)s。请他们登录确认后再封口。", names=["甲公司", "乙公司"], fields={"x": "已注册"}
    )
    assert str(error) == error.sentence == "联合体成员还没有确认：甲公司、乙公司。请他们登录确认后再封口。"
    named = Sentence("“%(document)s”已经补交，不需要再次上传。", document=Label("信用报告", "Credit report"))
    percent = Invalid("份额合计须为100%。", fields={"share": "须为100%"})
    assert (percent.sentence, percent.fields) == ("份额合计须为100%。", {"share": "须为100%"})
    with app.test_request_context("/"):
        assert spoken(error.sentence) == error.sentence
        assert spoken(percent.sentence) == "份额合计须为100%。"
        assert spoken(None) == spoken("") == ""
    with app.test_request_context("/?lang=en"):
        app.preprocess_request()
        assert spoken(error.sentence) == (
            "Consortium members who have not confirmed: 甲公司, 乙公司. Please ask them to sign in and confirm before you seal."
        )
        assert spoken(error.fields["x"]) == "Registered already"
        assert spoken(named) == "“Credit report” has been handed in already; there is no need to upload it again."
        assert spoken(percent.sentence) == "份额合计须为100%。"  # the catalogue does not know it
    assert spoken(named) == "“信用报告”已经补交，不需要再次上传。"  # outside a request


@pytest.mark.parametrize(
    "name", ["bid", "demand", "capability", "organisation", "award", "notice", "objection", "question"]
)
def test_every_state_and_act_that_a_stale_page_names_has_its_english(app: Flask, name: str) -> None:
    machine = workflow.MACHINES[name]
    refused = 0
    with app.test_request_context("/?lang=en"):
        app.preprocess_request()
        for state in machine.state_labels:
            for action in machine.action_labels:
                if (state, action) in machine.table:
                    continue
                with pytest.raises(Refused) as stale:
                    machine.advance(state, action)
                assert str(stale.value).startswith(f"现在是“{machine.state_labels[state]}”，不能“")
                assert chinese(spoken(stale.value.sentence)) == ""
                refused += 1
        assert [chinese(spoken(reason.sentence)) for reason in Reason] == [""] * len(Reason)
    assert refused > 5


# --- what is really sent ------------------------------------------------------------------------------------------


def test_a_fixed_one_one_with_a_number_and_one_with_a_name(demand: Demand, bidder: Bidder, sign_in: SignIn) -> None:  # noqa: F811
    bid = bidder.start(demand)
    rival = factories.organisation("rival")
    rival.may_bid = False
    db.session.commit()
    lead, url = english(sign_in("bidder")), f"/bids/{bid.public_id}/members"
    typed = lead.get(url).submit(credit_code="12345")
    assert wrong(typed, "credit_code").startswith("A credit code has 18 characters; this has 5.")
    assert chinese(" ".join(told(typed))) == ""
    unknown = lead.get(url).submit(credit_code=invented(977))
    assert unknown.status == 409
    assert told(unknown) == [
        "This organisation is not on the platform. Please ask it to register as a bidder, and invite it once it is approved."
    ]
    named = lead.get(url).submit(credit_code=rival.credit_code)
    assert named.status == 409
    assert told(named) == [
        f"{rival.display_name} cannot join this bid now. Please ask it about its registration and conflicts of interest."
    ]
    stranger = english(sign_in("rival"))
    assert stranger.get(f"/demands/{demand.number}/bid").has("Its administrator can apply on the profile page")
    plain = sign_in("bidder").get(url).submit(credit_code=rival.credit_code)
    assert told(plain) == [f"{rival.display_name}现在不能加入这份揭榜。请与该单位核实其登记和回避情况。"]


def test_too_many_wrong_passwords_say_how_long_to_wait(visitor: Client) -> None:
    factories.person("bidder")
    db.session.commit()
    client = english(visitor)
    for _ in range(6):
        page = client.get("/sign-in").submit("/sign-in", username="bidder", password="not the one at all")
    (sentence,) = told(page)
    assert re.fullmatch(
        r"The password was wrong several times in a row\. Please try again in \d+ seconds, or reset it by e-mail\.",
        sentence,
    )


def test_one_beside_its_field(visitor: Client) -> None:
    firm = factories.person("bidder").organisation
    assert firm is not None
    taken = register(english(visitor), credit_code=firm.credit_code)
    assert taken.status == 422
    assert wrong(taken, "credit_code") == "Registered already"
    assert told(taken)[0] == (
        "This organisation is registered already. Please ask its administrator to invite you instead of registering it again."
    )
    weak = register(english(visitor), password="aabbccaabbcc", again="aabbccaabbcc")
    assert wrong(weak, "password") == (
        "The password has too few different characters and is easy to guess. Please choose another."
    )
    assert db.session.query(Organisation).filter_by(name=FIRM["name"]).count() == 0


def test_a_stale_page_names_state_and_act(sign_in: SignIn, session: object, now: object) -> None:
    made = capability("submitted", now)
    stale = english(sign_in("bidder")).post(f"/desk/capabilities/{made.key}", {"act": "submit"})
    assert stale.status == 409
    sentence = "The state is now “Under review”, which does not allow “Hand in for review”. Please reload the page"
    assert stale.has(sentence), stale.main
    again = sign_in("bidder").post(f"/desk/capabilities/{made.key}", {"act": "submit"})
    assert again.has("现在是“待审核”，不能“提交审核”。请刷新页面查看最新状态。")


def test_the_scripts_are_told_in_english_too(demand: Demand, bidder: Bidder, sign_in: SignIn) -> None:  # noqa: F811
    bid = bidder.start(demand)
    db.session.commit()
    client, url = english(sign_in("bidder")), f"/bids/{bid.public_id}"

    def detail(method: str, path: str, **options: object) -> tuple[int, str]:
        answer = send(client, method, url + path, **options)
        assert answer.response.mimetype == "application/problem+json"
        return answer.status, json.loads(answer.text)["detail"]

    plain = b"%PDF-1.7 this is no ciphertext"
    place = "/pieces/1/price/0/0"
    assert detail("PUT", place, data=plain, headers={"X-Chunk-SHA256": sha256(plain)}) == (
        422,
        "What arrived is not ciphertext. The platform takes no unencrypted bid",
    )
    assert detail("PUT", "/pieces/2/price/0/0", data=plain) == (
        409,
        "Version 1 is being prepared now. A colleague may just have sealed; please reload the page.",
    )
    part = {
        "version": 1,
        "envelope": "price",
        "part": 0,
        "length": ciphertext_length(4096),
        "sha256": "0" * 64,
        "pt_commit": "0" * 64,
    }
    assert detail("POST", "/parts", json=part) == (409, "Chunks still missing: 1. Please go on uploading.")
    status, said = detail("POST", "/sealing", json={"manifest": "x"}, headers={"Idempotency-Key": "k" * 16})
    assert (status, said) == (422, "M-01 The bid's manifest has the wrong form. Please reload the page and seal again")
