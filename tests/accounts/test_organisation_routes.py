"""Organisations: registration, the screener's word, members, the public directory."""

import io
import re

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationState, Role
from marketplace.notifications.models import Mail
from marketplace.platform.credit_code import invented
from tests.factories import organisation, person

PASSWORD = "一句只有我自己知道的话 2026"
FIRM = {
    "name": "新注册的试验有限公司",
    "credit_code": invented(900),
    "kind": "enterprise",
    "size": "small",
    "legal_representative": "路平",
    "address": "高新区莲花街1号",
    "contact_name": "路平",
    "contact_phone": "0371-60000000",
    "contact_email": "lu@example.test",
    "industries": ["iot"],
    "person_name": "路平",
    "phone": "13800001111",
    "email": "luping@example.test",
    "username": "luping",
    "password": PASSWORD,
    "again": PASSWORD,
}


def register(visitor, **changes):
    licence = (io.BytesIO(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"), "licence.pdf")
    return visitor.post("/register", data=FIRM | {"licence": licence} | changes, follow=True)


def made() -> Organisation | None:
    return db.session.scalar(select(Organisation).where(Organisation.name == FIRM["name"]))


def test_a_firm_registers_is_refused_hands_in_again_and_is_approved(visitor, sign_in):
    page = register(
        visitor,
        **{
            "affiliates-0-name": "同控股的公司",
            "affiliates-0-credit_code": invented(901).lower(),
            "affiliates-0-relation": "同一控制人",
        },
    )
    assert page.has("资料已送审")
    firm = made()
    assert [(item.name, item.credit_code) for item in firm.affiliates] == [("同控股的公司", invented(901))]
    assert visitor.get(f"/capabilities/{firm.slug}").status == 404
    office = sign_in("screener")
    assert office.get("/organisations").has(FIRM["name"])
    assert office.get(f"/organisations/{firm.id}/licence").status == 200
    assert office.post(f"/organisations/{firm.id}/decision", {"verb": "refuse", "reason": ""}).status == 422
    office.post(f"/organisations/{firm.id}/decision", {"verb": "refuse", "reason": "执照看不清"})
    page = visitor.get(f"/organisations/{firm.id}/edit")
    assert page.has("执照看不清")
    page.submit("/edit", address="高新区莲花街2号", save="1", add=None, remove=None)
    assert made().state == OrganisationState.PENDING
    office.post(f"/organisations/{firm.id}/decision", {"verb": "approve", "reason": ""})
    assert made().state == OrganisationState.APPROVED
    assert visitor.get(f"/capabilities/{firm.slug}").status == 200


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"credit_code": "91410100MA9999999O"}, "是字母O"),
        ({"licence": (io.BytesIO(b""), "")}, "请上传营业执照"),
        ({"licence": (io.BytesIO(b"MZ\x90"), "licence.pdf")}, "pdf"),
        ({"again": "不同"}, "两次填写的密码不同"),
        ({"username": "bidder"}, "已被使用"),
        ({"credit_code": invented(6)}, "已注册"),
        ({"affiliates-0-name": "只有名称"}, "名称和代码须同时填写"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(visitor, changes, sentence):
    page = register(visitor, **changes)
    assert page.status == 422
    assert sentence.lower() in page.main.lower()
    assert FIRM["name"] in page.text
    assert made() is None


def test_rows_are_added_and_removed_without_a_script(visitor):
    page = register(visitor, add="affiliates")
    assert 'name="affiliates-0-name"' in page.text
    page = register(visitor, **{"affiliates-0-name": "甲", "remove": "affiliates-0"})
    assert 'name="affiliates-0-name"' not in page.text
    assert made() is None


def test_other_organisations_do_not_exist_and_members_may_not_manage(sign_in, visitor):
    firm = organisation("firm").id
    assert visitor.get("/organisation").status == 302
    assert sign_in("rival").get(f"/organisations/{firm}").status == 404
    member = sign_in("bidder_member")
    assert member.get(f"/organisations/{firm}").status == 200
    assert member.get(f"/organisations/{firm}/edit").status == 403
    assert member.post(f"/members/{person('bidder').id}/roles", {"roles": []}).status == 403
    assert member.get("/organisations").status == 403
    assert sign_in("bidder").post(f"/organisations/{firm}/decision", {"verb": "suspend", "reason": "x"}).status == 403


def test_a_colleague_is_invited_joins_and_gets_a_role(sign_in, visitor):
    firm = organisation("firm").id
    boss = sign_in("bidder")
    page = boss.get(f"/organisations/{firm}")
    assert page.submit("/invitations", email="new@example.test", role="bidder").has("邀请已发往")
    mail = db.session.scalar(select(Mail).where(Mail.to_address == "new@example.test"))
    path = re.search(r"/invitations/\S+", mail.body).group()
    visitor.get(path).submit(name="新同事", username="newcomer", password=PASSWORD, again=PASSWORD)
    assert visitor.get(path).status == 410
    newcomer = person("newcomer")
    boss.post(f"/members/{newcomer.id}/roles", {"roles": ["bidder", "org_admin"]})
    db.session.expire_all()
    assert {item.role for item in newcomer.assignments if item.revoked_at is None} == {Role.BIDDER, Role.ORG_ADMIN}


def test_a_withdrawn_invitation_no_longer_works(sign_in, visitor):
    boss = sign_in("bidder")
    page = boss.get(f"/organisations/{organisation('firm').id}")
    page = page.submit("/invitations", email="late@example.test", role="bidder")
    mail = db.session.scalar(select(Mail).where(Mail.to_address == "late@example.test"))
    boss.get(f"/organisations/{organisation('firm').id}").submit("/withdrawal")
    assert visitor.get(re.search(r"/invitations/\S+", mail.body).group()).status == 410


def test_one_administrator_always_stays(sign_in):
    page = sign_in("bidder").post(f"/members/{person('bidder').id}/roles", {"roles": ["bidder"]})
    assert page.status == 409
    assert page.has("最后一位管理人员")


@pytest.mark.parametrize(("query", "found"), [("", True), ("q=河洛", True), ("q=%25", False), ("industry=iot", True)])
def test_the_directory_is_found_by_words_and_industry(visitor, session, query, found):
    organisation("firm").industries = ["iot"]
    db.session.commit()
    assert visitor.get(f"/capabilities?show=firms&{query}").has("河洛智感") is found


def test_the_directory_shows_no_person_and_no_pending_firm(visitor, session):
    firm = organisation("firm")
    firm.contact_phone, firm.contact_name = "13912345678", "王联系"
    db.session.commit()
    page = visitor.get("/capabilities/firm")
    assert "13912345678" not in page.text
    assert "王联系" not in page.text
    assert visitor.get("/capabilities/unit").status == 404


def test_the_licence_is_asked_for_together_with_everything_else(visitor):
    page = visitor.get("/register")
    assert page.html.xpath("//label[@for='licence']/span[@class='need']")[0].text_content() == "必填"
    wrong = page.submit("/register")
    assert wrong.status == 422
    assert wrong.has("请上传营业执照或法人证书。")
    assert wrong.has("请按营业执照填写全称。")
