"""What this process can carry, and who else may use its log."""

import subprocess
import sys

import pytest

from flask_nexora_rt import NotServable, server
from flask_nexora_rt.log.sole import SoleProcess

# -- how many streams --------------------------------------------------------------------------


@pytest.fixture(params=[64, 256, 1024, 65_536])
def limit(request, monkeypatch) -> int:
    """The descriptors that this process may have."""
    monkeypatch.setattr(server, "descriptor_limit", lambda: request.param)
    return request.param


@pytest.mark.parametrize("wanted", [None, 10**9])
def test_streams_always_leave_descriptors_for_pages(limit, wanted):
    most = server.stream_limit(wanted)

    assert 1 <= most <= max(1, limit - 64)
    assert limit - most >= limit // 10


def test_fewer_streams_than_possible_may_be_wanted(limit):
    assert server.stream_limit(1) == 1
    assert server.stream_limit(None) == server.stream_limit(limit)


def test_without_a_limit_there_is_one_all_the_same(monkeypatch):
    monkeypatch.setattr(server, "descriptor_limit", lambda: None)

    assert server.stream_limit(None) < 10**7
    assert server.stream_limit(500) == 500


def test_the_limit_is_the_processs_own():
    code = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
from flask_nexora_rt import server
print(server.descriptor_limit())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == "300"


@pytest.mark.parametrize("slots, threads", [(1, True), (4, True), (40, True), (1000, False)])
def test_some_request_slots_stay_free_for_pages(monkeypatch, slots, threads):
    monkeypatch.setattr(server, "_process", server._Process())
    assert server.request_slot_limit() is None

    server.reserve_request_slots(slots, threads)

    assert 1 <= server.request_slot_limit() < max(2, slots)


# -- one process -------------------------------------------------------------------------------

HOLD = """
import sys
from flask_nexora_rt.log.sole import SoleProcess
lock = SoleProcess(*sys.argv[1:])
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Another process that holds the lock of an app: `elsewhere("app")`."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("flask_nexora_rt.log.sole._HANDOVER_SECONDS", 0.2)
    holders = []

    def hold(*identity: str) -> subprocess.Popen:
        command = [sys.executable, "-c", HOLD, *identity]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout.readline() == "held\n"
        return holder

    yield hold
    for holder in holders:
        holder.kill()
        holder.communicate()


def test_a_second_process_of_the_same_app_is_refused_loudly(elsewhere):
    elsewhere("app", "id")

    with pytest.raises(NotServable, match="NEXORA_RT_URL=redis://"):
        SoleProcess("app", "id").acquire()


def test_another_app_is_no_second_process(elsewhere):
    elsewhere("app", "id")

    other = SoleProcess("app", "another id")
    other.acquire()
    other.release()


def test_the_lock_of_a_killed_process_is_free(elsewhere):
    holder = elsewhere("app", "id")
    holder.kill()
    holder.communicate()

    successor = SoleProcess("app", "id")
    successor.acquire()
    successor.release()


def test_a_released_lock_is_free(elsewhere):
    mine = SoleProcess("app", "id")
    mine.acquire()
    mine.release()
    mine.release()

    elsewhere("app", "id")


def test_a_successor_waits_for_a_predecessor_that_is_leaving(elsewhere, monkeypatch):
    """A graceful reload starts the new worker before the old one is told to go."""
    monkeypatch.setattr("flask_nexora_rt.log.sole._HANDOVER_SECONDS", 20)
    holder = elsewhere("app", "id")
    holder.stdin.write("go\n")
    holder.stdin.flush()

    successor = SoleProcess("app", "id")
    successor.acquire()
    successor.release()
