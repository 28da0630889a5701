"""The same host app as the unit tests have."""

from tests.unit.conftest import host, make_host

__all__ = ["host", "make_host"]
