"""Writes, through the services, the review that the browser tests look at: ``python -m tests.browser.review_site 10``.

Prints ``name=value`` lines: the accounts' names and password, the review's address, the first bid's.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from marketplace import create_app, db, migrate
from marketplace.demands.content import Criterion
from marketplace.platform import clock
from marketplace.platform.rendering.paper import Paper, Text
from marketplace.platform.rendering.pdf import pdf
from marketplace.scoring import queries
from tests import factories
from tests.bids.contents import attachment, envelopes, price, technical
from tests.demands.conftest import Stage
from tests.panels import making

TYPED = (("plan", 20), ("innovation", 10), ("team", 10), ("safety", 10), ("operation", 10))


def contents(said: Any, place: int) -> Any:
    made = technical(said, "firm")
    evidence = pdf(
        Paper(form="sheet", title="检测报告", dated_at=clock.wall_now(), blocks=(Text(f"第{place}份实测记录。"),))
    )
    responses = tuple(replace(row, file=1, page="1") for row in made.technical.responses)
    files = (attachment("佐证.pdf", "evidence", evidence),)
    return envelopes(replace(made, technical=replace(made.technical, responses=responses)), price(said), files)


def main(count: int) -> None:
    app = create_app()
    with app.app_context():
        migrate.upgrade(app.extensions["engine"])
        factories.make_cast()
        stage = Stage(clock.site_now())
        making.pool()
        said = stage.draft().said
        assert [item.key for item in said.score_sheet.criteria if item.kind == "typed"] == [key for key, _ in TYPED]
        assert isinstance(said.score_sheet.criteria[0], Criterion)
        demand = making.reviewing(
            stage, [contents(said, place) for place in range(count)], storage=app.extensions["storage"]
        )
        seats = making.panel_of(demand).counted_seats[:2]
        password = factories.person("publisher").password_hash
        for seat in seats:
            assert seat.expert.user is not None
            seat.expert.user.password_hash = password
        db.session.commit()
        key = queries.review_bids(demand.id)[0].key
        names = [seat.expert.user.username for seat in seats if seat.expert.user is not None]
        told = {
            "user": names[0],
            "other": names[1],
            "password": factories.PASSWORD,
            "review": f"/review/{demand.ref}",
            "first": f"/review/{demand.ref}/bids/{key}",
        }
    print("\n".join(f"{name}={value}" for name, value in told.items()))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
