"""The importer's pages and its command, as a screener and as everybody else meets them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from marketplace import db
from marketplace.demands.models import Demand
from marketplace.exchange import queries, service
from marketplace.exchange.models import ImportBatch
from marketplace.platform import clock
from tests.client import Client, Page
from tests.exchange.lists import GOOD, workbook
from tests.exchange.messy import second_list
from tests.factories import organisation

DATA = Path(__file__).parents[1] / "data"
SignIn = Callable[[str], Client]


@pytest.fixture
def screener(sign_in: SignIn) -> Client:
    return sign_in("screener")


@pytest.fixture
def upload(app: Flask, screener: Client) -> Callable[..., str]:
    """Upload as the screener, let the worker read it, and give the list's address."""

    def send(data: bytes, name: str = "清单.xlsx") -> str:
        page = screener.post("/imports", {"file": (io.BytesIO(data), name), "batch": ""}, follow=True)
        assert page.status == 200, page.main
        service.read_waiting(app.extensions["storage"], clock.site_now())
        return page.url

    return send


def newest() -> ImportBatch:
    found = db.session.scalar(select(ImportBatch).order_by(ImportBatch.id.desc()))
    assert found is not None
    return found


# --- who ---------------------------------------------------------------------------------------------------------


def test_a_visitor_is_asked_to_sign_in(visitor: Client) -> None:
    page = visitor.get("/imports")
    assert page.status == 302
    assert "/sign-in" in page.response.headers["Location"]


@pytest.mark.parametrize("who", ["publisher", "drafter", "bidder", "finance", "sysadmin"])
def test_others_are_told_why_not(sign_in: SignIn, upload: Callable[..., str], who: str) -> None:
    url = upload(workbook(GOOD))
    for address in ("/imports", url, f"{url}/rows/1", f"{url}/confirmation", f"{url}/units", f"{url}/report.xlsx"):
        page = sign_in(who).get(address)
        assert page.status == 403, address
        assert "受理员" in page.main


def test_an_unknown_list_or_row_is_not_there(screener: Client, upload: Callable[..., str]) -> None:
    url = upload(workbook(GOOD))
    assert screener.get("/imports/nothing").status == 404
    assert screener.get(f"{url}/rows/99").status == 404
    assert screener.post(f"{url}/rows/99/merger").status == 404


def test_a_post_without_a_token_changes_nothing(screener: Client, upload: Callable[..., str]) -> None:
    url = upload(workbook(GOOD))
    assert screener.post(f"{url}/confirmation", csrf=False).status == 400
    assert db.session.scalars(select(Demand).where(Demand.origin_kind == "import")).all() == []


# --- uploading ---------------------------------------------------------------------------------------------------


def test_while_it_is_read_the_page_says_so_and_asks_again(screener: Client) -> None:
    page = screener.post("/imports", {"file": (io.BytesIO(workbook(GOOD)), "清单.xlsx"), "batch": ""}, follow=True)
    assert page.has("正在读取")
    assert page.response.headers["Refresh"] == "2"


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "清单.xlsx", "空文件"),
        (b"MZ not a list", "清单.exe", "exe"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "清单.xls", "xlsx"),
        (b"PK\x03\x04 torn", "清单.xlsx", "已损坏"),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused_beside_its_field(
    screener: Client, data: bytes, name: str, sentence: str
) -> None:
    page = screener.post("/imports", {"file": (io.BytesIO(data), name), "batch": ""})
    assert page.status == 422
    assert sentence in page.main
    assert db.session.scalar(select(ImportBatch.id)) is None


def test_no_file_at_all(screener: Client) -> None:
    page = screener.post("/imports", {"batch": ""})
    assert page.status == 422
    assert page.has("请选择清单文件")


def test_the_same_file_again_is_said(screener: Client, upload: Callable[..., str]) -> None:
    upload(workbook(GOOD))
    data = {"file": (io.BytesIO((DATA / "scenes.csv").read_bytes()), "scenes.csv"), "batch": ""}
    assert not screener.post("/imports", data, follow=True).has("已经传过")
    service.read_waiting(screener.app.extensions["storage"], clock.site_now())
    data = {"file": (io.BytesIO((DATA / "scenes.csv").read_bytes()), "again.csv"), "batch": ""}
    assert screener.post("/imports", data, follow=True).has("同一个文件已经传过")


def test_a_file_without_a_table_says_what_is_missing(screener: Client, upload: Callable[..., str]) -> None:
    page = screener.get(upload(b"hello\nworld\n", "x.csv"))
    assert page.has("没有找到表头")
    assert "Refresh" not in page.response.headers


# --- the report --------------------------------------------------------------------------------------------------


def test_the_report_shows_what_was_understood_with_cells(screener: Client, upload: Callable[..., str]) -> None:
    url = upload((DATA / "scenes-messy.xlsx").read_bytes())
    page = screener.get(f"{url}?show=all")
    for words in (
        "共53行",
        "征集汇总!5",
        "公共交通特征调查",
        "H7 “2027/3”按最后一天 2027-03-31 理解",
        "不是需求的行",
        "合计：53 项",
    ):
        assert page.has(words), words
    assert screener.get(f"{url}?show=all&page=2").has("智能表面缺陷检测系统")
    assert screener.get(f"{url}?show=nonsense&page=9999").status == 200


def test_every_page_of_a_messy_list_reads_well(screener: Client, upload: Callable[..., str]) -> None:
    url = upload(second_list())
    for view in queries.VIEWS:
        assert screener.get(f"{url}?show={view}").status == 200
    for position in range(1, 15):
        assert screener.get(f"{url}/rows/{position}").status == 200
    for noun in ("units", "confirmation", "cancellation"):
        assert screener.get(f"{url}/{noun}").status == 200


def test_the_report_as_a_file(screener: Client, upload: Callable[..., str]) -> None:
    url = upload((DATA / "scenes-messy.xlsx").read_bytes())
    sheet = load_workbook(io.BytesIO(screener.get(f"{url}/report.xlsx").response.data)).active
    assert sheet is not None
    assert sheet.max_row >= 54
    assert [cell.value for cell in sheet[2]][:5] == ["征集汇总", 5, "有提示", "待导入", "公共交通特征调查"]


def test_the_original_comes_back_as_it_was(screener: Client, upload: Callable[..., str]) -> None:
    data = workbook(GOOD)
    assert screener.get(f"{upload(data)}/file").response.data == data


def test_the_template_is_offered(screener: Client, sign_in: SignIn) -> None:
    assert screener.get("/imports/template.xlsx").response.data.startswith(b"PK")
    assert sign_in("drafter").get("/imports/template.xlsx").status == 200


def test_the_report_costs_the_same_for_many_rows(
    screener: Client, upload: Callable[..., str], count_queries: list[str]
) -> None:
    few = upload(workbook(GOOD))
    many = upload(workbook(*([f"{GOOD[0]}{number}", *GOOD[1:]] for number in range(40))))
    counts = []
    for url in (few, many):
        db.session.expunge_all()
        count_queries.clear()
        screener.get(f"{url}?show=all")
        counts.append(len(count_queries))
    assert counts[0] == counts[1]


# --- deciding ----------------------------------------------------------------------------------------------------


def test_the_sample_through_the_pages(screener: Client, upload: Callable[..., str]) -> None:
    url = upload((DATA / "scenes-messy.xlsx").read_bytes())
    refused = screener.post(f"{url}/confirmation")
    assert refused.status == 409
    assert refused.has("还不能导入")
    screener.get(f"{url}/units").submit(rest=str(organisation("host").id))
    assert screener.get(f"{url}/rows/51").submit("merger").has("已合并")
    blank = screener.get(f"{url}/refusal?row=52").submit(reason="")
    assert blank.status == 422
    source = newest()
    untitled = next(row for row in db.session.scalars(queries.rows(source)) if row.row_number == 61)
    screener.get(f"{url}/refusal?row={untitled.position}").submit(reason="没有名称")
    done = screener.get(f"{url}/confirmation").submit()
    assert done.has("已建 51 条草稿")
    assert queries.counts(source) == {"todo": 0, "ready": 0, "created": 51, "merged": 1, "refused": 1, "all": 53}


def test_a_row_is_corrected_in_place(screener: Client, upload: Callable[..., str]) -> None:
    url = upload(workbook(["", *GOOD[1:5], "80-120万元", *GOOD[6:]]))
    page = screener.get(f"{url}/rows/1")
    assert page.has("F2　是一个区间，未取数")
    saved = page.submit("rows/1", title="园区停车诱导改造", budget="不超过100万元", industries=["iot", "health"])
    assert saved.has("已更正第 2 行")
    values = newest_row().values
    assert (values["budget_wan"], values["budget_note"], values["industries"]) == (
        "100",
        "上限",
        ["物联网·传感器", "生命健康"],
    )


def test_saving_without_a_change_changes_nothing(screener: Client, upload: Callable[..., str]) -> None:
    url = upload((DATA / "scenes-messy.xlsx").read_bytes())
    source = newest()
    before = [(row.values, row.messages, row.status) for row in db.session.scalars(queries.rows(source))]
    for position in (1, 7, 11, 33, 51, 53):
        screener.get(f"{url}/rows/{position}").submit(f"rows/{position}")
    db.session.expire_all()
    assert [(row.values, row.messages, row.status) for row in db.session.scalars(queries.rows(source))] == before


def newest_row() -> Any:
    return db.session.scalars(queries.rows(newest())).first()


def test_a_duplicate_is_kept_and_restored(screener: Client, upload: Callable[..., str]) -> None:
    url = upload(workbook(GOOD, GOOD))
    assert screener.get(f"{url}/rows/2").submit("keeping").has("不是重复")
    screener.get(f"{url}/refusal?row=2").submit(reason="还是重复")
    assert screener.get(f"{url}/rows/2").submit("restoration").has("已恢复")


def test_a_finished_list_offers_nothing_more(screener: Client, upload: Callable[..., str]) -> None:
    url = upload(workbook(GOOD))
    screener.get(f"{url}/confirmation").submit()
    assert not screener.get(url).has("确认导入")
    assert screener.post(f"{url}/confirmation").status == 403
    assert screener.post(f"{url}/rows/1", {"title": "改"}).status == 403
    assert screener.post(f"{url}/rows/1/restoration").status == 403


def test_giving_up_is_a_page_of_its_own(screener: Client, upload: Callable[..., str]) -> None:
    url = upload(workbook(GOOD))
    assert screener.get(f"{url}/cancellation").submit().has("已放弃")
    assert db.session.scalars(select(Demand).where(Demand.origin_kind == "import")).all() == []


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def run(app: Flask, session: Any, tmp_path: Path) -> Callable[..., Any]:
    def command(data: bytes, *options: str, name: str = "list.xlsx") -> Any:
        path = tmp_path / name
        path.write_bytes(data)
        return app.test_cli_runner().invoke(args=["demands", "import", str(path), *options])

    return command


def test_the_sample_dry_and_as_json(run: Callable[..., Any]) -> None:
    result = run((DATA / "scenes-messy.xlsx").read_bytes(), "--dry-run", "--json")
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert len(found["rows"]) == 53
    assert found["summary"]["duplicate"] == 1
    assert db.session.scalar(select(ImportBatch.id)) is None


def test_a_clean_list_is_imported_at_once(run: Callable[..., Any]) -> None:
    result = run(workbook(GOOD))
    assert result.exit_code == 0, result.output
    assert "已建 1 条草稿" in result.stdout
    assert db.session.scalars(select(Demand.title).where(Demand.origin_kind == "import")).all() == ["园区停车诱导改造"]


def test_a_list_with_errors_waits_for_its_officer(run: Callable[..., Any]) -> None:
    result = run(workbook(GOOD, ["", *GOOD[1:]]))
    assert result.exit_code == 2
    assert "一条草稿也没有建" in result.stdout
    assert db.session.scalars(select(Demand).where(Demand.origin_kind == "import")).all() == []
    assert newest().total_rows == 2


@pytest.mark.parametrize(
    ("data", "options", "sentence"),
    [
        (b"%PDF-1.7", (), "PDF"),
        (b"no table", ("--dry-run",), "没有找到表头"),
        (workbook(GOOD), ("--batch", "NOPE-1"), "没有编号为"),
    ],
)
def test_what_cannot_be_read_ends_with_one(
    run: Callable[..., Any], data: bytes, options: tuple[str, ...], sentence: str
) -> None:
    result = run(data, *options)
    assert result.exit_code == 1
    assert sentence in result.stderr


def test_a_missing_file_ends_with_one(app: Flask, session: Any) -> None:
    result = app.test_cli_runner().invoke(args=["demands", "import", "/nowhere/list.xlsx"])
    assert result.exit_code == 1


def test_pages_are_strict(screener: Client) -> None:
    page: Page = screener.get("/imports")
    assert page.has("还没有收到清单")
