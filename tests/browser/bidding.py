"""A bidder at his browser: the steps that several tests take, each by what a person sees."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from marketplace.platform import clock

PLAN = (
    "以阵列拾声与边缘识别定位声源，现场只留声纹特征，不留录音；数据经统一接口进入城市运行平台，三个月连续试运行。" * 3
)


VALUES = {
    "eligibility-legal_representative": "王建国",
    "eligibility-address": "郑新市高新区科学大道一百号",
    "eligibility-contact_name": "王珂",
    "eligibility-contact_phone": "13800001234",
    "eligibility-conditions": "自有产品研发团队二十人，已运行维护同类系统三年。",
    "eligibility-people-0-name": "王珂",
    "eligibility-people-0-post": "项目负责人",
    "eligibility-people-0-employer": "澄观水环境",
    "technical-plan": PLAN,
    "technical-risks": "施工占道可能延期，安排夜间分段施工，并预留两周机动时间。",
    "technical-data_security": "原始声音不出场端，特征数据脱敏后加密传输，日志保留六个月。",
    "technical-team-0-post": "项目负责人",
    "technical-team-0-qualification": "同类项目五年以上",
    "technical-team-0-duty": "全面负责",
    "technical-team-0-months": "8",
    "price-lines-0-item": "设备与服务",
    "price-lines-0-amount_fen": "320000",
    "price-subsidy_fen": "100000",
    "price-share_percent": "12.5",
}
"""What a complete bid needs beyond the profile, by name of the control."""


def start(page: Page, site: str, number: str) -> str:
    """From the demand's page to the form of a new draft; gives the bid's address."""
    page.goto(f"{site}/demands/{number}")
    page.get_by_role("link", name="揭榜", exact=True).click()
    page.get_by_role("button", name="开始填写").click()
    page.wait_for_url("**/form")
    return page.url.removesuffix("/form")


def make_key(page: Page) -> str:
    """The organisation's first key; gives the code that was shown once."""
    code = page.locator("[data-key-code]")
    expect(code).to_be_visible()
    text = code.inner_text()
    page.get_by_label("已经打印或抄下").check()
    page.get_by_role("button", name="启用这把钥匙").click()
    return text


def unlock(page: Page, codes: dict[str, str], who: str) -> None:
    """The organisation's key on this new device: made by the first, entered by all others."""
    page.locator("[data-key-new]:not([hidden]), [data-key-enter]:not([hidden])").wait_for()
    if page.locator("[data-key-new]").is_visible():
        codes[who] = make_key(page)
    else:
        demo = page.locator("[data-key-demo]")
        if demo.count():
            codes[who] = demo.inner_text()
        enter_key(page, codes[who])
    opened(page)


def enter_key(page: Page, code: str) -> None:
    page.get_by_label("钥匙码").fill(code)
    page.get_by_role("button", name="打开标书").click()


def opened(page: Page) -> None:
    """The form, or the seal page, is decrypted and alive."""
    page.locator("[data-module][data-ready]").first.wait_for(state="attached")


def fill_form(page: Page) -> None:
    """Everything that a complete bid needs, as far as it is empty; as fast as a machine types."""
    for row in range(page.locator("[data-response]").count()):
        page.fill(f"[name=technical-responses-{row}-value]", "99")
    for name, value in VALUES.items():
        control = page.locator(f"[name={name}]")
        if control.count():
            control.fill(value)
    for code in ("truth", "record", "secrecy", "independent"):
        page.check(f"[name=eligibility-statements][value={code}]")
    due = f"{clock.wall_now() + timedelta(days=30):%Y-%m-%d}"
    for row, document in enumerate(("audit", "credit")):
        if not page.locator(f"[name=eligibility-promises-{row}-document]").count():
            page.get_by_role("button", name="再加一项承诺").click()
        page.select_option(f"[name=eligibility-promises-{row}-document]", document)
        page.fill(f"[name=eligibility-promises-{row}-due_on]", due)
        page.fill(f"[name=eligibility-promises-{row}-reason]", "年度审计尚未完成")
    expect(page.locator("[data-missing-count]")).to_have_text("都齐了")


def attach(page: Page, path: Path, role: str = "plan") -> None:
    page.select_option("#file-role", role)
    page.set_input_files("#file-pick", path)
    expect(page.locator("[data-file-list]")).to_contain_text(path.name)


def saved(page: Page) -> None:
    expect(page.locator("[data-bid-status]")).to_contain_text("已加密保存")


def seal(page: Page) -> str:
    """From the seal page to the receipt; gives its address."""
    opened(page)
    page.get_by_role("button", name="封口").click()
    page.wait_for_url("**/receipts/*")
    expect(page.get_by_role("heading", name="揭榜回执")).to_be_visible()
    return page.url
