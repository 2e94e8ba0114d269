"""View of a run, made from its events, live or replayed: what is done, runs and waits, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from upriver.assets.model import Key
from upriver.materializer.answers import AssetResult, AssetStatus, LogLine
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
from upriver.materializer.model import CheckOutcome, Outcome, Reasons, RunStatus
from upriver.tui.present.progress import typical


class Phase(Enum):
    """Where an asset is in the run."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


@dataclass(slots=True)
class Part:
    """One asset of the run. Changed by :class:`RunPicture` only."""

    asset: Key
    expected: float | None = None
    phase: Phase = Phase.WAITING
    started: float | None = None
    attempt: int = 0
    worker: int = 0
    fraction: float | None = None
    memory: int | None = None
    retry_at: float | None = None
    outcome: Outcome | None = None
    changed: bool = False
    seconds: float = 0.0
    rows: int | None = None
    rows_before: int | None = None
    bytes: int | None = None
    error: str | None = None
    reasons: Reasons = ()
    lines: int = 0
    checks: int = 0
    passed: int = 0


def how_it_went(run: str, status: RunStatus, counts: Mapping[Outcome, int]) -> str:
    """The end of a run in one sentence."""
    told = [f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts.get(outcome)]
    words = {RunStatus.SUCCESS: "is done", RunStatus.FAILED: "failed"}
    return f"run {run} {words.get(status, status.value)}: {', '.join(told) or 'nothing to do'}"


class RunPicture:
    """Fold events into it with :meth:`take`; everything shown about a run is read from it."""

    def __init__(self, run: str, *, mine: bool = False) -> None:
        self.run = run
        self.mine = mine
        self.select: tuple[str, ...] = ()
        self.status = RunStatus.RUNNING
        self.started: float | None = None
        self.finished: float | None = None
        self.jobs = 1
        self.parts: dict[Key, Part] = {}
        self.counts: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self.running: dict[Key, Part] = {}
        self.failed: list[Part] = []
        self.finished_order: list[Part] = []
        self.log: list[LogLine] = []
        self.saved = 0.0
        self.rows = 0
        self.bytes = 0
        self.cancelling = 0
        self.version = 0
        self._typical: float | None = None
        self._ahead_at: tuple[int, int] | None = None
        self._ahead_is: tuple[float | None, frozenset[Key]] = (None, frozenset())

    @property
    def live(self) -> bool:
        """Whether it still goes on."""
        return self.status is RunStatus.RUNNING

    def take_all(self, events: Iterable[Event]) -> None:
        """Fold several events."""
        for event in events:
            self.take(event)

    def take(self, event: Event) -> None:
        """Fold one event."""
        self.version += 1
        match event:
            case RunStarted():
                self.run, self.started, self.jobs, self.select = event.run, event.at, event.jobs, event.select
                expected = dict(event.expected)
                self._typical = typical(expected.values())
                for key in event.assets:
                    self.parts.setdefault(key, Part(key)).expected = expected.get(key)
            case AssetStarted():
                part = self._part(event.asset)
                part.phase, part.started, part.attempt = Phase.RUNNING, event.at, event.attempt
                part.worker, part.reasons, part.fraction, part.retry_at = (
                    event.worker,
                    event.reasons,
                    None,
                    None,
                )
                self.running[event.asset] = part
            case AssetProgress():
                part = self._part(event.asset)
                part.fraction = part.fraction if event.fraction is None else event.fraction
                part.memory = part.memory if event.memory is None else event.memory
            case AssetOutput():
                self._part(event.asset).lines += 1
                self.log.append(LogLine(event.asset, event.attempt, event.stream, event.text, event.at))
            case AssetRetrying():
                self._part(event.asset).retry_at = event.at + event.wait
                text = f"attempt {event.attempt} failed: {event.error}; again in {event.wait:.1f} s"
                self.log.append(LogLine(event.asset, event.attempt, "stderr", text, event.at))
            case AssetFinished():
                self._finish(event.result)
            case RunFinished():
                self.status, self.finished = event.status, event.at
                self.running.clear()
            case _:
                assert_never(event)

    def _part(self, key: Key) -> Part:
        part = self.parts.get(key)
        if part is None:
            part = self.parts[key] = Part(key)
        return part

    def _finish(self, result: AssetResult) -> None:
        part = self._part(result.asset)
        self.running.pop(result.asset, None)
        part.phase, part.outcome, part.changed = Phase.DONE, result.action, result.changed
        part.seconds, part.rows, part.bytes, part.error = (
            result.seconds,
            result.rows,
            result.bytes,
            result.error,
        )
        part.reasons = result.reasons or part.reasons
        part.checks = len(result.checks)
        part.passed = sum(one.outcome is CheckOutcome.PASSED for one in result.checks)
        self.counts[result.action] += 1
        self.finished_order.append(part)
        match result.action:
            case Outcome.FAILED | Outcome.BROKEN:
                self.failed.append(part)
            case Outcome.REUSED | Outcome.FRESH:
                self.saved += part.expected or 0.0
            case Outcome.BUILT:
                self.rows += result.rows or 0
                self.bytes += result.bytes or 0
            case Outcome.BLOCKED | Outcome.CANCELLED:
                pass
            case _:
                assert_never(result.action)

    def end_unseen(self, status: RunStatus | None, at: float) -> None:
        """The run is over although its last event never came (its process is gone)."""
        self.status, self.finished = status or RunStatus.ABANDONED, at
        self.running.clear()

    def summary(self) -> str:
        """How it went, in one sentence."""
        return how_it_went(self.run, self.status, self.counts)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def done(self) -> int:
        """How many assets have their outcome."""
        return len(self.finished_order)

    def elapsed(self, now: float) -> float:
        """Seconds since the start, or that the run took."""
        return 0.0 if self.started is None else max(0.0, (self.finished or now) - self.started)

    def waiting(self) -> list[Part]:
        """What has not begun, in the order in which it will."""
        return [part for part in self.parts.values() if part.phase is Phase.WAITING]

    def left(self, now: float, statuses: Mapping[Key, AssetStatus]) -> float | None:
        """Seconds until the end: the longest chain left, or all that is left over the slots. None: unknown."""
        return self._ahead(now, statuses)[0]

    def critical(self, now: float, statuses: Mapping[Key, AssetStatus]) -> frozenset[Key]:
        """What is on the longest chain left: the end can't come before all of it is done."""
        return self._ahead(now, statuses)[1]

    def _ahead(self, now: float, statuses: Mapping[Key, AssetStatus]) -> tuple[float | None, frozenset[Key]]:
        known = (self.version, int(now * 2))
        if self._ahead_at != known:
            self._ahead_at, self._ahead_is = known, self._look_ahead(now, statuses)
        return self._ahead_is

    def _look_ahead(
        self, now: float, statuses: Mapping[Key, AssetStatus]
    ) -> tuple[float | None, frozenset[Key]]:
        rests: dict[Key, float] = {}
        for key, part in self.parts.items():
            if part.phase is not Phase.DONE and self._typical is not None:
                spent = (
                    now - part.started if part.phase is Phase.RUNNING and part.started is not None else 0.0
                )
                rests[key] = max(0.0, self._usual(part) - spent)
        if not rests:
            return None, frozenset()
        chains: dict[Key, float] = {}
        behind: dict[Key, Key | None] = {}
        for key, rest in rests.items():  # the run's order is topological
            status = statuses.get(key)
            ups = [up for up in status.upstreams if up in chains] if status else []
            longest = max(ups, key=chains.__getitem__, default=None)
            behind[key] = longest
            chains[key] = rest + (chains[longest] if longest is not None else 0.0)
        last: Key | None = max(chains, key=chains.__getitem__)
        path = []
        while last is not None:
            path.append(last)
            last = behind[last]
        longest_chain = chains[path[0]]
        return max(longest_chain, sum(rests.values()) / max(1, self.jobs)), frozenset(path)

    def share_done(self, now: float) -> float:
        """How much of the expected time is behind, 0..1. What was cancelled stays where it stopped; an asset that was
        never built counts as much as assets usually take.
        """
        behind = total = 0.0
        for part in self.parts.values():
            usual = self._usual(part)
            total += usual
            if part.phase is Phase.DONE:
                behind += min(usual, part.seconds) if part.outcome is Outcome.CANCELLED else usual
            elif part.phase is Phase.RUNNING and part.started is not None and self.live:
                behind += min(usual, max(0.0, now - part.started))
        return min(1.0, behind / total) if total > 0 else float(not self.live)

    def _usual(self, part: Part) -> float:
        """The seconds that *part* is expected to take; all count alike when nothing is known of any."""
        if part.expected is not None:
            return part.expected
        return self._typical if self._typical is not None else 1.0

    def waits_for(self, key: Key, statuses: Mapping[Key, AssetStatus]) -> list[Part]:
        """The upstreams in the run that *key* waits for; those that failed or are blocked first."""
        status = statuses.get(key)
        if status is None:
            return []
        bad = (Outcome.FAILED, Outcome.BROKEN, Outcome.BLOCKED, Outcome.CANCELLED)
        parts = [self.parts[up] for up in status.upstreams if up in self.parts]
        open_parts = [part for part in parts if part.phase is not Phase.DONE or part.outcome in bad]
        return sorted(open_parts, key=lambda part: part.phase is not Phase.DONE)

    @property
    def memory(self) -> int:
        """Bytes that the running processes take now, as far as events report them."""
        return sum(part.memory or 0 for part in self.running.values())
