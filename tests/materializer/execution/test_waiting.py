"""What a run waits for, by a clock that the test moves: messages, the end of a query's time, another build's locks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fakes.ports import ManualClock, MemoryEngine

from upriver.assets.errors import BusyError
from upriver.materializer.events import Event, RunFinished, RunStarted
from upriver.materializer.execution.attempt import Watchdog
from upriver.materializer.execution.inbox import Inbox
from upriver.materializer.model import Run, RunStatus
from upriver.materializer.runs.event_log import RunLog, follow_events
from upriver.materializer.state import open_state

ENDLESS = "with recursive n(n) as (select 1 union all select 1 - n from n) select count(*) as c from n"


class TestInbox:
    def test_items_come_in_their_order(self) -> None:
        inbox: Inbox[int] = Inbox(ManualClock())
        for number in range(5):
            inbox.put(number)
        assert [inbox.get(0.0) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(queue.Empty):
            inbox.get(0.0)

    def test_what_does_not_come_is_waited_for_as_long_as_was_said(self) -> None:
        clock = ManualClock(hurrying=True)
        with pytest.raises(queue.Empty):
            Inbox[int](clock).get(3600.0)
        assert clock.monotonic() >= 3600.0

    @pytest.mark.parametrize("seconds", [None, 1e9])
    def test_nothing_that_many_threads_put_is_lost(self, seconds: float | None) -> None:
        """Also what is put while the reader is about to wait."""
        inbox: Inbox[int] = Inbox(ManualClock())

        def put(first: int) -> None:
            for number in range(first, first + 500):
                inbox.put(number)

        with ThreadPoolExecutor(4) as threads:
            for first in range(0, 2000, 500):
                threads.submit(put, first)
            assert sorted(inbox.get(seconds) for _ in range(2000)) == list(range(2000))


@pytest.fixture
def engine() -> Iterator[MemoryEngine]:
    made = MemoryEngine()
    yield made
    made.close()


def running(
    engine: MemoryEngine, clock: ManualClock, limit: float | None, cancelled: threading.Event
) -> bool:
    """Whether an endless query was ended for its time."""
    with Watchdog(engine, clock).watching(limit, cancelled.is_set) as expired:
        with pytest.raises(Exception, match="interrupted"):
            engine.fetch(ENDLESS)
        return expired.is_set()


class TestWatchdog:
    def test_a_query_ends_after_its_time(self, engine: MemoryEngine) -> None:
        """By the clock, not by the wall."""
        clock = ManualClock(hurrying=True)
        assert running(engine, clock, 20.0, threading.Event())
        assert clock.monotonic() >= 20.0

    def test_a_query_ends_when_it_is_cancelled(self, engine: MemoryEngine) -> None:
        cancelled = threading.Event()
        cancelled.set()
        assert not running(engine, ManualClock(hurrying=True), None, cancelled)


def test_a_build_waits_for_the_project_as_long_as_it_was_told(tmp_path: Path) -> None:
    """By the clock, not by the wall; the holder is living all the while."""
    clock = ManualClock(hurrying=True)
    holder = open_state(tmp_path / ".upriver" / "state.db")
    held = holder.hold("gc")
    state = open_state(tmp_path / ".upriver" / "state.db", clock=clock, term=1e9)
    with pytest.raises(BusyError, match="gc"):
        state.acquire(Run("r", RunStatus.RUNNING, 0.0), wait=30.0)
    assert clock.monotonic() >= 30.0
    held.release()
    state.close()
    holder.close()


def test_a_followed_run_is_looked_at_until_its_process_is_gone(tmp_path: Path) -> None:
    clock, found = ManualClock(hurrying=True), list[Event]()
    log = RunLog(tmp_path, "r", lambda event: None)
    log.emit(RunStarted(1.0, "r", (), 1, (), ()))
    looks = iter([True] * 100 + [False] * 100)
    found += follow_events(tmp_path, "r", lambda: False, alive=lambda: next(looks), clock=clock)
    assert [type(event) for event in found] == [RunStarted]
    assert clock.monotonic() > 5.0
    log.emit(RunFinished(2.0, "r", RunStatus.SUCCESS))
    log.close()
    found = list(follow_events(tmp_path, "r", lambda: False, alive=lambda: True, clock=clock))
    assert [type(event) for event in found] == [RunStarted, RunFinished]
