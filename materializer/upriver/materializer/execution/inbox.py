"""Inbox: threads hand over to the one thread that works, which waits by the run's clock."""

from __future__ import annotations

import queue
import threading
from typing import Generic, TypeVar

from upriver.materializer.ports import Clock

_T = TypeVar("_T")


class Inbox(Generic[_T]):
    """Items in the order in which they were put; any thread may put, one takes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: queue.SimpleQueue[_T] = queue.SimpleQueue()
        self._arrived = threading.Event()

    def put(self, item: _T) -> None:
        """Hand over *item*; returns at once."""
        self._items.put(item)
        self._arrived.set()

    def get(self, seconds: float | None = None) -> _T:
        """The next item, waited for up to *seconds* (None: for ever). Raises queue.Empty when there is none."""
        until = None if seconds is None else self._clock.monotonic() + seconds
        while True:
            self._arrived.clear()  # before the look: what comes after it sets it again
            try:
                return self._items.get_nowait()
            except queue.Empty:
                left = None if until is None else until - self._clock.monotonic()
                if left is not None and left <= 0.0:
                    raise
            self._clock.wait(self._arrived, left)
