"""Demands at any stage, as in tests/demands; the site's instant."""

from tests.demands.conftest import now, stage  # noqa: F401
