"""Decider: finds what a build would do with each node. Makes nothing; asks, decides, returns values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node
from upriver.assets.model import Key, Value
from upriver.materializer.freshness.approval import inputs_of, waits
from upriver.materializer.freshness.decide import (
    EACH_BUILD,
    Contents,
    Settled,
    Subject,
    Unsettled,
    Upstream,
    Verdict,
    decide,
    verifies,
)
from upriver.materializer.freshness.fallback import own_reason, reasons_of_readers, stand_in
from upriver.materializer.model import (
    Action,
    Cause,
    Failure,
    Materialization,
    Reason,
    Reasons,
    State,
    Version,
)
from upriver.materializer.quality.standing import Guards


class Finding(Value, frozen=True):
    """What is to be done with one node. *reuse* is an earlier materialization that equals what a build would make.

    *state* is what to show: failed, blocked and broken cover stale. *diagnoses* say what is wrong with a broken one.
    """

    node: Node
    action: Action
    state: State
    reasons: Reasons
    reuse: Materialization | None = None
    version: Version | None = None
    """The node's content now, or after a reuse; None when it must or may be built."""
    diagnoses: tuple[Diagnosis, ...] = ()
    fallback: Settled | None = None
    """What readers get of one that failed."""

    @property
    def asset(self) -> Key:
        """The key of the asset that was decided."""
        return self.node.asset


def broken(node: Node, kind: Cause, diagnoses: tuple[Diagnosis, ...]) -> Finding:
    """What is found of a declaration, or of a query, that can't be used."""
    reason = Reason(kind, node.asset, detail="\n\n".join(map(str, diagnoses)))
    return Finding(node, Action.BROKEN, State.BROKEN, (reason,), diagnoses=diagnoses)


class Decider:
    """Decides nodes one by one, each after its upstreams.

    *source* tells a source's content now; *candidates* earlier materializations of an asset with a recipe,
    newest first, at most so many, all if negative; *artifact_there* whether a materialization's artifact is in
    the store. *broken* are the declarations and queries that can't be used, and why. *gate* tells how checks stand on a
    content; None where there are none. *approved* are nodes with digests of
    inputs that a person has approved.
    """

    def __init__(
        self,
        subjects: Mapping[Node, Subject],
        records: Mapping[Node, Materialization],
        source: Callable[[Key], Upstream],
        candidates: Callable[[Node, str, int], Sequence[Materialization]],
        artifact_there: Callable[[Materialization], bool],
        contents: Contents,
        *,
        failures: Mapping[Node, Failure],
        broken: Mapping[Key, tuple[Diagnosis, ...]],
        today: str,
        forced: Collection[Node] = (),
        gate: Guards | None = None,
        approved: Container[tuple[Node, str]] = frozenset(),
    ) -> None:
        self._subjects = dict(subjects)
        self._records = records
        self._source = source
        self._candidates = candidates
        self._artifact_there = artifact_there
        self._contents = contents
        self._failures = failures
        self._broken = broken
        self._today = today
        self._forced = frozenset(forced)
        self._gate = gate
        self._approved = approved
        lenient = any(subject.fallback is not None for subject in subjects.values())
        self._lenient = frozenset(subjects) if lenient else frozenset[Node]()
        self._newer: dict[Node, Materialization | None] = {}

    def record(self, node: Node) -> Materialization | None:
        """What *node* points at, as far as it is known here."""
        return self._newer[node] if node in self._newer else self._records.get(node)

    def renew(self, nodes: Iterable[Node], current: Mapping[Node, Materialization]) -> None:
        """Take it that *nodes* point at *current* now, because another build has gone on meanwhile.

        What was to be built whatever it is (forced) is decided as usual then: another build has just done so.
        """
        for node in nodes:
            self._newer[node] = current.get(node)
            self._forced -= {node}

    def look_again(self, subject: Subject) -> None:
        """Take it that a node is as *subject* says now."""
        self._subjects[subject.node] = subject

    def survey(self, order: Iterable[Node]) -> dict[Node, Finding]:
        """Decide all nodes of *order*, which is topological and complete (what is upstream of a node is in it)."""
        found: dict[Node, Finding] = {}
        for node in order:
            if node in self._subjects or node.asset in self._broken:
                found[node] = self.consider(node, _Upstreams(found, self._source))
        return found

    def consider(self, node: Node, upstreams: Mapping[Node, Upstream]) -> Finding:
        """Decide one node. *upstreams* is only asked for what the decision needs."""
        found = self._considered(node, upstreams)
        subject = self._subjects.get(node)
        if subject is None:
            return found
        if subject.approval and found.action in (Action.BUILD, Action.MAYBE, Action.REUSE):
            inputs = inputs_of(subject, upstreams)
            if (reason := waits(subject, inputs, self._approved)) is not None:
                return Finding(node, Action.BLOCKED, State.BLOCKED, (reason, *found.reasons))
        if not self._lenient:
            return found
        if found.state is State.FAILED and (instead := self.fallback(node, upstreams)) is not None:
            reasons = (own_reason(subject), *found.reasons)
            return msgspec.structs.replace(found, state=State.STALE, reasons=reasons, fallback=instead)
        if found.version is not None and (read := reasons_of_readers(subject, upstreams, self._lenient)):
            return msgspec.structs.replace(found, state=State.STALE, reasons=(*read, *found.reasons))
        return found

    def fallback(self, node: Node, upstreams: Mapping[Node, Upstream]) -> Settled | None:
        """What readers of *node* get when it has failed."""
        subject = self._subjects.get(node)
        if subject is None:
            return None
        return stand_in(subject, self.record(node), upstreams, self._artifact_there)

    def _considered(self, node: Node, upstreams: Mapping[Node, Upstream]) -> Finding:
        if (diagnoses := self._broken.get(node.asset)) is not None:
            return broken(node, Cause.UNBOUND if node in self._subjects else Cause.BROKEN, diagnoses)
        subject = self._subjects[node]
        record = self.record(node)
        verdict = decide(
            subject,
            record,
            upstreams,
            self._contents,
            today=self._today,
            artifact_there=record is None or self._artifact_there(record),
        )
        failure = self._failures.get(node)
        if verdict.state is State.MISSING and failure is not None and failure.distrusted:
            verdict = Verdict(State.MISSING, (Reason(Cause.MISSING, node.asset, detail=failure.error),))
        blockers = {} if verdict.state is State.FRESH else _blockers(subject, upstreams)
        named = {reason.asset for reason in verdict.reasons}
        told = (Reason(Cause.UPSTREAM, up.asset, detail=one.state.value) for up, one in blockers.items())
        reasons = (*verdict.reasons, *(reason for reason in told if reason.asset not in named))
        stuck = any(one.stuck for one in blockers.values())
        if node in self._forced:
            action, state = (Action.BLOCKED, State.BLOCKED) if stuck else (Action.BUILD, State.STALE)
            return Finding(
                node, action, state, (Reason(Cause.FORCED, node.asset, detail="asked for"), *reasons)
            )
        match verdict.state:
            case State.FRESH:
                assert record is not None
                return self._checked(node, record.version, upstreams)
            case State.PENDING:
                action = Action.MAYBE
            case _:
                if (earlier := self._reusable(subject, upstreams)) is not None:
                    found = self._checked(node, earlier.version, upstreams)
                    if found.action is Action.BROKEN:
                        return found
                    reasons = (*found.reasons, *verdict.reasons)
                    state = verdict.state if found.version is not None else found.state
                    return Finding(node, Action.REUSE, state, reasons, earlier, found.version)
                may_reuse = self._waits_for_reuse(subject, upstreams)
                action = Action.MAYBE if may_reuse else Action.BUILD
        # Layered over freshness: the last attempt, as long as the same recipe stands; then what is in the way.
        if stuck:
            return Finding(node, Action.BLOCKED, State.BLOCKED, reasons)
        if failure is not None and failure.recipe == subject.recipe and not failure.distrusted:
            return Finding(node, action, State.FAILED, reasons)
        return Finding(node, action, State.BLOCKED if blockers else verdict.state, reasons)

    def _checked(self, node: Node, version: Version, upstreams: Mapping[Node, Upstream]) -> Finding:
        """What is found of a content that is as it should be, after its checks: whether it may be served."""
        key, fresh = node.asset, Finding(node, Action.FRESH, State.FRESH, (), version=version)
        if self._gate is None:
            return fresh
        if (problem := self._gate.broken_contract(key, version.schema)) is not None:
            return broken(node, Cause.UNBOUND, (problem,))
        if not self._gate.guards(key):
            return fresh

        def there(other: Key) -> Version | None:
            now = upstreams[Node(other)]
            return now.version if isinstance(now, Settled) else None

        standing = self._gate.standing(key, version, there)
        if standing.open:
            return fresh
        reasons = list(standing.reasons)
        stuck = False
        for other in standing.waits:
            now = upstreams[Node(other)]
            assert isinstance(now, Unsettled)
            stuck |= now.stuck
            reasons.append(Reason(Cause.UPSTREAM, other, detail=now.state.value))
        state = State.FAILED if standing.failing else State.BLOCKED if stuck else State.PENDING
        return Finding(node, Action.CHECK, state, tuple(reasons))

    def _reusable(self, subject: Subject, upstreams: Mapping[Node, Upstream]) -> Materialization | None:
        """An earlier materialization that a build would only repeat (a constructive trace)."""
        for earlier in self._candidates(subject.node, subject.recipe, -1):
            if any(value == EACH_BUILD for _, value in earlier.trace.environment):
                continue
            if self._artifact_there(earlier) and verifies(
                subject, earlier.trace, upstreams, self._contents, today=self._today
            ):
                return earlier
        return None

    def _waits_for_reuse(self, subject: Subject, upstreams: Mapping[Node, Upstream]) -> bool:
        """Whether an earlier materialization may yet turn out to be what is wanted, once the upstreams are settled."""
        return any(isinstance(upstreams[up], Unsettled) for up in subject.upstreams) and bool(
            self._candidates(subject.node, subject.recipe, 1)
        )


def _blockers(subject: Subject, upstreams: Mapping[Node, Upstream]) -> dict[Node, Unsettled]:
    """The upstreams that failed, are broken or are blocked: nothing of *subject* can run before they are mended."""
    found: dict[Node, Unsettled] = {}
    for node in subject.upstreams:
        match upstreams[node]:
            case Unsettled(State.FAILED | State.BLOCKED | State.BROKEN) as now:
                found[node] = now
            case _:
                pass
    return found


class _Upstreams(Mapping[Node, Upstream]):
    """Upstreams as the findings so far tell; sources are looked at only when asked for."""

    def __init__(self, found: Mapping[Node, Finding], source: Callable[[Key], Upstream]) -> None:
        self._found = found
        self._source = source

    def __getitem__(self, node: Node) -> Upstream:
        finding = self._found.get(node)
        return self._source(node.asset) if finding is None else upstream_of(finding)

    def __iter__(self) -> Iterable[Node]:  # type: ignore[override]
        raise TypeError("upstreams are asked for by node")

    def __len__(self) -> int:
        raise TypeError("upstreams are asked for by node")


def upstream_of(finding: Finding) -> Upstream:
    """What an asset is to those that read it, before anything is built."""
    if finding.version is not None:
        fallback = any(reason.kind is Cause.FALLBACK for reason in finding.reasons)
        return Settled(finding.version, fallback)
    if finding.fallback is not None:
        return finding.fallback
    return Unsettled(finding.state, finding.action in (Action.BROKEN, Action.BLOCKED))
