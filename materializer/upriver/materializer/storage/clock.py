"""The clock of this machine."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


class SystemClock:
    """The machine's clock. See :class:`upriver.materializer.ports.Clock`."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment, never set back."""
        return time.monotonic()

    def today(self, zone: str | None = None) -> date:
        """The date in *zone*, or in the machine's own."""
        moment = datetime.fromtimestamp(self.now(), UTC)
        return moment.astimezone(None if zone is None else ZoneInfo(zone)).date()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until *event* is set or *seconds* have passed; whether it is set."""
        return event.wait(seconds)


MACHINE = SystemClock()
"""What a store or a state that is opened by itself goes by; a context passes its own clock."""
