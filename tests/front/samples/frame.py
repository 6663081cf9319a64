"""Sample data of the designed pages (mockups 01–05) and of the error pages, for looking, measuring and axe."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 23, 6, 32, 8, tzinfo=UTC)
Page = tuple[str, dict[str, Any]]
LIVING, BUILDING, INDUSTRY = "城市管理和民生服务", "城市建设与城市更新", "产业数字化转型"
LIVE = {"label": "揭榜中", "tone": "live"}


def close(month: int, day: int, year: int = 2026) -> datetime:
    """17:00 Beijing time."""
    return datetime(year, month, day, 9, 0, tzinfo=UTC)


def frame(*, english: bool, signed_in: bool) -> dict[str, Any]:
    """What the application gives to every page."""
    words = (
        ["Home", "Demands", "Notices", "Capabilities", "Help"] if english else ["首页", "榜单", "公示", "能力", "帮助"]
    )
    endpoints = ["home.index", "demands.index", "notices.index", "capabilities.index", "help.index"]
    return {
        "now": NOW,
        "site": {
            "name": "Zhangbang" if english else "张榜",
            "title": "Scene demands of Zhengzhou High-tech Zone" if english else "郑州高新区应用场景需求发布平台",
            "host": "郑州高新技术产业开发区管理委员会",
            "organiser": "郑州高新区科技创新局",
            "phone": "0371-6798****（工作日9:00—17:30）",
            "site_code": "41010000**",
            "icp": "豫ICP备2026******号",
            "police": "豫公网安备4101990200****号",
        },
        "nav": list(zip(endpoints, words, strict=True)),
        "footer": [
            ("Services" if english else "办事", list(zip(endpoints, words, strict=True))[1:3]),
            ("Open" if english else "公开", list(zip(endpoints, words, strict=True))[3:4]),
            ("About" if english else "关于", list(zip(endpoints, words, strict=True))[4:]),
        ],
        "account": account() if signed_in else None,
        "demo": False,
        "csp_nonce": "fixture",
    }


def account(role: str = "受理员", name: str = "科创局 李**") -> dict[str, Any]:
    return {
        "name": name,
        "role": role,
        "url": "/account",
        "roles": [
            {"label": role, "url": "/desk", "current": True},
            {"label": "发榜负责人", "url": "/desk?role=publisher", "current": False},
        ],
    }
