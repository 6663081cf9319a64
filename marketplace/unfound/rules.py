"""Who reads what was not found, and from how many searchers on. Pure."""

from __future__ import annotations

from datetime import timedelta

from marketplace.accounts.rules import Role
from marketplace.platform import policy

PEOPLE_LEAST = 5  # below it a text is shown to nobody
FORGET = timedelta(days=62)  # after it a text of fewer people is deleted
RANGE_MOST = timedelta(days=400)

officer = policy.role(Role.SCREENER, Role.PUBLISHER, refusal="只有受理员和发榜负责人可以看检索统计。")
GRANTS = policy.declare({"search.unfound": [[officer]]})
