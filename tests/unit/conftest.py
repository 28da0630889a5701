"""Fixtures of the tests that run in one process."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.host import Host

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.fixture
def make_host() -> Iterator[Callable[..., Host]]:
    """Makes a host app: `make_host(NEXORA_RT_HEARTBEAT=1)`."""
    hosts: list[Host] = []

    def make(*args, **config) -> Host:
        hosts.append(Host(*args, **config))
        return hosts[-1]

    yield make
    for host in hosts:
        host.kit.close()


@pytest.fixture
def host(make_host) -> Host:
    """A host app with the defaults."""
    return make_host()
