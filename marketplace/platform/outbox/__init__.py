"""The outbox: what happened, as rows written in the business transaction and read in order by named consumers."""

from marketplace.platform.outbox.models import OutboxConsumer, OutboxRow
from marketplace.platform.outbox.service import emit, write_pending

__all__ = ["OutboxConsumer", "OutboxRow", "emit", "write_pending"]
