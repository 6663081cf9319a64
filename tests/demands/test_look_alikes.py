"""Look-alikes on a real database: found as they read now, and told only to those who may see them."""

from sqlalchemy import select

from marketplace import db
from marketplace.demands import service
from marketplace.demands.look_alikes import Comparison
from marketplace.demands.models import Demand
from tests import factories
from tests.demands.samples import content

TITLE = "中原科技城地下停车引导与空位识别"


def alike(demand):
    within = select(Demand.id, Demand.title)
    found = Comparison().nearest(demand.title, demand.summary, within=within, besides=(demand.id,), limit=5)
    return [row.title for row, _ in found]


def test_what_was_saved_a_moment_ago_is_compared_as_it_reads_now(stage):
    mine, other = stage.draft(title=TITLE), stage.draft(title="氢能公交加注站安全巡检", goal="巡检" * 30)
    assert other.title not in alike(mine)
    new = content(title=f"{TITLE}系统")
    service.save(other, new, seen_version=other.lock_version, actor=stage.actor("drafter"), now=stage.now)
    assert alike(mine)[0] == other.title == f"{TITLE}系统"


def test_an_index_is_made_once_for_a_state_of_the_site(stage, count_queries):
    mine = stage.draft(title=TITLE)
    stage.draft(title=f"{TITLE}系统")
    alike(mine)
    count_queries.clear()
    alike(mine)
    assert len(count_queries) == 2  # whether anything changed; the rows that are told


def test_another_units_draft_is_not_told(stage, sign_in):
    stage.draft(title=f"{TITLE}系统")
    theirs = service.create(
        unit=factories.organisation("other_unit"),
        content=content(title=TITLE),
        actor=stage.actor("other_drafter"),
        now=stage.now,
    )
    db.session.commit()
    page = sign_in("other_drafter").get(f"/demands/{theirs.ref}/edit")
    assert f"{TITLE}系统" not in page.text
    listed = stage.published(title=f"{TITLE}平台")
    db.session.commit()
    assert listed.title in sign_in("other_drafter").get(f"/demands/{theirs.ref}/edit").text
