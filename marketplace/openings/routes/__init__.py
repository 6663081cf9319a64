"""The opening hall with its record, and the custodians' pages. One blueprint: ``openings.<view>``."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from flask import Blueprint, Flask

from marketplace.bids import service as bids
from marketplace.demands import service as demands
from marketplace.demands.rules import Action
from marketplace.openings import errands, jobs
from marketplace.openings.cli import reopen
from marketplace.platform.outbox.service import subscribe
from marketplace.worker import every

bp = Blueprint("openings", __name__)
PARTS = ("hall", "custodians", "releases")

LOG_WORDS = {
    "opening.freeze": "固定标书集合",
    "opening.release": "保管人释放",
    "opening.record": "形成开启记录",
    "opening.prices_called": "请保管人开启报价",
    "opening.object": "对开启提出异议",
    "opening.answer": "答复开启异议",
}


def install(app: Flask) -> None:
    """Register views, jobs, errands and what the demand's page says about the opening."""
    config = app.config["ZHANGBANG"]
    for part in PARTS:
        import_module(f"{__name__}.{part}")
    app.register_blueprint(bp)
    hall = import_module(f"{__name__}.hall")
    app.extensions["demand_page"].append(hall.on_demand_page)
    app.extensions.setdefault("log_words", {}).update(LOG_WORDS)
    demands.carry_out(Action.REOPEN, bids.reopen)
    app.extensions["proposal_details"].append(hall.on_proposal)
    subscribe("openings", jobs.handle, topics=("demand.withdraw", "demand.lapse", "opening."))
    every(2, "openings", partial(jobs.run, storage=app.extensions["storage"], scanner=config.clamd or None))
    every(60, "custodian reminders", jobs.remind)
    every(60, "clock", jobs.watch_clock)
    errands.install()
    app.cli.add_command(reopen)
