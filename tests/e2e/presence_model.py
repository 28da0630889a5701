"""A model of presence: tabs that come and go, faults, and the members that follow from them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from itertools import product
from random import Random
from typing import Any

import requests

from tests.e2e.conftest import post, sign_in, stream_url
from tests.support.event_stream import ServerSentEvent
from tests.support.ports import wait_until
from tests.support.swarm_stream import SwarmStream

USERS = ("ann", "ben", "cat", "dan")
CHANNELS = ("presence-a", "presence-b", "presence-c")
LEAVE_SECONDS = 8.0
FAULT_SECONDS = 16.0
# Longer than a worker's lease on its rows.
OUTAGE_SECONDS = 10.0
_MOST_TABS = 9
_SIGNS = {"pusher:member_added": "+", "pusher:member_removed": "-"}


class Tab:
    """One tab of one user: what it should hold, and what it has been told.

    ``views`` has the members of each channel by the last snapshot and the joins and leaves
    since; ``log`` has all of them as (channel, "=", "+" or "-", user or users). Both are
    written by the swarm's thread, under ``lock``.
    """

    def __init__(self, name: str, user: str, cookies: dict[str, str], channels: set[str]) -> None:
        self.name, self.user, self.cookies, self.channels = name, user, cookies, channels
        self.lock = threading.Lock()
        self.stream: SwarmStream | None = None
        self.socket_id = ""
        self.views: dict[str, set[str]] = {}
        self.log: list[tuple[str, str, str]] = []
        self.wrongs: list[str] = []
        # Given back: what is still on its way about them does not count.
        self.deaf: set[str] = set()
        self._settled = ("", 0)

    def __repr__(self) -> str:
        return f"{self.name}({self.user})"

    def hear(self, event: ServerSentEvent) -> None:
        """Take an event of the stream."""
        with self.lock:
            if event.name == "pusher:connection_established":
                self.socket_id = event.payload["socket_id"]
                self.views.clear()
                self.deaf.clear()
            elif event.name == "pusher:subscription_succeeded":
                self._show(event.channel, event.payload["presence"]["ids"])
            elif event.name in _SIGNS:
                self._change(event.channel, _SIGNS[event.name], event.payload["id"])

    def _show(self, channel: str, users: list[str]) -> None:
        self.log.append((channel, "=", ",".join(sorted(users))))
        self.deaf.discard(channel)
        self.views[channel] = set(users)

    def _change(self, channel: str, sign: str, user: str) -> None:
        self.log.append((channel, sign, user))
        if channel in self.deaf:
            return
        view = self.views.get(channel)
        if view is None:
            self.wrongs.append(f"{sign}{user} on {channel} before its members")
        elif (user in view) == (sign == "+"):
            self.wrongs.append(f"{sign}{user} on {channel} twice")
        elif sign == "+":
            view.add(user)
        else:
            view.discard(user)

    def give_back(self, channel: str) -> None:
        """The channel is to be held no more."""
        with self.lock:
            self.channels.discard(channel)
            self.views.pop(channel, None)
            self.deaf.add(channel)

    def misses(self, expected: dict[str, set[str]]) -> list[str]:
        """Say which channels it does not see as they are."""
        with self.lock:
            return [
                f"{self!r} sees {sorted(self.views.get(c, ()))} on {c}, not {sorted(expected[c])}"
                for c in sorted(self.channels)
                if self.views.get(c) != expected[c]
            ]

    def flicker(self, most: dict[tuple[str, str], int]) -> list[str]:
        """Say of whom it was told more often than ``most``, and begin to look anew."""
        with self.lock:
            (socket_id, read), now = self._settled, len(self.log)
            self._settled = (self.socket_id, now)
            if socket_id != self.socket_id:
                return []
            news = self.log[read:now]
        shown_anew = {channel for channel, sign, _ in news if sign == "="}
        told = Counter((c, user) for c, _, user in news if c in self.channels - shown_anew)
        return [
            f"{self!r} was told of {user} on {channel} {times} times: {news}"
            for (channel, user), times in told.items()
            if times > most.get((channel, user), times)
        ]


class World:
    """Tabs on a real server, and what everybody should see of them."""

    def __init__(self, server: Any, redis: Any, make_swarm: Any, rng: Random) -> None:
        self.server, self.redis, self.rng = server, redis, rng
        self.steps: list[str] = []
        self.tabs: list[Tab] = []
        self._by_name: dict[str, Tab] = {}
        self._cookies = {user: sign_in(server, user) for user in USERS}
        self._swarm = make_swarm(on_event=self._on_event, pick_url=self._url)
        self._before = self.expected()
        self._touched: set[Tab] = set()
        self._limit = LEAVE_SECONDS

    def _on_event(self, stream: SwarmStream, event: ServerSentEvent) -> None:
        self._by_name[stream.name].hear(event)

    def _url(self, stream: SwarmStream) -> str:
        return stream_url(self.server, *sorted(self._by_name[stream.name].channels))

    def expected(self) -> dict[str, set[str]]:
        """The members of each channel."""
        return {c: {tab.user for tab in self.tabs if c in tab.channels} for c in CHANNELS}

    def note(self, step: str) -> None:
        """Remember a step, for whoever has to read the failure."""
        self.steps.append(step)

    # -- what tabs do -------------------------------------------------------------------------

    def act(self, steering: bool = True) -> None:
        """Let something happen to a random tab; ``steering`` needs Redis."""
        actions = [self.open, self.reload, self.second_tab, self.close, self.cut, self.lose_link]
        steer = [self.subscribe, self.subscribe, self.unsubscribe] if steering else []
        if len(self.tabs) < 3:
            self.open()
        elif len(self.tabs) >= _MOST_TABS:
            self.rng.choice([self.close, self.cut, self.reload])()
        else:
            self.rng.choice(actions + steer)()

    def open(self, user: str | None = None, channels: set[str] | None = None) -> None:
        """A user opens a tab, with the session it has."""
        user = user or self.rng.choice(USERS)
        channels = channels or set(self.rng.sample(CHANNELS, self.rng.randint(1, 3)))
        tab = Tab(f"tab{len(self._by_name)}", user, self._cookies[user], channels)
        self._by_name[tab.name] = tab
        self.tabs.append(tab)
        self._touch(tab, f"opens {sorted(channels)}")
        url = stream_url(self.server, *sorted(channels))
        tab.stream = self._swarm.open(url, name=tab.name, cookies=tab.cookies, reconnects=True)

    def second_tab(self) -> None:
        """A user who is there opens one more tab."""
        self.open(self._any().user)

    def reload(self) -> None:
        """A tab closes and comes back at once."""
        tab = self._any()
        self._leave(tab, "reloads")
        self._swarm.close(tab.stream)
        self.open(tab.user, tab.channels)

    def close(self) -> None:
        """A tab closes."""
        tab = self._any()
        self._leave(tab, "closes")
        self._swarm.close(tab.stream)

    def cut(self) -> None:
        """A tab's machine dies: its connection is reset."""
        tab = self._any()
        self._leave(tab, "is cut")
        self._swarm.cut(tab.stream)
        self._swarm.close(tab.stream)

    def lose_link(self) -> None:
        """A tab's connection is reset, and it comes back by itself."""
        tab = self._any()
        self._touch(tab, "loses its link")
        self._swarm.cut(tab.stream)

    def subscribe(self) -> None:
        """An open stream takes one more channel."""
        tab, channel = self._any(), self.rng.choice(CHANNELS)
        self._touch(tab, f"subscribes to {channel}")
        tab.channels.add(channel)
        self._steer(tab, "subscribe", channel)

    def unsubscribe(self) -> None:
        """An open stream gives a channel back."""
        tab = self._any()
        if not tab.channels:
            return
        channel = self.rng.choice(sorted(tab.channels))
        self._touch(tab, f"unsubscribes from {channel}")
        tab.give_back(channel)
        self._steer(tab, "unsubscribe", channel)

    def _steer(self, tab: Tab, what: str, channel: str) -> None:
        """Ask, as a client does, until the stream that it has at that moment has obeyed."""

        def done() -> bool:
            body = {"socket_id": tab.socket_id, "channels": [channel]}
            try:
                answer = post(self.server, f"/api/realtime/{what}", body, cookies=tab.cookies)
            except requests.ConnectionError:
                return False
            return answer.status_code == 200 and not answer.json()["refused"]

        wait_until(lambda: tab.socket_id and done(), FAULT_SECONDS, f"{tab!r} {what} {channel}")

    def _any(self) -> Tab:
        return self.rng.choice(self.tabs)

    def _touch(self, tab: Tab, what: str) -> None:
        self._touched.add(tab)
        self.note(f"{tab!r} {what}")

    def _leave(self, tab: Tab, what: str) -> None:
        self._touch(tab, what)
        self.tabs.remove(tab)

    # -- faults -------------------------------------------------------------------------------

    def kill_worker(self) -> None:
        """A worker is killed; each of its tabs comes back, or stays away."""
        self._limit = FAULT_SECONDS
        connects = {tab: tab.stream.connects for tab in self.tabs}
        for tab in self.tabs:
            tab.stream.reconnects = self.rng.random() < 0.6
        pid = self.rng.choice(self.server.pids())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in self.server.pids(), 30)
        time.sleep(0.5)
        gone = {t for t in self.tabs if t.stream.state == "closed" and not t.stream.reconnects}
        back = {t for t in self.tabs if t.stream.connects != connects[t]}
        self.note(f"a worker is killed, away stay {gone}, back come {back}")
        self._touched |= back
        for tab in self.tabs:
            tab.stream.reconnects = True
        self.tabs = [tab for tab in self.tabs if tab not in gone]

    def restart_redis(self) -> None:
        """Redis ends and starts as it should."""
        self.note("Redis restarts")
        self._limit = FAULT_SECONDS
        self.redis.restart()

    def crash_redis(self) -> None:
        """Redis is killed and starts: its last second is lost."""
        self.note("Redis crashes")
        self._limit = FAULT_SECONDS
        self.redis.restart(crash=True)

    def lose_redis(self) -> None:
        """Redis is away for longer than a worker's lease; tabs come and go meanwhile."""
        self.note("Redis is away")
        self._limit = FAULT_SECONDS
        self.redis.stop()
        self.act(steering=False)
        time.sleep(OUTAGE_SECONDS)
        self.redis.start()
        self.note("Redis is back")

    # -- what everybody sees ------------------------------------------------------------------

    def settle(self, seamless: bool) -> None:
        """Wait until everybody sees what is true, and nothing that was not was seen meanwhile.

        Who loses its link while Redis is away comes back too late for its grace; without
        ``seamless`` that may be seen.
        """
        expected = self.expected()
        deadline = time.monotonic() + self._limit
        while differences := self._differences(expected):
            assert time.monotonic() < deadline, "\n".join(differences)
            time.sleep(0.2)
        wrongs = [f"{tab!r}: {wrong}" for tab in self._by_name.values() for wrong in tab.wrongs]
        most = self._most_told(expected) if seamless else self._not_told()
        wrongs += [wrong for tab in self.tabs for wrong in tab.flicker(most)]
        assert not wrongs, "\n".join(wrongs)
        self.note(f"-- settled: {expected}")
        self._before, self._touched, self._limit = expected, set(), LEAVE_SECONDS

    def _most_told(self, expected: dict[str, set[str]]) -> dict[tuple[str, str], int]:
        """How often others may be told of each user on each channel."""
        most = {}
        for channel, user in product(CHANNELS, USERS):
            before, after = user in self._before[channel], user in expected[channel]
            # Not at all of who stayed; of who was not there, that it came and went.
            most[channel, user] = 1 if before != after else 0 if before else 2
        return most

    def _not_told(self) -> dict[tuple[str, str], int]:
        """The same, when only those whose own tab held the channel throughout are sure."""
        stayed = [tab for tab in self.tabs if tab not in self._touched]
        return {(channel, tab.user): 0 for tab in stayed for channel in tab.channels}

    def _differences(self, expected: dict[str, set[str]]) -> list[str]:
        found = [miss for tab in self.tabs for miss in tab.misses(expected)]
        if not found:
            found = [d for c in CHANNELS for d in self._asked(c, expected[c])]
        if not found:
            found = [d for user in USERS for d in self._status(user)]
        return found

    def _asked(self, channel: str, expected: set[str]) -> list[str]:
        cookies = self._cookies[self.rng.choice(USERS)]
        holders = sum(channel in tab.channels for tab in self.tabs)
        answers = {
            "HTTP": lambda: self._ids(f"/api/realtime/presence/{channel}", "members", cookies),
            "Python": lambda: self._ids(f"/members/{channel}"),
            "info": lambda: self._get(f"/info/{channel}"),
        }
        wanted = {
            "HTTP": sorted(expected),
            "Python": sorted(expected),
            "info": {
                "occupied": holders > 0,
                "subscription_count": holders,
                "user_count": len(expected),
            },
        }
        seen = {name: ask() for name, ask in answers.items()}
        return [
            f"{name} says {seen[name]} on {channel}, not {wanted[name]}"
            for name in answers
            if seen[name] != wanted[name]
        ]

    def _status(self, user: str) -> list[str]:
        expected = "online" if any(tab.user == user for tab in self.tabs) else "offline"
        found = (self._get(f"/status/{user}") or {}).get("status")
        return [] if found == expected else [f"{user} is {found}, not {expected}"]

    def _ids(self, path: str, field: str = "", cookies: Any = None) -> list[str] | None:
        body = self._get(path, cookies)
        members = body[field] if body and field else body
        return None if members is None else sorted(member["id"] for member in members)

    def _get(self, path: str, cookies: Any = None) -> Any:
        """The JSON answer; None when there is none, as while Redis or a worker is away."""
        try:
            answer = requests.get(f"{self.server.url}{path}", cookies=cookies, timeout=10)
        except requests.ConnectionError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def story(self) -> str:
        """All steps, and what each tab was told."""
        tabs = [f"{tab!r}: {tab.log} {tab.wrongs or ''}" for tab in self._by_name.values()]
        return "\n".join([*self.steps, *tabs])
