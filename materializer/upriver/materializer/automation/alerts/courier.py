"""Courier: a thread that sends what the outbox has, as long as a loop runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from upriver.assets.errors import UpriverError
from upriver.materializer.automation.alerts.outbox import Outbox
from upriver.materializer.ports import Clock

_LONGEST = 60.0
"""Seconds after which the outbox is looked at in any case: other processes put messages there."""


class Courier:
    """Sends what is due in a thread of its own. *trouble* is told what keeps it from looking."""

    def __init__(self, outbox: Outbox, clock: Clock, trouble: Callable[[str], None]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._trouble = trouble
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look now: there may be something."""
        self._woken.set()

    def finish(self) -> None:
        """Send what is due now, and end."""
        self._stopped = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            last = self._stopped  # what was due when the end was asked for is sent
            self._woken.clear()
            try:
                due = self._outbox.send_due()
            except UpriverError as error:
                due = None
                self._trouble(str(error))
            if last:
                return
            if not self._stopped:
                seconds = _LONGEST if due is None else max(0.1, min(_LONGEST, due - self._clock.now()))
                self._clock.wait(self._woken, seconds)
