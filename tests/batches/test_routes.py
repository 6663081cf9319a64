"""A batch from the call to the list, over HTTP."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace import db
from marketplace.batches.models import Batch
from marketplace.batches.rules import BatchState
from marketplace.demands.rules import State


def test_from_the_call_to_the_list(stage, sign_in):
    demands = [stage.pooled(title=f"第{n}条入库需求的名称够长") for n in (1, 2)]
    db.session.commit()
    publisher = sign_in("publisher")
    day = (stage.now + timedelta(days=9)).date().isoformat()
    page = publisher.get("/desk/batches/new").submit(
        "new", theme="城市治理专题", collects_from="2026-11-01", collects_until=day
    )
    assert page.status == 200
    batch = db.session.scalar(select(Batch))
    base = f"/desk/batches/{batch.code}"
    publisher.get(f"{base}/call").submit("call")
    assert batch.state is BatchState.COLLECTING
    publisher.get(f"{base}/assembly").submit("assembly")
    page = publisher.get(f"{base}/publication")
    chosen = {"demands": [str(demand.id) for demand in demands], "custody": "1-of-1", "custodians": []}
    page = page.submit("publication", preview="1", **chosen)
    assert page.has(f"{batch.code}-002")
    assert batch.state is BatchState.ASSEMBLING
    page = page.submit("publication", post="1", **chosen)
    assert page.has("已张榜2条")
    assert {demand.state for demand in demands} == {State.PUBLISHED}


def test_a_deadline_too_early_is_shown_with_the_first_possible_and_nothing_is_posted(stage, sign_in):
    demand, batch = stage.pooled(), stage.batch()
    db.session.commit()
    early = (stage.now + timedelta(days=3)).date().isoformat()
    page = sign_in("publisher").get(f"/desk/batches/{batch.code}/publication")
    page = page.submit(
        "publication", post="1", demands=[str(demand.id)], custody="1-of-1", **{f"closes-{demand.id}": early}
    )
    assert page.status == 409
    assert page.has("最早可设为")
    assert (demand.state, batch.state) == (State.POOLED, BatchState.ASSEMBLING)


@pytest.mark.parametrize(
    "path", ["", "/new", "/CODE", "/CODE/edit", "/CODE/call", "/CODE/publication", "/CODE/call-back"]
)
def test_only_publishers_run_batches(stage, sign_in, visitor, path):
    batch = stage.batch()
    db.session.commit()
    url = "/desk/batches" + path.replace("CODE", batch.code)
    assert visitor.get(url).status in (302, 404)
    assert sign_in("screener").get(url).status == 403
    assert sign_in("rival").get(url).status in (403, 404)
