"""The open streams of one worker: who they are, how many, and whose turn the heartbeat is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .transport.base import Stream


class Streams:
    """A bounded set of streams. Not synchronised: the hub's lock guards it."""

    def __init__(self, most: int, most_per_user: int, slots: int) -> None:
        self._most, self._most_per_user = most, most_per_user
        self._by_socket: dict[str, Stream] = {}
        self._users: Counter[str] = Counter()
        self._wheel: list[set[Stream]] = [set() for _ in range(slots)]
        self._turn = 0

    def __len__(self) -> int:
        return len(self._by_socket)

    def __iter__(self) -> Iterator[Stream]:
        return iter(list(self._by_socket.values()))

    def __contains__(self, stream: Stream) -> bool:
        return stream.socket_id in self._by_socket

    @property
    def full(self) -> bool:
        return len(self._by_socket) >= self._most

    def get(self, socket_id: str) -> Stream | None:
        return self._by_socket.get(socket_id)

    def of(self, user_id: str) -> list[Stream]:
        """Return the streams of one user."""
        if user_id not in self._users:
            return []
        return [stream for stream in self._by_socket.values() if stream.user_id == user_id]

    def add(self, stream: Stream) -> bool:
        """Count a stream in; False when there are too many, here or of its user."""
        user = stream.user_id
        mine = 0 if user is None else self._users[user]
        if self.full or mine >= self._most_per_user:
            return False
        self._by_socket[stream.socket_id] = stream
        if user is not None:
            self._users[user] += 1
        stream.slot = (self._turn + len(self._by_socket)) % len(self._wheel)
        self._wheel[stream.slot].add(stream)
        return True

    def remove(self, stream: Stream) -> bool:
        """Count a stream out; False when it was not there."""
        if self._by_socket.pop(stream.socket_id, None) is None:
            return False
        self._wheel[stream.slot].discard(stream)
        user = stream.user_id
        if user is not None:
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user]
        return True

    def turn(self) -> list[Stream]:
        """Return the streams whose heartbeat is due this second."""
        self._turn += 1
        return list(self._wheel[self._turn % len(self._wheel)])
