from tests.demands.conftest import now, stage

__all__ = ["now", "stage"]
