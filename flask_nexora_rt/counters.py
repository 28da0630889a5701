"""What a worker has done so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Totals since the worker began. The hub's locks guard them.

    ``events`` counts what was read of the log for everybody's channels, so it is about the same
    on every worker. ``deliveries`` counts events times streams, ``bytes`` what was handed to
    transports; ``evictions`` streams cut because their client did not read, ``replays`` streams
    that resumed without loss, ``gaps`` those that were told of one.
    """

    connections: int = 0
    events: int = 0
    deliveries: int = 0
    bytes: int = 0
    evictions: int = 0
    replays: int = 0
    gaps: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)
