"""What stands around the demands in the demo: the site's own names, files of some demands, a firm that waits to be let
in, a role that waits for a second administrator, an act that waits for a second person, followers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import current_app

from marketplace.accounts import queries as accounts
from marketplace.accounts import service as accounts_service
from marketplace.accounts.rules import DEMO_PASSWORD, Role
from marketplace.demands import service
from marketplace.demands.rules import Action
from marketplace.demo.content.story import Moment
from marketplace.platform import credit_code
from marketplace.platform.files import put_bytes
from marketplace.platform.rendering import Facts, Paper, Signatures, Text, docx_file, pdf, xlsx
from marketplace.settings import service as settings

if TYPE_CHECKING:
    from marketplace.demo.play import Stage

SITE = {
    "title": "高新区应用场景需求发布平台",
    "title_en": "Scene demands of the high-tech zone",
    "host": "高新技术产业开发区管理委员会（演示）",
    "organiser": "高新区科技创新局",
    "phone": "0371-0000 0000（工作日9:00—17:30）",
    "site_code": "4199990000",
    "icp": "豫ICP备00000000号",
    "police": "豫公网安备41999900000000号",
}
WITHDRAWN_AFTER_DEADLINE = "virtual-plant"
FOLLOWED = ("parking", "river-trace", "kitchen", "night-noise", "grind-vision", "bus-priority")

# Files of demands: key → (name, heads, rows). Short tables of the kind that units attach.
PAPERS: dict[str, tuple[str, tuple[str, ...], tuple[tuple[str | int, ...], ...]]] = {
    "parking": (
        "附件1 泊位与地磁清单.xlsx",
        ("路段", "泊位数", "既有地磁", "在线率", "供电条件"),
        (
            ("科创大道（银杏街—白桦街）", 412, 188, "78%", "路灯箱变，夜间可用"),
            ("科创大道（白桦街—星汉路）", 536, 240, "74%", "市电，需开挖3处"),
            ("云锦街（科创大道—文渊街）", 286, 104, "81%", "市电"),
            ("银杏街（云锦街—星汉路）", 152, 80, "69%", "太阳能"),
        ),
    ),
    "river-trace": (
        "附件1 水站点位与取电条件.xlsx",
        ("点位", "位置", "立杆产权", "取电", "通信"),
        (
            ("W1", "云溪河入境断面", "水务", "市电", "光纤"),
            ("W2", "云溪河二号橡胶坝", "城管", "太阳能", "4G"),
            ("W3", "澄湖北湖心", "城管", "太阳能", "4G"),
            ("W4", "澄湖出口", "城管", "市电", "光纤"),
        ),
    ),
    "chillers": (
        "附件1 冷站设备台账.xlsx",
        ("设备", "数量", "额定功率kW", "投运年份", "通信协议"),
        (
            ("离心式冷水机组", 4, 487, 2017, "Modbus RTU"),
            ("冷冻水泵", 6, 75, 2017, "硬接线"),
            ("冷却水泵", 6, 90, 2017, "硬接线"),
            ("横流冷却塔", 8, 15, 2018, "硬接线"),
        ),
    ),
    "kitchen": (
        "附件1 学校食堂与摄像机清单.xlsx",
        ("类别", "数量", "摄像机路数", "编码", "接入方式"),
        (
            ("小学食堂", 21, 126, "H.265", "教育专网"),
            ("初中食堂", 11, 88, "H.265", "教育专网"),
            ("高中食堂", 4, 44, "H.264", "教育专网"),
        ),
    ),
}


def acts(stage: Stage) -> Iterator[tuple[datetime, Callable[[datetime], None]]]:
    """(when, what), in no particular order."""
    yield stage.at(Moment(-204)), lambda at: settings.set_site(SITE, actor=stage.actor("sysadmin"), now=at)
    yield stage.at(Moment(-2, "15:00")), lambda at: _register(at)
    yield stage.at(Moment(-1, "11:00")), lambda at: _grant(stage, at)
    yield stage.at(Moment(-1, "16:00")), lambda at: _propose(stage, at)
    yield stage.at(Moment(-6, "09:10")), lambda at: _follow(stage, at)


def attach(stage: Stage, key: str, at: datetime) -> None:
    """The table of a demand, and the letter of commitment every bidder signs."""
    demand, entry = stage.rows[key], stage.entries[key]
    name, heads, rows = PAPERS[key]
    storage, actor = current_app.extensions["storage"], stage.writer(entry)
    table = xlsx(heads, rows, name="清单", note="演示数据，机构、地点与数字均为虚构。")
    service.attach(
        demand,
        put_bytes(storage, table),
        name=name,
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        actor=actor,
        now=at,
    )
    letter = docx_file(
        Paper(
            form="sheet",
            title="揭榜承诺书（范本）",
            dated_at=at,
            issuer=stage.units[entry.unit].name,
            blocks=(
                Text(f"我单位拟揭榜“{entry.content.title}”，承诺所提交的资料真实、完整；"),
                Text("承诺在试验与实施期间只在约定范围内使用需求单位开放的数据、场地和设备，不留存、不转让；"),
                Text("承诺按揭榜方案与里程碑如期交付，未达指标的按约定退出，不影响公共服务的正常运行。"),
                Signatures(("揭榜单位（盖章）", "法定代表人", "日期")),
            ),
            watermark="演示数据",
        )
    )
    service.attach(
        demand,
        put_bytes(storage, letter),
        name="附件2 揭榜承诺书（范本）.docx",
        media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        actor=actor,
        now=at,
    )


def _register(at: datetime) -> None:
    """A small firm has registered; the screener reads its licence and lets it in or not."""
    code = credit_code.invented(188)
    licence = pdf(
        Paper(
            form="sheet",
            title="营业执照（演示）",
            dated_at=at,
            blocks=(
                Facts((("统一社会信用代码", code), ("名称", "高新区拾光智联科技有限公司"), ("法定代表人", "宋拾光"))),
            ),
            watermark="演示数据",
        )
    )
    accounts_service.register(
        {
            "name": "高新区拾光智联科技有限公司",
            "short_name": "拾光智联",
            "credit_code": code,
            "kind": "enterprise",
            "size": "small",
            "legal_representative": "宋拾光",
            "address": "高新区智感路3号传感谷C座1102",
            "industries": ["iot", "newit"],
            "capabilities": "低功耗无线传感终端与边缘网关的设计和小批量制造；路灯、井盖、泊位三类场景各有一处在用。",
            "contact_name": "宋拾光",
            "contact_phone": "13800000399",
            "contact_email": "shiguang@demo.example.com",
            "licence_sha256": put_bytes(current_app.extensions["storage"], licence).sha256,
            "licence_name": "营业执照.pdf",
        },
        [],
        {
            "person_name": "宋拾光",
            "username": "shiguang_admin",
            "email": "shiguang.admin@demo.example.com",
            "phone": "13800000399",
            "password": DEMO_PASSWORD,
        },
        now=at,
    )
    user = accounts.by_username("shiguang_admin")
    assert user is not None
    user.is_demo = True


def _grant(stage: Stage, at: datetime) -> None:
    """One security administrator grants the office a second screener; another one confirms."""
    user = stage.users["tech_drafter"]
    accounts_service.grant_role(user, Role.SCREENER, stage.units["tech"], actor=stage.actor("secadmin"), now=at)


def _propose(stage: Stage, at: datetime) -> None:
    """After the deadline a withdrawal needs the supervisor's word."""
    demand = stage.rows[WITHDRAWN_AFTER_DEADLINE]
    service.propose(
        demand,
        Action.WITHDRAW,
        reason="供电公司调整了园区负荷的控制方式，原定的试验条件已不具备，拟撤榜；条件恢复后重新张榜。",
        actor=stage.actor("publisher"),
        now=at,
    )


def _follow(stage: Stage, at: datetime) -> None:
    for key in FOLLOWED:
        demand = stage.rows[key]
        if demand.visible_from is not None and demand.visible_from <= at - timedelta(days=1):
            service.follow(demand, actor=stage.actor("bidder"), now=at)
