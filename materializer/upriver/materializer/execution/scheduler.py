"""One execution of a plan: decide each asset when its upstreams are settled, make it or not, commit, go on.

One thread (the caller's) schedules and decides; slots make attempts; the committer makes them durable. They
speak through one queue, so that all of the run's state is touched by the scheduling thread alone.
"""

from __future__ import annotations

import heapq
import queue
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from upriver.assets.errors import BusyError, Diagnosis, UpriverError
from upriver.assets.identity import Node
from upriver.assets.model import Asset, Key
from upriver.materializer.answers import AssetResult
from upriver.materializer.events import AssetFinished, AssetOutput, AssetRetrying, AssetStarted
from upriver.materializer.execution.attempt import AttemptFailed
from upriver.materializer.execution.claims import GIVE_UP_AFTER, LOOK_AGAIN
from upriver.materializer.execution.committer import Finished
from upriver.materializer.execution.inbox import Inbox
from upriver.materializer.execution.memory_budget import expected_memory
from upriver.materializer.execution.work import Attempt, Completed, Work, backoff
from upriver.materializer.freshness.decide import Settled, Unsettled, Upstream
from upriver.materializer.freshness.decider import Finding, broken
from upriver.materializer.model import Action, Cause, Outcome, Reason, Reasons, State, Version
from upriver.materializer.ports import Claim, Claimed


class Run:
    """Works through the assets of *work.order*. Call :meth:`execute` once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._clock = work.clock
        self._messages: Inbox[Callable[[], None]] = Inbox(work.clock)
        self._results: dict[Key, AssetResult] = {}
        self._upstreams: dict[Key, Upstream] = {}
        self._open: dict[Key, int] = {}
        self._ready: list[tuple[float, int, Key]] = []
        self._held: list[tuple[float, int, Key, Attempt]] = []
        self._delayed: list[tuple[float, int, Key, Attempt]] = []
        self._running: dict[Key, Attempt] = {}
        self._committing: dict[Key, tuple[Finding, float, bool]] = {}
        self._slots = list(range(work.limits.jobs, 0, -1))
        self._stopping = False
        self._error: Exception | None = None
        self._sequence = 0

    @property
    def results(self) -> tuple[AssetResult, ...]:
        """The outcome of every asset, in the order of the plan."""
        return tuple(self._results[key] for key in self._work.order if key in self._results)

    def saturated(self) -> bool:
        """Whether assets wait for a slot. Safe to ask from other threads."""
        return bool(self._held)

    def committed(self, group: Sequence[Finished]) -> None:
        """Called by the committer, in its thread."""
        self._messages.put(lambda: self._on_committed(group))

    def lost(self, group: Sequence[Finished]) -> None:
        """Called by the committer, in its thread, with what another build has overtaken."""
        self._messages.put(lambda: self._on_lost(group))

    def commit_failed(self, group: Sequence[Finished], error: Exception) -> None:
        """Called by the committer, in its thread."""
        self._messages.put(lambda: self._on_commit_failed(group, error))

    def execute(self) -> None:
        """Run to the end. Raises BusyError when another build has taken the lease away."""
        assets = self._work.assets
        known = self._work.broken
        inside = [key for key in self._work.order if key in assets or key in known]
        members = set(inside)
        for key in inside:
            self._open[key] = sum(1 for up in self._work.graph.upstreams(key) if up in members)
        for key in inside:
            if self._open[key] == 0 and key not in known:
                self._make_ready(key)
        # First of all: it waits for nothing, and whatever else happens it is to be told.
        for key in inside:
            if key in known:
                self._break(known[key])
        with ThreadPoolExecutor(self._work.limits.jobs, thread_name_prefix="slot") as slots:
            while len(self._results) < len(inside):
                self._check_cancelled()
                self._start_what_may(slots)
                if len(self._results) < len(inside):
                    self._take_message()
        if self._error is not None:
            raise self._error

    # -- scheduling --------------------------------------------------------------------------------------
    def _make_ready(self, key: Key) -> None:
        self._sequence += 1
        heapq.heappush(self._ready, (-self._work.priority.get(key, 0.0), self._sequence, key))

    def _take_message(self) -> None:
        timeout = 0.1
        if self._delayed:
            timeout = min(timeout, max(0.0, self._delayed[0][0] - self._clock.monotonic()))
        with suppress(queue.Empty):
            self._messages.get(timeout)()
            while True:
                self._messages.get(0.0)()

    def _check_cancelled(self) -> None:
        if not self._stopping and (self._work.cancelled() or self._error is not None):
            self._stop()
        if self._stopping:
            waiting = [*self._held, *self._delayed]
            self._work.claims.give_back(key for _, _, key, _ in waiting)
            for _, _, key, attempt in waiting:
                self._settle(key, Outcome.CANCELLED, attempt.finding.reasons)
            self._held.clear()
            self._delayed.clear()
            while self._ready:
                _, _, key = heapq.heappop(self._ready)
                self._settle(key, Outcome.CANCELLED, ())
        if dropped := self._work.dropped():
            for waiting in (self._held, self._delayed):
                for entry in [entry for entry in waiting if entry[2] in dropped]:
                    waiting.remove(entry)
                    self._settle(entry[2], Outcome.CANCELLED, entry[3].finding.reasons)
                heapq.heapify(waiting)

    def _stop(self) -> None:
        self._stopping = True

    def _start_what_may(self, slots: ThreadPoolExecutor) -> None:
        now = self._clock.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            _, order, key, attempt = heapq.heappop(self._delayed)
            heapq.heappush(self._held, (-self._work.priority.get(key, 0.0), order, key, attempt))
        # Deciding is cheap and settles what is fresh, so it goes ahead even when no slot is free.
        while self._ready and not self._stopping:
            _, _, key = heapq.heappop(self._ready)
            self._decide(key)
            self._check_cancelled()
        waiting: list[tuple[float, int, Key, Attempt]] = []
        while self._held and self._slots:
            entry = heapq.heappop(self._held)
            if not self._work.admits(entry[2], self._running, self._expected):
                waiting.append(entry)
            elif self._claimed(entry[2], entry[3]):
                self._start(slots, entry[2], entry[3])
        for entry in waiting:
            heapq.heappush(self._held, entry)

    def _claimed(self, key: Key, attempt: Attempt) -> bool:
        """Whether the attempt may start now; else it waits for another build, or is decided again."""
        claims = self._work.claims
        if not claims.mine(key):
            claim = self._ask(key)
            if claim.answer in (Claimed.HELD, Claimed.FULL):
                if claim.holder is not None and not attempt.again:
                    attempt.again = True
                    text = f"waits for what is made of it already: {claim.holder}"
                    self._work.emit(AssetOutput(self._clock.now(), key, attempt.number, "upriver", text))
                due = self._clock.monotonic() + LOOK_AGAIN * (0.5 + self._work.pause())
                heapq.heappush(self._delayed, (due, attempt.order, key, attempt))
                return False
            attempt.again |= claim.answer is Claimed.MOVED
        if attempt.again:
            self._decide_again(key, attempt)
            return False
        return True

    def _ask(self, key: Key) -> Claim:
        """The answer for *key*. What comes next is asked for together with it, as long as no memory is set aside."""
        ahead: list[Key] = []
        if self._work.limits.memory is None:
            ahead = [entry[2] for entry in heapq.nsmallest(2 * self._work.limits.jobs + 8, self._held)]
        wanted = [(one, self._expected(one)) for one in (key, *ahead)]
        return self._work.claims.ask(wanted)[key]

    def _decide_again(self, key: Key, attempt: Attempt) -> None:
        """Another build has made, or was making, *key* or what it reads."""
        for up, version in self._work.claims.view.renew(key).items():
            if isinstance(self._upstreams.get(up), Settled):
                self._upstreams[up] = Settled(version)
        attempt.again = False
        self._decide(key, attempt)

    def _expected(self, key: Key) -> int:
        upstreams = map(self._upstream, self._work.graph.upstreams(key))
        inputs = sum(one.version.bytes for one in upstreams if isinstance(one, Settled))
        return expected_memory(
            self._work.took.get(Node(key)), inputs, self._work.assets[key].execution.memory
        )

    def _decide(self, key: Key, before: Attempt | None = None) -> None:
        """Decide *key*, for the first time or, after what was *before*, again."""
        upstreams = {up: self._upstream(up) for up in self._work.graph.upstreams(key)}
        for up in upstreams:
            if (problem := self._work.source_problem(up)) is not None:
                reason = Reason(Cause.SOURCE_MISSING, up, detail=problem)
                self._settle(key, Outcome.FAILED, (reason,), error=problem)
                return
        finding = self._work.consider(key, upstreams)
        if finding.action is not Action.FRESH and key in self._work.dropped():
            self._settle(key, Outcome.CANCELLED, finding.reasons)
            return
        match finding.action:
            case Action.FRESH:
                assert finding.version is not None
                if before is None:
                    self._settle(key, Outcome.FRESH, (), version=finding.version)
                else:  # another build has made what this one was going to
                    reasons, seconds = before.finding.reasons, before.lasted(self._clock)
                    self._settle(key, Outcome.REUSED, reasons, version=finding.version, seconds=seconds)
            case Action.REUSE if not self._work.claims.exclusively(key) or self._work.claims.mine(key):
                assert finding.reuse is not None
                self._committing[key] = (finding, 0.0, True)
                seen = self._work.claims.seen(key, upstreams)
                self._work.put(Finished(finding.reuse, None, seen))
            case Action.REUSE:
                self._hold(key, Attempt(finding, again=True))
            case Action.BUILD | Action.MAYBE | Action.BLOCKED | Action.BROKEN:
                stuck = [up for up, now in upstreams.items() if isinstance(now, Unsettled)]
                if stuck:
                    cancelled = self._stopping
                    outcome = Outcome.CANCELLED if cancelled else Outcome.BLOCKED
                    error = None if cancelled else f"blocked by {', '.join(stuck)}"
                    self._settle(key, outcome, finding.reasons, error=error)
                else:
                    exclusive = self._work.claims.exclusively(key) and not self._work.claims.mine(key)
                    attempt = Attempt(finding, again=exclusive)
                    if before is not None:
                        attempt.number, attempt.spent = before.number, before.spent
                        attempt.order = before.order
                    self._hold(key, attempt)

    def _hold(self, key: Key, attempt: Attempt) -> None:
        if not attempt.order:
            self._sequence += 1
            attempt.order = self._sequence
        heapq.heappush(self._held, (-self._work.priority.get(key, 0.0), attempt.order, key, attempt))

    def _upstream(self, key: Key) -> Upstream:
        if key in self._work.assets or key in self._work.broken:
            return self._upstreams[key]
        return self._work.source(key)

    # -- attempts ----------------------------------------------------------------------------------------
    def _start(self, slots: ThreadPoolExecutor, key: Key, attempt: Attempt) -> None:
        attempt.slot = self._slots.pop()
        attempt.seen = self._work.claims.seen(
            key, {up: self._upstream(up) for up in self._work.graph.upstreams(key)}
        )
        attempt.started = self._clock.monotonic()
        self._running[key] = attempt
        asset = self._work.assets[key]
        versions: dict[Key, Version] = {}
        for up in self._work.graph.upstreams(key):
            upstream = self._upstream(up)
            assert isinstance(upstream, Settled)
            versions[up] = upstream.version
        self._work.emit(
            AssetStarted(self._clock.now(), key, attempt.number, attempt.slot, attempt.finding.reasons)
        )
        slots.submit(self._attempt, asset, versions, attempt.number)

    def _attempt(self, asset: Asset, versions: Mapping[Key, Version], number: int) -> None:
        """In a slot's thread. Must not raise: the error would be lost."""
        try:
            completed = self._work.attempt(asset, versions, number)
        except AttemptFailed as error:
            failure = error
            self._messages.put(lambda: self._on_failed(asset.key, failure))
        except Exception as error:  # noqa: BLE001 -- a defect here fails this asset, not the run
            known = isinstance(error, UpriverError)  # these are sentences
            unexpected = AttemptFailed(str(error) if known else f"{type(error).__name__}: {error}")
            unexpected.__cause__ = error
            self._messages.put(lambda: self._on_failed(asset.key, unexpected))
        else:
            self._messages.put(lambda: self._on_made(asset.key, completed))

    def _release(self, key: Key) -> Attempt:
        attempt = self._running.pop(key)
        self._slots.append(attempt.slot)
        return attempt

    def _on_made(self, key: Key, completed: Completed) -> None:
        attempt = self._release(key)
        seconds = attempt.lasted(self._clock)
        self._committing[key] = (attempt.finding, seconds, completed.changed)
        self._work.put(Finished(completed.materialization, completed.staged, attempt.seen))

    def _on_failed(self, key: Key, error: AttemptFailed) -> None:
        attempt = self._release(key)
        execution = self._work.assets[key].execution
        if error.cancelled:
            self._settle(key, Outcome.CANCELLED, attempt.finding.reasons, seconds=attempt.lasted(self._clock))
            return
        if error.diagnosis is not None:  # nothing was tried that could have gone well
            self._work.claims.ended(key)
            self._break(broken(key, Cause.UNBOUND, (error.diagnosis,)), seconds=attempt.lasted(self._clock))
            return
        if attempt.number <= execution.retries and not error.final and not self._stopping:
            wait = backoff(execution, attempt.number, self._work.pause())
            self._work.emit(AssetRetrying(self._clock.now(), key, attempt.number, wait, str(error)))
            attempt.number, attempt.spent, attempt.started = (
                attempt.number + 1,
                attempt.lasted(self._clock),
                0.0,
            )
            self._work.claims.give_back([key])  # other builds need not wait for the pause
            heapq.heappush(self._delayed, (self._clock.monotonic() + wait, attempt.order, key, attempt))
            return
        self._work.failed(key, error, attempt.number)
        self._work.claims.ended(key)
        self._settle(
            key,
            Outcome.FAILED,
            attempt.finding.reasons,
            seconds=attempt.lasted(self._clock),
            error=str(error),
        )
        if self._work.limits.fail_fast:
            self._stop()

    # -- commits -----------------------------------------------------------------------------------------
    def _on_committed(self, group: Sequence[Finished]) -> None:
        for one in group:
            key = one.materialization.asset
            finding, seconds, changed = self._committing.pop(key)
            self._work.claims.ended(key)
            outcome = Outcome.REUSED if one.staged is None else Outcome.BUILT
            version = one.materialization.version
            self._settle(key, outcome, finding.reasons, version=version, seconds=seconds, changed=changed)

    def _on_lost(self, group: Sequence[Finished]) -> None:
        for one in group:
            key = one.materialization.asset
            finding, seconds, _ = self._committing.pop(key)
            self._work.claims.ended(key)
            if self._stopping:
                self._settle(key, Outcome.CANCELLED, finding.reasons, seconds=seconds)
            elif self._work.claims.lost(key) >= GIVE_UP_AFTER:
                error = (
                    f"what it reads was changed {GIVE_UP_AFTER} times while it was made; what was made is kept for"
                    " reuse. Build again when others are done."
                )
                self._settle(key, Outcome.FAILED, finding.reasons, seconds=seconds, error=error)
            else:
                self._decide_again(key, Attempt(finding, spent=seconds))

    def _on_commit_failed(self, group: Sequence[Finished], error: Exception) -> None:
        if isinstance(error, BusyError):
            self._error = error
        for one in group:
            key = one.materialization.asset
            finding, seconds, _ = self._committing.pop(key)
            self._settle(key, Outcome.FAILED, finding.reasons, seconds=seconds, error=str(error))

    def _break(self, found: Finding, seconds: float = 0.0) -> None:
        key, error = found.asset, "\n\n".join(map(str, found.diagnoses))
        self._settle(
            key, Outcome.BROKEN, found.reasons, seconds=seconds, error=error, diagnoses=found.diagnoses
        )

    def _settle(
        self,
        key: Key,
        outcome: Outcome,
        reasons: Reasons,
        *,
        version: Version | None = None,
        seconds: float = 0.0,
        changed: bool = False,
        error: str | None = None,
        diagnoses: tuple[Diagnosis, ...] = (),
    ) -> None:
        """The asset has its outcome: tell it, and see who can go on."""
        rows = version.rows if version else None
        size = version.bytes if version else None
        result = AssetResult(key, outcome, changed, reasons, rows, size, seconds, error, diagnoses=diagnoses)
        self._results[key] = result
        if self._work.claims.mine(key):
            self._work.claims.give_back([key])
        if version is not None:
            self._upstreams[key] = Settled(version)
        else:
            state = {Outcome.FAILED: State.FAILED, Outcome.BROKEN: State.BROKEN}.get(outcome, State.BLOCKED)
            self._upstreams[key] = Unsettled(state, stuck=outcome is Outcome.BROKEN)
        self._work.emit(
            AssetFinished(self._clock.now(), key, outcome, changed, reasons, rows, size, seconds, error)
        )
        for reader in self._work.graph.downstreams(key):
            if reader in self._open and reader not in self._work.broken:
                self._open[reader] -= 1
                if self._open[reader] == 0:
                    self._make_ready(reader)
