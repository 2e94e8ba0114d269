"""One execution of a plan: decide each node when its upstreams are settled, make it or not, commit, go on.

One thread (the caller's) schedules and decides; slots make attempts; the committer makes them durable. They
speak through one queue, so that all of the run's state is touched by the scheduling thread alone.
"""

from __future__ import annotations

import heapq
import queue
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from upriver.assets.errors import UpriverError
from upriver.assets.identity import Node
from upriver.assets.support.machine import default_memory
from upriver.materializer.events import AssetOutput, AssetRetrying, AssetStarted
from upriver.materializer.execution.attempt import AttemptFailed
from upriver.materializer.execution.claims import LOOK_AGAIN
from upriver.materializer.execution.committer import Materialized
from upriver.materializer.execution.ends import Ends
from upriver.materializer.execution.memory_budget import expected_memory
from upriver.materializer.execution.retrying import again
from upriver.materializer.execution.work import Attempt, Work
from upriver.materializer.freshness.approval import digest_of_inputs
from upriver.materializer.freshness.decide import Settled, Unsettled, Upstream
from upriver.materializer.freshness.decider import Finding, broken
from upriver.materializer.model import Action, Cause, Outcome, Reason, Version
from upriver.materializer.ports import Claim, Claimed
from upriver.materializer.quality.audit import Audit

_NO_AUDIT = Audit()


class Run(Ends):
    """Works through the nodes of *work.order*. Call :meth:`execute` once."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._ready: list[tuple[float, int, Node]] = []
        self._held: list[tuple[float, int, Node, Attempt]] = []
        self._delayed: list[tuple[float, int, Node, Attempt]] = []
        self._running: dict[Node, Attempt] = {}
        self._slots = list(range(work.limits.jobs, 0, -1))
        self._sequence = 0

    def saturated(self) -> bool:
        """Whether assets wait for a slot. Safe to ask from other threads."""
        return bool(self._held)

    def execute(self) -> None:
        """Run to the end. Raises BusyError when another build has taken the lease away."""
        assets = self._work.assets
        known = self._work.broken
        inside = [node for node in self._work.order if node.asset in assets or node in known]
        members = set(inside)
        for node in inside:
            self._open[node] = sum(1 for up in self._work.graph.upstreams(node) if up in members)
        for node in inside:
            if self._open[node] == 0 and node not in known:
                self._make_ready(node)
        # First of all: it waits for nothing, and whatever else happens it is to be told.
        for node in inside:
            if node in known:
                self._break(known[node])
        with ThreadPoolExecutor(self._work.limits.jobs, thread_name_prefix="slot") as slots:
            while len(self._results) < len(inside):
                self._check_cancelled()
                self._start_what_may(slots)
                if len(self._results) < len(inside):
                    self._take_message()
        if self._error is not None:
            raise self._error

    # -- scheduling --------------------------------------------------------------------------------------
    def _make_ready(self, node: Node) -> None:
        self._sequence += 1
        heapq.heappush(self._ready, (-self._work.priority.get(node, 0.0), self._sequence, node))

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
            self._work.claims.give_back(node for _, _, node, _ in waiting)
            for _, _, node, attempt in waiting:
                self._settle(node, Outcome.CANCELLED, attempt.finding.reasons)
            self._held.clear()
            self._delayed.clear()
            while self._ready:
                _, _, node = heapq.heappop(self._ready)
                self._settle(node, Outcome.CANCELLED, ())
        if dropped := self._work.dropped():
            for waiting in (self._held, self._delayed):
                for entry in [entry for entry in waiting if entry[2].asset in dropped]:
                    waiting.remove(entry)
                    self._settle(entry[2], Outcome.CANCELLED, entry[3].finding.reasons)
                heapq.heapify(waiting)

    def _start_what_may(self, slots: ThreadPoolExecutor) -> None:
        now = self._clock.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            _, order, node, attempt = heapq.heappop(self._delayed)
            heapq.heappush(self._held, (-self._work.priority.get(node, 0.0), order, node, attempt))
        # Deciding is cheap and settles what is fresh, so it goes ahead even when no slot is free.
        while self._ready and not self._stopping:
            _, _, node = heapq.heappop(self._ready)
            self._decide(node)
            self._check_cancelled()
        waiting: list[tuple[float, int, Node, Attempt]] = []
        while self._held and self._slots:
            entry = heapq.heappop(self._held)
            if any(attempt.alone for attempt in self._running.values()):
                waiting.append(entry)
                break
            if entry[3].alone and self._running:
                waiting.append(entry)
                break  # what runs ends first, and nothing more begins before it
            if not self._work.admits(entry[2], self._running, self._expected):
                waiting.append(entry)
            elif self._claimed(entry[2], entry[3]):
                self._start(slots, entry[2], entry[3])
        for entry in waiting:
            heapq.heappush(self._held, entry)

    def _claimed(self, node: Node, attempt: Attempt) -> bool:
        """Whether the attempt may start now; else it waits for another build, or is decided again."""
        claims = self._work.claims
        if not claims.mine(node):
            claim = self._ask(node)
            if claim.answer in (Claimed.HELD, Claimed.FULL):
                attempt.again |= claim.answer is Claimed.HELD and claim.holder is not None
                if claim.holder is not None and not attempt.waits:
                    attempt.waits = True
                    pool = self._work.assets[node.asset].execution.pool
                    what = (
                        f"a slot of pool {pool}"
                        if claim.answer is Claimed.FULL
                        else "what is made of it already"
                    )
                    text = f"waits for {what}: {claim.holder}"
                    self._work.emit(
                        AssetOutput(
                            self._clock.now(), node.asset, attempt.number, "upriver", text, node.partition
                        )
                    )
                due = self._clock.monotonic() + LOOK_AGAIN * (0.5 + self._work.pause())
                heapq.heappush(self._delayed, (due, attempt.order, node, attempt))
                return False
            attempt.again |= claim.answer is Claimed.MOVED
        if attempt.again:
            self._decide_again(node, attempt)
            return False
        return True

    def _ask(self, node: Node) -> Claim:
        """The answer for *node*. What comes next is asked for together with it, as long as no memory is set aside."""
        ahead: list[Node] = []
        if self._work.limits.memory is None:
            following = heapq.nsmallest(2 * self._work.limits.jobs + 8, self._held)
            # A slot of a pool is taken only by what begins now.
            ahead = [entry[2] for entry in following if entry[2] not in self._work.claims.pools]
        wanted = [(one, self._expected(one)) for one in (node, *ahead)]
        return self._work.claims.ask(wanted)[node]

    def _decide_again(self, node: Node, attempt: Attempt) -> None:
        """Another build has made, or was making, *node* or what it reads."""
        for up, version in self._work.claims.view.renew(node).items():
            if isinstance(self._upstreams.get(up), Settled):
                self._upstreams[up] = Settled(version)
        attempt.again = False
        self._decide(node, attempt)

    def _expected(self, node: Node) -> int:
        upstreams = map(self._upstream, self._work.graph.upstreams(node))
        inputs = sum(one.version.bytes for one in upstreams if isinstance(one, Settled))
        return expected_memory(
            self._work.took.get(node), inputs, self._work.assets[node.asset].execution.memory
        )

    def _decide(self, node: Node, before: Attempt | None = None) -> None:
        """Decide *node*, for the first time or, after what was *before*, again."""
        upstreams = {up: self._upstream(up) for up in self._work.graph.upstreams(node)}
        for up in upstreams:
            if (problem := self._work.source_problem(up.asset)) is not None:
                reason = Reason(Cause.SOURCE_MISSING, up.asset, detail=problem)
                self._settle(node, Outcome.FAILED, (reason,), error=problem)
                return
        finding = self._work.consider(node, upstreams)
        if any(reason.kind is Cause.APPROVAL for reason in finding.reasons):
            text = f"waits for a person: `upriver approve {node.asset}`"
            self._settle(node, Outcome.BLOCKED, finding.reasons, error=text)
            return
        if finding.action is not Action.FRESH and node.asset in self._work.dropped():
            self._settle(node, Outcome.CANCELLED, finding.reasons)
            return
        match finding.action:
            case Action.FRESH:
                assert finding.version is not None
                if before is None:
                    self._settle(node, Outcome.FRESH, (), version=finding.version)
                else:  # another build has made what this one was going to
                    reasons, seconds = before.finding.reasons, before.lasted(self._clock)
                    self._settle(node, Outcome.REUSED, reasons, version=finding.version, seconds=seconds)
            case Action.REUSE if node.asset in self._work.guarded:
                self._wait_or_hold(node, finding, upstreams, before)
            case Action.REUSE if not self._work.claims.exclusively(node) or self._work.claims.mine(node):
                assert finding.reuse is not None
                self._committing[node] = finding, 0.0
                self._work.put(Materialized(finding.reuse, None), self._work.claims.seen(node, upstreams))
            case Action.REUSE:
                self._hold(node, Attempt(finding, again=True))
            case Action.BUILD | Action.MAYBE | Action.CHECK | Action.BLOCKED | Action.BROKEN:
                self._wait_or_hold(node, finding, upstreams, before)

    def _wait_or_hold(
        self, node: Node, finding: Finding, upstreams: Mapping[Node, Upstream], before: Attempt | None
    ) -> None:
        """Have it attempted when there is a slot, unless something that it waits for did not come."""
        stuck = [up for up, now in upstreams.items() if isinstance(now, Unsettled)]
        if stuck:
            cancelled = self._stopping
            outcome = Outcome.CANCELLED if cancelled else Outcome.BLOCKED
            error = None if cancelled else f"blocked by {', '.join(map(str, stuck))}"
            self._settle(node, outcome, finding.reasons, error=error)
        else:
            exclusive = self._work.claims.exclusively(node) and not self._work.claims.mine(node)
            attempt = Attempt(finding, again=exclusive)
            if before is not None:
                attempt.number, attempt.spent = before.number, before.spent
                attempt.tried, attempt.memory, attempt.alone = before.tried, before.memory, before.alone
                attempt.order = before.order
            self._hold(node, attempt)

    def _hold(self, node: Node, attempt: Attempt) -> None:
        if not attempt.order:
            self._sequence += 1
            attempt.order = self._sequence
        heapq.heappush(self._held, (-self._work.priority.get(node, 0.0), attempt.order, node, attempt))

    def _upstream(self, node: Node) -> Upstream:
        if node.asset in self._work.assets or node in self._work.broken:
            return self._upstreams[node]
        return self._work.source(node.asset)

    # -- attempts ----------------------------------------------------------------------------------------
    def _start(self, slots: ThreadPoolExecutor, node: Node, attempt: Attempt) -> None:
        attempt.slot = self._slots.pop()
        attempt.seen = self._work.claims.seen(
            node, {up: self._upstream(up) for up in self._work.graph.upstreams(node)}
        )
        attempt.started = self._clock.monotonic()
        self._running[node] = attempt
        versions: dict[Node, Version] = {}
        for up in self._work.graph.upstreams(node):
            upstream = self._upstream(up)
            assert isinstance(upstream, Settled)
            versions[up] = upstream.version
        self._work.emit(
            AssetStarted(
                self._clock.now(),
                node.asset,
                attempt.number,
                attempt.slot,
                attempt.finding.reasons,
                node.partition,
            )
        )
        slots.submit(self._attempt, versions, attempt.number, attempt.finding, self._limit(node, attempt))

    def _limit(self, node: Node, attempt: Attempt) -> int | None:
        """The memory that an attempt may take where that is more than is declared: by what it has needed before."""
        execution = self._work.assets[node.asset].execution
        more = max((rule.more for rule in execution.retry if rule.on == "memory"), default=1.0)
        took = self._work.took.get(node)
        if attempt.memory is None and took is not None and more > 1.0:
            known, declared = int(took.peak * more), execution.memory or default_memory()
            attempt.memory = known if took.peak > declared else None
        return attempt.memory

    def _fallback(self, node: Node) -> Settled | None:
        return self._work.fallback(node, {up: self._upstream(up) for up in self._work.graph.upstreams(node)})

    def _attempt(
        self, versions: Mapping[Node, Version], number: int, finding: Finding, memory: int | None
    ) -> None:
        """In a slot's thread. Must not raise: the error would be lost."""
        node = finding.node
        made: Materialized | Audit
        try:
            if finding.action in (Action.CHECK, Action.REUSE):
                made = self._work.audit(finding, versions)
            else:
                made = self._work.attempt(node, versions, number, memory)
        except AttemptFailed as error:
            failure = error
            self._messages.put(lambda: self._on_failed(node, failure))
        except Exception as error:  # noqa: BLE001 -- a defect here fails this asset, not the run
            known = isinstance(error, UpriverError)  # these are sentences
            unexpected = AttemptFailed(str(error) if known else f"{type(error).__name__}: {error}")
            unexpected.__cause__ = error
            self._messages.put(lambda: self._on_failed(node, unexpected))
        else:
            if isinstance(made, Audit):
                self._messages.put(lambda: self._on_audited(node, made))
            else:
                self._messages.put(lambda: self._on_made(node, made))

    def _release(self, node: Node) -> Attempt:
        attempt = self._running.pop(node)
        self._slots.append(attempt.slot)
        return attempt

    def _on_failed(self, node: Node, error: AttemptFailed) -> None:
        attempt = self._release(node)
        execution = self._work.assets[node.asset].execution
        if error.cancelled:
            self._settle(
                node, Outcome.CANCELLED, attempt.finding.reasons, seconds=attempt.lasted(self._clock)
            )
            return
        if error.diagnosis is not None:  # nothing was tried that could have gone well
            self._work.claims.ended(node)
            self._break(broken(node, Cause.UNBOUND, (error.diagnosis,)), seconds=attempt.lasted(self._clock))
            return
        more = None
        if not self._stopping:
            more = again(execution, str(error), attempt.tried, self._work.pause(), final=error.final)
        if more is not None:
            wait = more.wait
            attempt.tried[more.rule] = attempt.tried.get(more.rule, 0) + 1
            attempt.alone = more.alone
            if more.more > 1.0:
                limit = attempt.memory or execution.memory or default_memory()
                attempt.memory = int(limit * more.more)
            self._work.emit(
                AssetRetrying(self._clock.now(), node.asset, attempt.number, wait, str(error), node.partition)
            )
            attempt.number, attempt.spent, attempt.started = (
                attempt.number + 1,
                attempt.lasted(self._clock),
                0.0,
            )
            self._work.claims.give_back([node])  # other builds need not wait for the pause
            heapq.heappush(self._delayed, (self._clock.monotonic() + wait, attempt.order, node, attempt))
            return
        inputs = digest_of_inputs(
            dict([*attempt.seen.assets, *((Node(k), v) for k, v in attempt.seen.sources)])
        )
        self._work.failed(node, error, attempt.number, inputs)
        self._work.claims.ended(node)
        self._settle(
            node,
            Outcome.FAILED,
            attempt.finding.reasons,
            seconds=attempt.lasted(self._clock),
            error=str(error),
        )
        if self._work.limits.fail_fast:
            self._stop()
