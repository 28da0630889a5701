"""Fixtures of the tests that run in one process."""

from collections.abc import Callable, Iterator

import pytest

from tests.unit.host import Host


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
