"""The site's instant, as in tests/demands."""

from tests.demands.conftest import now, stage  # noqa: F401
