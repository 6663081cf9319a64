"""A demand under review, as tests/results makes it."""

from tests.results.conftest import now, review, stage

__all__ = ["now", "review", "stage"]
