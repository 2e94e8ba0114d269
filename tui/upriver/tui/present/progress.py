"""Progress of a build, made from its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import assert_never

from upriver.assets.model import Key
from upriver.materializer.events import (
    AssetFinished,
    AssetOutput,
    AssetProgress,
    AssetRetrying,
    AssetStarted,
    Event,
    RunFinished,
    RunStarted,
)
from upriver.materializer.model import Outcome
from upriver.tui.present.spans import text_width

_KEY_COLUMNS = 44


class Attempt:
    """A running attempt of an asset."""

    __slots__ = ("asset", "attempt", "fraction", "memory", "started", "waiting_until")

    def __init__(self, started: AssetStarted) -> None:
        self.asset = started.asset
        self.started = started.at
        self.attempt = started.attempt
        self.fraction: float | None = None
        self.memory: int | None = None
        self.waiting_until: float | None = None


def typical(durations: Iterable[float]) -> float | None:
    """The median of the known *durations*, which stands for those that are not known; None when none is."""
    known = sorted(durations)
    return known[len(known) // 2] if known else None


class Progress:
    """State of a run, made from its events. Plain bookkeeping: no clock, no output."""

    def __init__(self) -> None:
        self.started: float | None = None
        self.total = 0
        self.jobs = 1
        self.expected: dict[Key, float] = {}
        self._usual: dict[Key, float] = {}
        self.running: dict[Key, Attempt] = {}
        self.counts: Counter[Outcome] = Counter()
        self.finished: set[Key] = set()
        self.attempted: set[Key] = set()
        self.saved = 0.0
        self.key_width = 8

    def apply(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self.started = event.at
                self.total = len(event.assets)
                self.jobs = event.jobs
                self.expected = dict(event.expected)
                usual = typical(self.expected.values())
                self._usual = {} if usual is None else {**dict.fromkeys(event.assets, usual), **self.expected}
                self.key_width = min(_KEY_COLUMNS, max(map(text_width, event.assets), default=8))
            case AssetStarted():
                self.running[event.asset] = Attempt(event)
                self.attempted.add(event.asset)
            case AssetProgress():
                if attempt := self.running.get(event.asset):
                    attempt.fraction = attempt.fraction if event.fraction is None else event.fraction
                    attempt.memory = attempt.memory if event.memory is None else event.memory
            case AssetRetrying():
                if attempt := self.running.get(event.asset):
                    attempt.waiting_until = event.at + event.wait
            case AssetFinished():
                self.running.pop(event.asset, None)
                self.finished.add(event.asset)
                self.counts[event.result.action] += 1
                if event.result.action in (Outcome.REUSED, Outcome.FRESH):
                    self.saved += self.expected.get(event.asset, 0.0)
            case AssetOutput() | RunFinished():
                pass
            case _:
                assert_never(event)

    def left(self, now: float) -> float | None:
        """Seconds until the end, from what each asset usually takes, or the others; None when that is not known."""
        remaining = {key: usual for key, usual in self._usual.items() if key not in self.finished}
        if not remaining:
            return None
        for key, attempt in self.running.items():
            if key in remaining:
                remaining[key] = max(0.0, remaining[key] - (now - attempt.started))
        return max(sum(remaining.values()) / max(1, self.jobs), *remaining.values())
