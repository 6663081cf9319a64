"""Names of directions and industries, and where mail leaves: changed on a page, in force at once, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace import db, taxonomy
from marketplace.config import Config
from marketplace.demands.content import from_json
from marketplace.exchange.reading.vocabulary import INDUSTRIES as READ
from marketplace.notifications import mailer
from marketplace.opendata.spec import PARAMETERS
from marketplace.platform.audit import queries as log
from marketplace.settings import queries
from tests.demands.conftest import now, stage

__all__ = ["now", "stage"]
URL = "/admin/settings/taxonomy"


@pytest.fixture(autouse=True)
def shipped() -> Iterator[None]:
    yield
    taxonomy.use({})


def test_a_new_name_is_read_everywhere_and_the_codes_stay(visitor, sign_in, stage):
    demand = stage.published()
    db.session.commit()
    place = list(taxonomy.DIRECTIONS).index(demand.direction)
    page = sign_in("sysadmin").get(URL)
    page = page.submit(**{f"directions-{place}-zh": "智慧治理与民生", f"directions-{place}-en": "Smart governance"})
    assert page.has("已保存")
    db.session.refresh(demand)
    assert demand.direction == list(taxonomy.SHIPPED_DIRECTIONS)[place]
    assert visitor.get(f"/demands/{demand.number}").has("智慧治理与民生")
    assert "Smart governance" in visitor.get(f"/demands?direction={demand.direction}&lang=en").text
    assert sign_in("drafter").get("/demands/new").has("智慧治理与民生")
    facts = [entry.facts for entry in db.session.scalars(log.history("setting:taxonomy"))]
    assert facts[-1]["direction"][place][1] == "智慧治理与民生"


def test_an_industry_is_added_and_another_retired(sign_in, stage):
    demand = stage.draft(industries=("quantum",))
    db.session.commit()
    page = sign_in("sysadmin").get(URL)
    rows = len(taxonomy.INDUSTRIES)
    retired = list(taxonomy.INDUSTRIES).index("quantum")
    page = page.submit(**{f"industries-{rows}-zh": "低空经济", f"industries-{retired}-offered": None})
    assert page.has("已保存")
    (code,) = set(taxonomy.INDUSTRIES) - set(taxonomy.SHIPPED_INDUSTRIES)
    assert taxonomy.INDUSTRIES[code] == ("低空经济", "低空经济")
    assert READ.exact("低空经济") == code, "a list that says the new name is understood"
    assert code in next(item for item in PARAMETERS if item["name"] == "industry")["schema"]["items"]["enum"]
    form = sign_in("drafter").get(f"/demands/{demand.ref}/edit")
    assert form.has("低空经济")
    assert form.has("量子信息"), "what a demand already has it keeps"
    firm = sign_in("bidder").get(f"/organisations/{stage.actor('bidder').organisation_id}/edit")
    assert firm.has("低空经济")
    assert not firm.has("量子信息")
    form.submit(**{"industries": [code, "quantum"]})
    db.session.refresh(demand, ["content"])
    assert set(from_json(demand.content).industries) == {code, "quantum"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"directions-0-zh": ""}, "2至20个字"),
        ({"industries-1-zh": "物联网·传感器"}, "同名"),
        ({"industries-0-code": "nonsense"}, "没有保存"),
    ],
)
def test_what_cannot_be_is_refused_and_stays_on_the_page(sign_in, changes, says):
    page = sign_in("sysadmin").get(URL).submit(**{"directions-1-zh": "改了一半的名称", **changes})
    assert page.status in (409, 422)
    assert page.has(says)
    assert "改了一半的名称" in page.text
    assert queries.setting("taxonomy") == {}


def test_mail_leaves_by_the_server_that_was_set(sign_in, config):
    page = sign_in("sysadmin").get("/admin/settings/mail")
    page = page.submit(host="mail.example.test", port="465", security="tls", user="a@b", sender="甲 <a@b.example>")
    assert page.has("mail.example.test")
    assert page.has("ZHANGBANG_SMTP_PASSWORD")
    stored = queries.setting("mail")
    assert "password" not in stored
    assert mailer.url_of(stored, "p:w") == "smtps://a%40b:p%3Aw@mail.example.test:465"
    fixed = Config(**{**config.__dict__, "smtp_url": "smtp://other.example.test"})
    assert mailer.transport_of(fixed, stored) is not mailer.transport_of(fixed, {})
    refused = sign_in("sysadmin").get("/admin/settings/mail").submit(sender="不是地址", port="99999")
    assert refused.status == 422
    assert "不是地址" in refused.text


def test_a_test_mail_is_put_on_its_way(sign_in, session):
    from marketplace.notifications.models import Mail

    page = sign_in("sysadmin").get("/admin/settings/mail")
    assert page.submit(test_to="who@example.test", test="1").has("测试信在投递")
    mail = session.query(Mail).one()
    assert (mail.to_address, mail.subject) == ("who@example.test", "张榜的测试信")
    sent = []
    mailer.deliver(mail.created_at, config=Config(), transport=lambda _name, message: sent.append(message))
    assert [message["To"] for message in sent] == ["who@example.test"]
