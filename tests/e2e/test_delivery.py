"""Every stream gets each of its events once and in order, whatever is cut or restarted."""

import random
import threading
import time
from collections import defaultdict

import pytest

from tests.e2e.conftest import stream_url

STREAMS, EVENTS, CHANNELS, HELD = 200, 5000, 50, 5
BATCH = 10


class Story:
    """Publishes numbered events to 50 channels and knows what each stream has to see."""

    def __init__(self, rt, seed):
        self.rng = random.Random(seed)
        self._rt = rt
        self.published = defaultdict(list)

    def publish(self, pause=0.0):
        for first in range(0, EVENTS, BATCH):
            batch = []
            for number in range(first, first + BATCH):
                channel = f"public-{self.rng.randrange(CHANNELS)}"
                self.published[channel].append(number)
                batch.append({"channel": channel, "name": "tick", "data": number})
            self._rt.trigger_batch(batch)
            time.sleep(pause)

    def expected(self, channels):
        return sorted(number for channel in channels for number in self.published[channel])


@pytest.fixture
def swarm(make_swarm):
    """200 streams that hold 5 of 50 channels each and come back anywhere when they are cut."""

    def make(server, rng):
        swarm = make_swarm(default_retry_ms=50)
        held = {}
        for number in range(STREAMS):
            channels = [f"public-{n}" for n in rng.sample(range(CHANNELS), HELD)]
            stream = swarm.open(stream_url(server, *channels), reconnects=True)
            held[stream] = channels
            assert stream.name == str(number)
        swarm.wait_open()
        return swarm, held

    return make


def assert_all_seen(swarm, held, story):
    swarm.wait_for(
        lambda stream: len(stream.named("tick")) >= len(story.expected(held[stream])), timeout=60
    )
    time.sleep(0.3)  # for anything that would come twice
    for stream in swarm.streams:
        numbers = [event.payload for event in stream.named("tick")]
        assert numbers == story.expected(held[stream])
        assert stream.named("nexora:gap") == []


def test_streams_that_are_cut_at_random_resume_on_either_worker(serve, redis_url, publisher, swarm):
    server = serve(redis_url, workers=2)
    story = Story(publisher(redis_url), seed=1)
    streams, held = swarm(server, story.rng)
    publishing = threading.Thread(target=story.publish, args=(0.005,))
    publishing.start()

    cut_rng = random.Random(2)
    while publishing.is_alive():
        streams.cut_some(10, cut_rng)
        time.sleep(0.05)
    publishing.join()

    assert_all_seen(streams, held, story)
    assert sum(stream.cuts for stream in streams.streams) > 100


def test_a_restart_of_redis_and_killed_connections_lose_and_double_nothing(
    serve, make_redis, publisher, swarm
):
    redis_server = make_redis(appendonly=True)
    server = serve(redis_server.url, workers=2)
    story = Story(publisher(redis_server.url, NEXORA_RT_PUBLISH_TIMEOUT=30), seed=3)
    streams, held = swarm(server, story.rng)
    publishing = threading.Thread(target=story.publish, args=(0.01,))
    publishing.start()

    for _ in range(10):
        redis_server.kill_clients()
        time.sleep(0.1)
    redis_server.restart()
    streams.cut_some(50, random.Random(4))
    publishing.join()

    assert_all_seen(streams, held, story)


def test_a_cut_in_the_middle_of_a_replay_loses_nothing(serve, redis_url, publisher, sse):
    """The client reads slowly and a little, leaves, and comes back, until all is replayed."""
    server = serve(redis_url)
    rt = publisher(redis_url)
    url = stream_url(server, "public-1")
    first = sse(url)
    first.take_until("pusher:subscription_succeeded")
    cursor = first.last_event_id
    first.close()
    for start in range(0, 2000, 100):
        rt.trigger_batch(
            [
                {"channel": "public-1", "name": "tick", "data": [n, "x" * 1000]}
                for n in range(start, start + 100)
            ]
        )

    seen = []
    while len(seen) < 2000:
        with sse(url, last_event_id=cursor, receive_buffer=4096) as client:
            wanted = min(random.Random(len(seen)).randint(3, 400), 2002 - len(seen))
            events = client.take(wanted)
            seen += [event.payload[0] for event in events if event.name == "tick"]
            cursor = events[-1].id

    assert seen == list(range(2000))


def test_a_late_worker_waits_for_what_the_client_has_seen(serve, redis_url, sse, publisher):
    """A cursor that another worker gave is never taken for one of the future."""
    server = serve(redis_url, workers=3)
    rt = publisher(redis_url)
    url = stream_url(server, "public-1")
    cursor = sse(url).take(1)[0].id
    for number in range(40):
        rt.trigger("public-1", "tick", number)
        with sse(url, last_event_id=cursor) as client:
            event = client.take_until("tick")[-1]
            assert event.payload == number
            cursor = event.id
