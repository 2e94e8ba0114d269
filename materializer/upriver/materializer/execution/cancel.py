"""Asking a running build to stop, or to leave out one asset."""

from __future__ import annotations

from upriver.assets.model import Key

LOOK = 0.05
"""Seconds between two looks at a running attempt's memory, deadline and cancellation."""


class Cancel:
    """Asks a running build to stop. Safe from signal handlers and threads."""

    def __init__(self) -> None:
        self.level = 0
        self.draining = False
        self.signal: int | None = None
        self.dropped: frozenset[Key] = frozenset()

    def drop(self, key: Key) -> None:
        """Ask for one asset alone to be left out; what needs it is blocked, the rest goes on."""
        self.dropped |= {key}

    def drain(self) -> None:
        """Ask for nothing more to be begun; what runs is finished and kept."""
        self.draining = True

    def request(self, signal: int | None = None) -> None:
        """Ask, for the first time or again; *signal* is remembered for the exit code."""
        self.level += 1
        self.signal = signal or self.signal
