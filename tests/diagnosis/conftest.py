"""The stage of the bids' tests."""

from tests.bids.conftest import now, stage

__all__ = ["now", "stage"]
