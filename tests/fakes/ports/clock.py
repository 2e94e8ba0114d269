"""A clock for tests: it stands still until it is moved."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_BREATH = 0.001
"""Real seconds between two looks at an event: other threads go on meanwhile."""


class ManualClock:
    """A clock that tests move by :meth:`advance` and :meth:`set`. See :class:`upriver.materializer.ports.Clock`.

    *now* is in seconds since the epoch, *since_start* what the monotonic reading begins with; the machine's own zone is
    *zone*. When it is *hurrying*, a wait that nothing ends soon moves the time to its own end.
    """

    def __init__(
        self, now: float = 0.0, *, since_start: float = 0.0, zone: str = "UTC", hurrying: bool = False
    ) -> None:
        self._now = now
        self._monotonic = since_start
        self._zone = zone
        self.hurrying = hurrying
        self._lock = threading.Lock()

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        assert seconds >= 0.0, "time never goes back; set() sets the wall clock"
        with self._lock:
            self._now += seconds
            self._monotonic += seconds

    def set(self, now: float) -> None:
        """Set the wall clock, forth or back; no time passes by that."""
        with self._lock:
            self._now = now

    def now(self) -> float:
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def today(self, zone: str | None = None) -> date:
        return datetime.fromtimestamp(self.now(), UTC).astimezone(ZoneInfo(zone or self._zone)).date()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        until = None if seconds is None else self.monotonic() + seconds
        while not event.is_set() and (until is None or self.monotonic() < until):
            if not event.wait(_BREATH) and self.hurrying and until is not None:
                self._reach(until)
        return event.is_set()

    def _reach(self, moment: float) -> None:
        """Let time pass until *moment*, if another wait has not come further."""
        with self._lock:
            ahead = max(0.0, moment - self._monotonic)
            self._now += ahead
            self._monotonic = max(self._monotonic, moment)
