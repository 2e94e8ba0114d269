"""Ends of nodes in a run: what was made and audited goes to the committer, what was committed or failed is settled.

All of it runs in the scheduling thread, except what says otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from upriver.assets.errors import BusyError, Diagnosis
from upriver.assets.identity import Node
from upriver.lineage.partitions.slices import SliceCounts
from upriver.materializer.answers import AssetResult
from upriver.materializer.events import AssetFinished, AssetOutput
from upriver.materializer.execution.attempt import AttemptFailed
from upriver.materializer.execution.claims import GIVE_UP_AFTER
from upriver.materializer.execution.committer import Materialized
from upriver.materializer.execution.inbox import Inbox
from upriver.materializer.execution.work import Attempt, Work
from upriver.materializer.freshness.decide import Settled, Unsettled, Upstream
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.model import Outcome, Reasons, State, Version
from upriver.materializer.quality.audit import Audit

_NO_AUDIT = Audit()


class Ends(ABC):
    """The part of a run that ends nodes. The scheduler, which begins them, is made from it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._clock = work.clock
        self._messages: Inbox[Callable[[], None]] = Inbox(work.clock)
        self._results: dict[Node, AssetResult] = {}
        self._upstreams: dict[Node, Upstream] = {}
        self._open: dict[Node, int] = {}
        self._committing: dict[Node, tuple[Finding, float]] = {}
        self._stopping = False
        self._error: Exception | None = None

    @property
    def results(self) -> tuple[AssetResult, ...]:
        """The outcome of every node, in the order of the plan."""
        return tuple(self._results[node] for node in self._work.order if node in self._results)

    def committed(self, group: Sequence[Materialized]) -> None:
        """Called by the committer, in its thread."""
        self._messages.put(lambda: self._on_committed(group))

    def lost(self, group: Sequence[Materialized]) -> None:
        """Called by the committer, in its thread, with what another build has overtaken."""
        self._messages.put(lambda: self._on_lost(group))

    def commit_failed(self, group: Sequence[Materialized], error: Exception) -> None:
        """Called by the committer, in its thread."""
        self._messages.put(lambda: self._on_commit_failed(group, error))

    # -- what the scheduler does -------------------------------------------------------------------------
    @abstractmethod
    def _make_ready(self, node: Node) -> None:
        """All that *node* waits for is settled."""

    @abstractmethod
    def _decide_again(self, node: Node, attempt: Attempt) -> None:
        """Another build has made *node*, or what it reads."""

    @abstractmethod
    def _release(self, node: Node) -> Attempt:
        """The attempt of *node*, whose slot is free now."""

    @abstractmethod
    def _fallback(self, node: Node) -> Settled | None:
        """What readers of *node* get, which has failed."""

    def _stop(self) -> None:
        self._stopping = True

    # -- attempts ----------------------------------------------------------------------------------------
    def _on_made(self, node: Node, made: Materialized) -> None:
        attempt = self._release(node)
        seconds = attempt.lasted(self._clock)
        self._committing[node] = attempt.finding, seconds
        self._work.put(made, attempt.seen)

    def _on_audited(self, node: Node, audit: Audit) -> None:
        """The checks of what was there already have run: it stays or comes to be served, or it does not."""
        attempt = self._release(node)
        finding, seconds = attempt.finding, attempt.lasted(self._clock)
        if finding.reuse is not None:
            self._committing[node] = finding, seconds
            self._work.put(Materialized(finding.reuse, None, audit=audit), attempt.seen)
        elif audit.refusal is not None:
            self._refuse(node, finding, seconds, audit)
        else:
            record = self._work.claims.view.record(node)
            assert record is not None
            version = record.version
            self._settle(node, Outcome.FRESH, finding.reasons, version=version, seconds=seconds, audit=audit)

    def _refuse(self, node: Node, finding: Finding, seconds: float, audit: Audit) -> None:
        self._settle(node, Outcome.FAILED, finding.reasons, seconds=seconds, error=audit.refusal, audit=audit)
        if self._work.limits.fail_fast:
            self._stop()

    # -- commits -----------------------------------------------------------------------------------------
    def _on_committed(self, group: Sequence[Materialized]) -> None:
        for one in group:
            node = one.node
            finding, seconds = self._committing.pop(node)
            self._work.claims.ended(node)
            if one.audit.refusal is not None:
                self._refuse(node, finding, seconds, one.audit)
                continue
            outcome = Outcome.BUILT if one.made else Outcome.REUSED
            version: Version | None = one.materialization.version
            if one.failure is not None:  # the other slices are published; what reads all of them can't go on
                self._work.failed(node, AttemptFailed(one.failure), 1, "")
                outcome, version = Outcome.FAILED, None
            self._settle(
                node,
                outcome,
                finding.reasons,
                version=version,
                seconds=seconds,
                changed=one.changed,
                error=one.failure,
                audit=one.audit,
                slices=one.slices,
            )

    def _on_lost(self, group: Sequence[Materialized]) -> None:
        for one in group:
            node = one.node
            finding, seconds = self._committing.pop(node)
            self._work.claims.ended(node)
            if self._stopping:
                self._settle(node, Outcome.CANCELLED, finding.reasons, seconds=seconds)
            elif self._work.claims.lost(node) >= GIVE_UP_AFTER:
                error = (
                    f"what it reads was changed {GIVE_UP_AFTER} times while it was made; what was made is kept for"
                    " reuse. Build again when others are done."
                )
                self._settle(node, Outcome.FAILED, finding.reasons, seconds=seconds, error=error)
            else:
                self._decide_again(node, Attempt(finding, spent=seconds))

    def _on_commit_failed(self, group: Sequence[Materialized], error: Exception) -> None:
        if isinstance(error, BusyError):
            self._error = error
        for one in group:
            node = one.node
            finding, seconds = self._committing.pop(node)
            self._settle(node, Outcome.FAILED, finding.reasons, seconds=seconds, error=str(error))

    def _break(self, found: Finding, seconds: float = 0.0) -> None:
        node, error = found.node, "\n\n".join(map(str, found.diagnoses))
        self._settle(
            node, Outcome.BROKEN, found.reasons, seconds=seconds, error=error, diagnoses=found.diagnoses
        )

    def _settle(
        self,
        node: Node,
        outcome: Outcome,
        reasons: Reasons,
        *,
        version: Version | None = None,
        seconds: float = 0.0,
        changed: bool = False,
        error: str | None = None,
        diagnoses: tuple[Diagnosis, ...] = (),
        audit: Audit = _NO_AUDIT,
        slices: SliceCounts | None = None,
    ) -> None:
        """The node has its outcome: emit it, and let go on what waits for nothing else."""
        rows = version.rows if version else None
        size = version.bytes if version else None
        result = AssetResult(
            node.asset,
            outcome,
            changed,
            reasons,
            rows,
            size,
            seconds,
            error,
            node.partition,
            diagnoses,
            audit.results,
            slices,
        )
        for one in audit.warnings:
            text = f"check {one.check} {one.outcome.value}: {one.detail}"
            self._work.emit(AssetOutput(self._clock.now(), node.asset, 1, "check", text, node.partition))
        self._results[node] = result
        if self._work.claims.mine(node):
            self._work.claims.give_back([node])
        if version is not None:
            ahead = (self._upstreams.get(up) for up in self._work.graph.upstreams(node))
            tolerated = any(isinstance(now, Settled) and now.fallback for now in ahead)
            self._upstreams[node] = Settled(version, tolerated)
        elif outcome is Outcome.FAILED and (instead := self._fallback(node)) is not None:
            self._upstreams[node] = instead
        else:
            state = {Outcome.FAILED: State.FAILED, Outcome.BROKEN: State.BROKEN}.get(outcome, State.BLOCKED)
            self._upstreams[node] = Unsettled(state, stuck=outcome is Outcome.BROKEN)
        self._work.emit(AssetFinished(self._clock.now(), result))
        for reader in self._work.graph.downstreams(node):
            if reader in self._open and reader not in self._work.broken:
                self._open[reader] -= 1
                if self._open[reader] == 0:
                    self._make_ready(reader)
