"""The same stage and storage as for bids."""

from tests.bids.conftest import now, stage, storage

__all__ = ["now", "stage", "storage"]
