"""The verbs of a demand: the only writer of its tables. Each verb asks the policy, advances the table, and leaves an
audit leaf and an outbox row in the same transaction; services never commit.
"""

from marketplace.demands.service.changing import amend, extend, republish, resume, suspend, withdraw
from marketplace.demands.service.ending import lapse, mark_opened, mark_prices_opened, note_release, when_lapsed
from marketplace.demands.service.proposing import carry_out, confirm, may_be_confirmed, propose, refuse_proposal
from marketplace.demands.service.publishing import (
    call_back_batch,
    first_deadlines,
    post_batch,
    preview_batch,
    public_snapshot,
    publish,
)
from marketplace.demands.service.reopening import Outage, outage_of, propose_reopening, reopen
from marketplace.demands.service.screening import (
    appraise,
    begin_screening,
    pool,
    reject,
    resolve_lookalikes,
    return_for_correction,
)
from marketplace.demands.service.writing import (
    MACHINE,
    attach,
    clone,
    create,
    create_all,
    drop,
    follow,
    recall,
    remove_file,
    save,
    submit,
    unfollow,
)

__all__ = [
    "MACHINE",
    "Outage",
    "amend",
    "appraise",
    "attach",
    "begin_screening",
    "call_back_batch",
    "carry_out",
    "clone",
    "confirm",
    "create",
    "create_all",
    "drop",
    "extend",
    "first_deadlines",
    "follow",
    "lapse",
    "mark_opened",
    "mark_prices_opened",
    "may_be_confirmed",
    "note_release",
    "outage_of",
    "pool",
    "post_batch",
    "preview_batch",
    "propose",
    "propose_reopening",
    "public_snapshot",
    "publish",
    "recall",
    "refuse_proposal",
    "reject",
    "remove_file",
    "reopen",
    "republish",
    "resolve_lookalikes",
    "resume",
    "return_for_correction",
    "save",
    "submit",
    "suspend",
    "unfollow",
    "when_lapsed",
    "withdraw",
]
