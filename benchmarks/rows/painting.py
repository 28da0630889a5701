"""Row painting: from a click in one browser to a frame in another, and until another tab leads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

from playwright.sync_api import Page

from tests.support.postgres_server import PostgresServer

from ..bench import OURS, Bench, progress
from ..browsers import Browsers
from ..comparison import Budget, Comparison, Series
from ..connecting_target import stopping
from ..gunicorn_server import GunicornServer
from .attempts import why

SAMPLES = 200
MESSAGE, NOTIFICATION = "message", "notification"
BUDGETS = ((MESSAGE, 50, 50), (MESSAGE, 95, 100), (NOTIFICATION, 95, 150))
LEADING = Budget(2000, unit="ms")
ALL_PAINTED = "([kind, names]) => names.every((name) => name in painted[kind])"
LEADS = """() => new Promise((done) => {
  const look = () => (rt.isLeader && rt.connection.state === "connected" ? done(now()) : setTimeout(look, 2));
  look();
})"""  # noqa: E501


def run(bench: Bench) -> list[Comparison]:
    """On PostgreSQL, with the log in Redis; the budgets are absolute."""
    try:
        with _browsers(bench) as browsers:
            return [*_painting(bench, browsers), _leading(bench, browsers)]
    except Exception as error:  # noqa: BLE001 - a row that could not run says why
        progress(why(error))
        budget = Budget(BUDGETS[0][2], unit="ms")
        return [Comparison("painting", "message to paint", "ms", budget, None, note=why(error))]


@contextmanager
def _browsers(bench: Bench) -> Iterator[Browsers]:
    app, config = "benchmarks.apps.painting:create_app()", "python:flask_nexora_rt.gunicorn"
    with PostgresServer() as server:
        environment = {
            "BENCH_DATABASE": server.create_database(),
            "BENCH_REDIS_URL": bench.redis.url,
        }
        with (
            stopping(GunicornServer(app, bench.folder, environment, config)) as gunicorn,
            Browsers(f"http://127.0.0.1:{gunicorn.port}") as browsers,
        ):
            yield browsers


def _painting(bench: Bench, browsers: Browsers) -> list[Comparison]:
    writer, reader = browsers.open("writer"), browsers.open("reader")
    found = {
        kind: [_delays_ms(kind, turn, writer, reader) for turn in range(bench.rounds(3))]
        for kind in (MESSAGE, NOTIFICATION)
    }
    clocks = f"clocks apart {_apart_ms(writer, reader):.2f} ms"
    return [_line(kind, percent, limit, found[kind], clocks) for kind, percent, limit in BUDGETS]


def _line(
    kind: str, percent: int, limit: float, turns: list[list[float]], clocks: str
) -> Comparison:
    work = f"{kind}: sent in one browser, painted in another, p{percent}"
    series = Series.of(_percentile(delays, percent) for delays in turns)
    worst = max(map(max, turns))
    detail = f"{sum(map(len, turns))} samples, max {worst:.1f} ms, {clocks}"
    budget = Budget(limit, unit="ms")
    return Comparison("painting", work, "ms", budget, series, details={OURS: detail})


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]


def _delays_ms(kind: str, turn: int, writer: Page, reader: Page) -> list[float]:
    progress(f"ours: {SAMPLES} {kind}s to paint")
    writer.evaluate(_SEND, [kind, f"warm-{turn}", 10])
    sent = writer.evaluate(_SEND, [kind, f"turn-{turn}", SAMPLES])
    reader.wait_for_function(ALL_PAINTED, arg=[kind, list(sent)])
    painted = reader.evaluate("(kind) => painted[kind]", kind)
    return [painted[name] - began for name, began in sent.items()]


_SEND = "([kind, prefix, count]) => sendMany(kind, prefix, count)"


def _apart_ms(one: Page, other: Page) -> float:
    """How far the clocks of two pages are from each other, as seen from outside."""
    offsets = []
    for page in (one, other):
        tries = []
        for _ in range(20):
            began = time.time()
            told = page.evaluate("now()")
            ended = time.time()
            tries.append((ended - began, told - (began + ended) * 500))
        offsets.append(min(tries)[1])
    return abs(offsets[0] - offsets[1])


def _leading(bench: Bench, browsers: Browsers) -> Comparison:
    """A tab that leads is closed; the clock runs until another one is connected."""
    tab = browsers.open("reader")
    durations = []
    for _ in range(bench.rounds(5)):
        progress("ours: another tab leads")
        follower = browsers.open_tab(tab.context.new_page())
        began = tab.evaluate("now()")
        tab.close()
        durations.append(follower.evaluate(LEADS) - began)
        tab = follower
    work = "the leading tab is closed, until another one has the stream"
    return Comparison("painting", work, "ms", LEADING, Series.of(durations))
