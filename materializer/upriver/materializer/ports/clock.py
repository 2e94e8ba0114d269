"""The clock port: the time, and waiting for it.

Everything in the materializer that asks for time asks the clock that its context was given. What waits for the kernel
keeps real time, because no test can hurry the kernel: the supervision of processes (``upriver.assets.support`` and
``execution/local/pool.py``), samples of their memory, the busy waiting of SQLite, and the watching of files. The guard
``tests/guards/test_clock.py`` lists these files, each with its reason.
"""

from __future__ import annotations

import threading
from datetime import date
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting for it. Threads may share a clock, and a test can set it."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment, never set back."""
        ...

    def today(self, zone: str | None = None) -> date:
        """The date in *zone* (an IANA name; None: the machine's own)."""
        ...

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until *event* is set or *seconds* have passed (None: for ever); whether it is set."""
        ...
