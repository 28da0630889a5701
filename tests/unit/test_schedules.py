"""When jobs are due: crontab lines in time zones."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_nexora_rt.jobs import Schedule
from flask_nexora_rt.scheduling.schedules import Every


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(schedule, start, count):
    found, now = [], at(start) - timedelta(microseconds=1)
    for _ in range(count):
        now = schedule.next(now)
        found.append(now.strftime("%m-%dT%H:%M"))
    return found


@pytest.mark.parametrize(
    "cron, now, floor, following",
    [
        ("0 0 * * *", "2026-03-04T10:00", "2026-03-04T00:00", "2026-03-05T00:00"),
        ("0 0 * * *", "2026-03-04T00:00", "2026-03-04T00:00", "2026-03-05T00:00"),
        ("0 0 * * *", "2026-03-03T23:59:59", "2026-03-03T00:00", "2026-03-04T00:00"),
        # 2026-03-01 is a Sunday.
        ("0 0 * * 0", "2026-03-04T10:00", "2026-03-01T00:00", "2026-03-08T00:00"),
        ("0 0 * * 7", "2026-03-04T10:00", "2026-03-01T00:00", "2026-03-08T00:00"),
        ("0 0 * * sun", "2026-03-04T10:00", "2026-03-01T00:00", "2026-03-08T00:00"),
        ("0 0 * * 1", "2026-03-04T10:00", "2026-03-02T00:00", "2026-03-09T00:00"),
        ("0 0 * * 1-5", "2026-03-08T10:00", "2026-03-06T00:00", "2026-03-09T00:00"),
        ("0 0 * * fri-sun", "2026-03-05T10:00", "2026-03-01T00:00", "2026-03-06T00:00"),
        ("0 0 * * 5-7", "2026-03-05T10:00", "2026-03-01T00:00", "2026-03-06T00:00"),
        ("0 0 * * */3", "2026-03-05T10:00", "2026-03-04T00:00", "2026-03-07T00:00"),
        ("*/15 * * * *", "2026-03-04T10:14:59", "2026-03-04T10:00", "2026-03-04T10:15"),
        ("0 0 1 * *", "2026-03-04T10:00", "2026-03-01T00:00", "2026-04-01T00:00"),
        ("0 0 29 2 *", "2026-03-04T10:00", "2024-02-29T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 *", "2104-01-01T00:00", "2096-02-29T00:00", "2104-02-29T00:00"),
        ("0 12 1 jan *", "2026-03-04T10:00", "2026-01-01T12:00", "2027-01-01T12:00"),
        # A day of month and a day of week: one is enough. 2026-03-13 is a Friday, too.
        ("0 0 15 * 5", "2026-03-14T10:00", "2026-03-13T00:00", "2026-03-15T00:00"),
        ("@weekly", "2026-03-04T10:00", "2026-03-01T00:00", "2026-03-08T00:00"),
        ("@hourly", "2026-03-04T10:59", "2026-03-04T10:00", "2026-03-04T11:00"),
    ],
)
def test_the_latest_slot_and_the_next(cron, now, floor, following):
    schedule = Schedule(cron)

    assert schedule.floor(at(now)) == at(floor)
    assert schedule.next(at(now)) == at(following)


def test_a_schedule_is_in_its_time_zone():
    berlin = Schedule("0 0 * * *", "Europe/Berlin")

    assert slots(berlin, "2026-01-10T00:00", 2) == ["01-10T23:00", "01-11T23:00"]
    assert slots(berlin, "2026-07-10T00:00", 2) == ["07-10T22:00", "07-11T22:00"]


def test_a_fixed_hour_comes_once_in_the_night_in_which_clocks_go_back():
    daily = Schedule("30 2 * * *", "Europe/Berlin")

    assert slots(daily, "2026-10-24T00:00", 3) == ["10-24T00:30", "10-25T00:30", "10-26T01:30"]
    assert daily.floor(at("2026-10-25T12:00")) == at("2026-10-25T00:30")


def test_a_fixed_hour_is_not_left_out_in_the_night_in_which_clocks_go_forward():
    daily = Schedule("30 2 * * *", "Europe/Berlin")

    assert slots(daily, "2026-03-28T00:00", 3) == ["03-28T01:30", "03-29T01:30", "03-30T00:30"]


@pytest.mark.parametrize("night", ["2026-10-24T22:00", "2026-03-28T22:00"])
def test_every_hour_is_every_hour_of_real_time(night):
    hourly = Schedule("0 * * * *", "Europe/Berlin")
    start = at(night)

    found = [start]
    for _ in range(6):
        found.append(hourly.next(found[-1]))
    assert found == [start + timedelta(hours=n) for n in range(7)]


@pytest.mark.parametrize(
    "cron, zone",
    [
        ("", "UTC"),
        ("0 0 * *", "UTC"),
        ("0 0 * * * *", "UTC"),
        ("60 0 * * *", "UTC"),
        ("0 24 * * *", "UTC"),
        ("0 0 * * 8", "UTC"),
        ("0 0 * * 5-1", "UTC"),
        ("0 0 * * monday", "UTC"),
        ("0 0 30 2 *", "UTC"),
        ("@reboot", "UTC"),
        ("0 0 * * *", "Mars/Olympus"),
        ("0 0 * * *", "../../etc/passwd"),
        ("0 0 * * *", ""),
    ],
)
def test_a_line_or_zone_that_means_nothing_is_refused(cron, zone):
    with pytest.raises(ValueError, match=r"\S"):
        Schedule(cron, zone)


LINES = [
    "* * * * *",
    "*/7 3 * * *",
    "30 2 * * *",
    "0 0 * * 0",
    "5 4 1,15 * *",
    "0 0 13 * 5",
    "15 */5 * 2,11 1-5",
]
MOMENTS = st.integers(1_577_836_800, 1_956_528_000).map(lambda s: datetime.fromtimestamp(s, UTC))
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu"]


@given(st.sampled_from(LINES), st.sampled_from(ZONES), MOMENTS)
def test_no_slot_lies_between_the_latest_and_the_next(cron, zone, now):
    schedule = Schedule(cron, zone)
    floor, following = schedule.floor(now), schedule.next(now)

    assert floor <= now < following
    assert schedule.next(floor) == following
    assert schedule.floor(floor) == floor
    assert Schedule(cron, zone).floor(following) == following


def test_a_slot_every_so_many_seconds():
    every = Every(600)

    assert every.cron == "every 600 s"
    assert slots(every, "2026-03-04T10:05", 2) == ["03-04T10:10", "03-04T10:20"]
    assert every.floor(at("2026-03-04T10:19:59")) == at("2026-03-04T10:10")
    assert every.floor(at("2026-03-04T10:10")) == at("2026-03-04T10:10")
