"""The clock port: the time, and waiting for it."""

from __future__ import annotations

import threading
from datetime import date
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting for it. Everything that asks for time asks a clock, so that tests can set it."""

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
        """Wait until *event* is set or *seconds* have passed; whether it is set."""
        ...
