"""The menu of the administration, and the numbers under its lists."""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for
from flask_babel import gettext as _

from marketplace.administration.queries import Page
from marketplace.platform import policy
from marketplace.web import page_url


def desk() -> list[dict[str, Any]]:
    """What this person may administer."""
    entries = (
        ("people.index", _("账号与角色"), "account.administer"),
        ("settings.calendar", _("工作日历"), "settings.edit"),
        ("settings.mode_clocks", _("资金方式时限"), "settings.edit"),
        ("settings.vocabulary", _("方向与产业"), "settings.edit"),
        ("settings.site", _("站点与页脚"), "settings.edit"),
        ("settings.mail", _("邮件与后台任务"), "settings.edit"),
        ("settings.clock_check", _("时钟核对"), "settings.edit"),
        ("log.index", _("操作记录"), "log.read"),
    )
    items = [
        {"url": url_for(endpoint), "label": label, "current": (request.endpoint or "") == endpoint}
        for endpoint, label, permission in entries
        if policy.allows(permission, g.actor, None, g.now)
    ]
    return [{"heading": _("管理"), "items": items}]


def pages(found: Page) -> dict[str, Any]:
    """What components/pagination.html takes."""
    near = {1, found.pages, *range(found.page - 2, found.page + 3)}
    return {
        "page": found.page,
        "pages": found.pages,
        "total": found.total,
        "first": (found.page - 1) * found.per_page + 1,
        "last": min(found.page * found.per_page, found.total),
        "urls": {n: page_url(page=n) for n in sorted(near) if 1 <= n <= found.pages},
        "previous": page_url(page=found.page - 1) if found.page > 1 else None,
        "next": page_url(page=found.page + 1) if found.page < found.pages else None,
    }
