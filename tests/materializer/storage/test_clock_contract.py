"""What every clock promises: the machine's, and the fake that tests move."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from tests.fakes.ports import ManualClock

from upriver.materializer.ports import Clock
from upriver.materializer.storage.clock import SystemClock

NEW_YEAR = datetime(2026, 1, 1, 0, 30, tzinfo=UTC).timestamp()


class Case(NamedTuple):
    """A clock, and how it is set to show a moment."""

    clock: Clock
    show: Callable[[float], None]


@pytest.fixture(params=["machine", "fake"])
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    if request.param == "fake":
        fake = ManualClock(hurrying=True)
        return Case(fake, fake.set)
    machine = SystemClock()

    def show(moment: float) -> None:
        monkeypatch.setattr("upriver.materializer.storage.clock.time.time", lambda: moment)

    return Case(machine, show)


def test_the_monotonic_reading_is_not_set_back(case: Case) -> None:
    """Not even when the wall clock is."""
    case.show(NEW_YEAR)
    before = case.clock.monotonic()
    case.show(NEW_YEAR - 3600.0)
    assert case.clock.monotonic() >= before
    assert case.clock.now() == NEW_YEAR - 3600.0


def test_the_date_is_that_of_the_zone(case: Case) -> None:
    case.show(NEW_YEAR)
    assert case.clock.today("UTC").isoformat() == "2026-01-01"
    assert case.clock.today("Asia/Tokyo").isoformat() == "2026-01-01"
    assert case.clock.today("America/New_York").isoformat() == "2025-12-31"
    near = datetime.fromtimestamp(NEW_YEAR, UTC).date()
    assert abs(case.clock.today() - near) <= timedelta(days=1)


def test_a_wait_ends_after_its_seconds(case: Case) -> None:
    before = case.clock.monotonic()
    assert case.clock.wait(threading.Event(), 0.02) is False
    assert case.clock.monotonic() - before >= 0.02


def test_a_wait_for_nothing_ends_at_once(case: Case) -> None:
    for seconds in (0.0, -1.0):
        assert case.clock.wait(threading.Event(), seconds) is False


def test_a_wait_for_what_has_happened_takes_no_time(case: Case) -> None:
    event = threading.Event()
    event.set()
    for seconds in (None, 0.0, 3600.0):
        assert case.clock.wait(event, seconds) is True


@pytest.mark.parametrize("seconds", [None, 1e9])
def test_a_wait_ends_when_another_thread_sets_the_event(seconds: float | None) -> None:
    """Of a fake that stands still, too: then only the event ends it."""
    for clock in (SystemClock(), ManualClock()):
        event = threading.Event()
        threading.Timer(0.02, event.set).start()
        assert clock.wait(event, seconds) is True


class TestManualClock:
    def test_it_stands_still_until_it_is_moved(self) -> None:
        clock = ManualClock(100.0, since_start=7.0)
        clock.advance(2.5)
        assert (clock.now(), clock.monotonic()) == (102.5, 9.5)
        clock.set(10.0)
        assert (clock.now(), clock.monotonic()) == (10.0, 9.5)

    def test_moving_it_ends_what_waits(self) -> None:
        clock = ManualClock()
        ended = threading.Event()

        def wait() -> None:
            clock.wait(threading.Event(), 60.0)
            ended.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        clock.advance(59.0)
        assert not ended.wait(0.05)
        clock.advance(1.0)
        assert ended.wait(10.0)
        waiting.join()

    def test_hurrying_it_waits_an_hour_at_once(self) -> None:
        clock = ManualClock(hurrying=True)
        assert clock.wait(threading.Event(), 3600.0) is False
        assert clock.now() == clock.monotonic() == 3600.0

    def test_its_own_zone_can_be_chosen(self) -> None:
        assert ManualClock(NEW_YEAR, zone="America/New_York").today().isoformat() == "2025-12-31"
