"""From verdicts to steps: what a build would do with each asset. Makes nothing; asks, decides, returns
values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node, PartitionKey
from upriver.assets.model import Key, Value
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
    """What is to be done with one asset. *reuse* is an earlier materialization that equals what a build would
    make.

    *state* is what to show: failed, blocked and broken cover stale. *diagnoses* say what is wrong with a broken one.
    """

    asset: Key
    action: Action
    state: State
    reasons: Reasons
    reuse: Materialization | None = None
    version: Version | None = None
    """The asset's content now, or after a reuse; None when it must or may be built."""
    diagnoses: tuple[Diagnosis, ...] = ()
    partition: PartitionKey | None = None

    @property
    def node(self) -> Node:
        """The node that was decided."""
        return Node(self.asset, self.partition)


def broken(key: Key, kind: Cause, diagnoses: tuple[Diagnosis, ...]) -> Finding:
    """What is found of a declaration, or of a query, that can't be used."""
    reason = Reason(kind, key, detail="\n\n".join(map(str, diagnoses)))
    return Finding(key, Action.BROKEN, State.BROKEN, (reason,), diagnoses=diagnoses)


class Decider:
    """Decides assets one by one, each after its upstreams.

    *source* tells a source's content now; *candidates* earlier materializations of an asset with a recipe,
    newest first, at most so many, all if negative; *artifact_there* whether a materialization's artifact is in
    the store. *broken* are the declarations and queries that can't be used, and why. *gate* tells how checks stand on a
    content; None where there are none.
    """

    def __init__(
        self,
        subjects: Mapping[Key, Subject],
        records: Mapping[Node, Materialization],
        source: Callable[[Key], Upstream],
        candidates: Callable[[Node, str, int], Sequence[Materialization]],
        artifact_there: Callable[[Materialization], bool],
        contents: Contents,
        *,
        failures: Mapping[Node, Failure],
        broken: Mapping[Key, tuple[Diagnosis, ...]],
        today: str,
        forced: Collection[Key] = (),
        gate: Guards | None = None,
    ) -> None:
        self._subjects = subjects
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
            self._forced -= {node.asset}

    def survey(self, order: Iterable[Key]) -> dict[Key, Finding]:
        """Decide all assets of *order*, which is topological and complete (an asset's upstream assets are in
        it).
        """
        found: dict[Key, Finding] = {}
        for key in order:
            if key in self._subjects or key in self._broken:
                found[key] = self.consider(key, _Upstreams(found, self._source))
        return found

    def consider(self, key: Key, upstreams: Mapping[Key, Upstream]) -> Finding:
        """Decide one asset. *upstreams* is only asked for what the decision needs."""
        if (diagnoses := self._broken.get(key)) is not None:
            return broken(key, Cause.UNBOUND if key in self._subjects else Cause.BROKEN, diagnoses)
        subject = self._subjects[key]
        record = self.record(subject.node)
        verdict = decide(
            subject,
            record,
            upstreams,
            self._contents,
            today=self._today,
            artifact_there=record is None or self._artifact_there(record),
        )
        failure = self._failures.get(subject.node)
        if verdict.state is State.MISSING and failure is not None and failure.distrusted:
            verdict = Verdict(State.MISSING, (Reason(Cause.MISSING, key, detail=failure.error),))
        blockers = () if verdict.state is State.FRESH else _blockers(subject, upstreams)
        named = {reason.asset for reason in verdict.reasons}
        reasons = (*verdict.reasons, *(reason for reason in blockers if reason.asset not in named))
        stuck = any(isinstance(one := upstreams[r.asset], Unsettled) and one.stuck for r in blockers)
        if key in self._forced:
            action, state = (Action.BLOCKED, State.BLOCKED) if stuck else (Action.BUILD, State.STALE)
            return Finding(key, action, state, (Reason(Cause.FORCED, key, detail="asked for"), *reasons))
        match verdict.state:
            case State.FRESH:
                assert record is not None
                return self._checked(key, record.version, upstreams)
            case State.PENDING:
                action = Action.MAYBE
            case _:
                if (earlier := self._reusable(subject, upstreams)) is not None:
                    found = self._checked(key, earlier.version, upstreams)
                    if found.action is Action.BROKEN:
                        return found
                    reasons = (*found.reasons, *verdict.reasons)
                    state = verdict.state if found.version is not None else found.state
                    return Finding(key, Action.REUSE, state, reasons, earlier, found.version)
                may_reuse = self._waits_for_reuse(subject, upstreams)
                action = Action.MAYBE if may_reuse else Action.BUILD
        # Layered over freshness: the last attempt, as long as the same recipe stands; then what is in the way.
        if stuck:
            return Finding(key, Action.BLOCKED, State.BLOCKED, reasons)
        if failure is not None and failure.recipe == subject.recipe and not failure.distrusted:
            return Finding(key, action, State.FAILED, reasons)
        return Finding(key, action, State.BLOCKED if blockers else verdict.state, reasons)

    def _checked(self, key: Key, version: Version, upstreams: Mapping[Key, Upstream]) -> Finding:
        """What is found of a content that is as it should be, after its checks: whether it may be served."""
        fresh = Finding(key, Action.FRESH, State.FRESH, (), version=version)
        if self._gate is None:
            return fresh
        if (problem := self._gate.broken_contract(key, version.schema)) is not None:
            return broken(key, Cause.UNBOUND, (problem,))
        if not self._gate.guards(key):
            return fresh

        def there(other: Key) -> Version | None:
            now = upstreams[other]
            return now.version if isinstance(now, Settled) else None

        standing = self._gate.standing(key, version, there)
        if standing.open:
            return fresh
        reasons = list(standing.reasons)
        stuck = False
        for other in standing.waits:
            now = upstreams[other]
            assert isinstance(now, Unsettled)
            stuck |= now.stuck
            reasons.append(Reason(Cause.UPSTREAM, other, detail=now.state.value))
        state = State.FAILED if standing.failing else State.BLOCKED if stuck else State.PENDING
        return Finding(key, Action.CHECK, state, tuple(reasons))

    def _reusable(self, subject: Subject, upstreams: Mapping[Key, Upstream]) -> Materialization | None:
        """An earlier materialization that a build would only repeat (a constructive trace)."""
        for earlier in self._candidates(subject.node, subject.recipe, -1):
            if any(value == EACH_BUILD for _, value in earlier.trace.environment):
                continue
            if self._artifact_there(earlier) and verifies(
                subject, earlier.trace, upstreams, self._contents, today=self._today
            ):
                return earlier
        return None

    def _waits_for_reuse(self, subject: Subject, upstreams: Mapping[Key, Upstream]) -> bool:
        """Whether an earlier materialization may yet turn out to be what is wanted, once the upstreams are settled."""
        return any(isinstance(upstreams[key], Unsettled) for key in subject.upstreams) and bool(
            self._candidates(subject.node, subject.recipe, 1)
        )


def _blockers(subject: Subject, upstreams: Mapping[Key, Upstream]) -> Reasons:
    """The upstreams that failed, are broken or are blocked: nothing of *subject* can run before they are mended."""
    found = []
    for key in subject.upstreams:
        match upstreams[key]:
            case Unsettled((State.FAILED | State.BLOCKED | State.BROKEN) as state):
                found.append(Reason(Cause.UPSTREAM, key, detail=state.value))
            case _:
                pass
    return tuple(found)


class _Upstreams(Mapping[Key, Upstream]):
    """Upstreams as the findings so far tell; sources are looked at only when asked for."""

    def __init__(self, found: Mapping[Key, Finding], source: Callable[[Key], Upstream]) -> None:
        self._found = found
        self._source = source

    def __getitem__(self, key: Key) -> Upstream:
        finding = self._found.get(key)
        return self._source(key) if finding is None else upstream_of(finding)

    def __iter__(self) -> Iterable[Key]:  # type: ignore[override]
        raise TypeError("upstreams are asked for by key")

    def __len__(self) -> int:
        raise TypeError("upstreams are asked for by key")


def upstream_of(finding: Finding) -> Upstream:
    """What an asset is to those that read it, before anything is built."""
    if finding.version is not None:
        return Settled(finding.version)
    return Unsettled(finding.state, finding.action in (Action.BROKEN, Action.BLOCKED))
