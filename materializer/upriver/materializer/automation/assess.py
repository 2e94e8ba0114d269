"""Assessment: looks at what goals stand on, remembers what was observed when, and evaluates each of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.lineage.project.project import Project
from upriver.materializer.automation.currency import current_at, restless
from upriver.materializer.automation.declared import Goals, goals_of, machine_zone
from upriver.materializer.automation.evaluate import evaluate, observe_every
from upriver.materializer.automation.model import (
    DeclaredGoal,
    GoalCause,
    GoalState,
    GoalStatus,
    Known,
    Verdict,
)
from upriver.materializer.automation.ticks import Ticks
from upriver.materializer.context import Context
from upriver.materializer.execution.retrying import is_transient
from upriver.materializer.freshness.approval import digest_of_inputs
from upriver.materializer.freshness.survey import Survey, survey
from upriver.materializer.model import Cause, Failure, State
from upriver.materializer.ports import Pause
from upriver.materializer.sources.systems.looking import Asking

CIRCUIT = 5
"""Failures of one cause after which an asset waits for other code or other inputs."""


@dataclass(frozen=True)
class Assessment:
    """All goals at the moment *at*. *wanted* are the assets to build, by asset with the moment by which.

    *edited* are the stale assets whose own code has changed. *wakes* is when anything may be another by time alone.
    """

    at: float
    statuses: tuple[GoalStatus, ...]
    wanted: Mapping[Key, float]
    edited: frozenset[Key]
    wakes: float | None
    diagnoses: tuple[Diagnosis, ...]
    remaining: Mapping[Key, tuple[float, float]]
    identities: Mapping[Key, str]
    """What an attempt at each wanted asset would run on: its code, and what it reads. A failure is of one of these."""
    tripped: frozenset[Key] = frozenset()
    """The wanted assets that failed so often for one cause that they wait for other code or other inputs."""
    held: frozenset[Key] = frozenset()
    """The wanted assets that wait for a person: what one edit made stale is more than may be built without asking."""
    seen: Survey | None = None
    """What was looked at; None when nothing was."""


def assess(
    context: Context,
    running: Mapping[Key, float],
    *,
    among: Collection[Key] | None = None,
    ticks: Ticks | None = None,
    whole: bool = False,
) -> Assessment:
    """Evaluate the goals of the project as last derived; with *among*, of these assets only.

    *running* are the assets that are built now, with the start of each. With *whole*, assets without goals are looked
    at as well. Raises DeclarationError when the project as a
    whole can't be used.
    """
    project = context.project(refresh=False)
    declared = goals_of(project, machine_zone())
    goals = [one for one in declared.goals if among is None or one.asset in among]
    now = context.clock.now()
    if not goals and not whole:
        return Assessment(now, (), {}, frozenset(), None, declared.diagnoses, {}, {})
    keys = {one.asset for one in goals}
    asked = (project.graph.order if among is None else among) if whole else keys
    seen = survey(context, among=project.graph.ancestors(asked), asking=Asking.WATCHING)
    state = context.state
    remembered = state.observations(context.environment)
    looked = {
        key: record.version.id
        for key in project.graph.sort(project.graph.ancestors(asked))
        if key in project.sources
        and key not in seen.views.problems
        and (record := seen.views.sources.looked(key)) is not None
    }
    current = current_at(seen.findings, seen.records, looked, remembered, now)
    if state.kept:
        news = _news(current, remembered, keys, declared)
        state.remember_observations("", {what: at for what, at in news.items() if what[0] in project.sources})
        state.remember_observations(
            context.environment, {what: at for what, at in news.items() if what[0] not in project.sources}
        )
    pauses = state.pauses(context.environment)
    view = _View(context, seen, project, running, now)
    return view.assessment(goals, declared, current, pauses, ticks or Ticks())


def _news(
    current: Mapping[tuple[Key, str], float],
    remembered: Mapping[tuple[Key, str], float],
    keys: Collection[Key],
    declared: Goals,
) -> dict[tuple[Key, str], float]:
    """What is worth writing down: all of assets with goals, and of what they read when it is a while since."""
    spans = [every for one in declared.goals if (every := observe_every(one.goal)) is not None]
    grain = min(spans, default=60.0) / 4
    return {
        what: at
        for what, at in current.items()
        if (before := remembered.get(what)) is None
        or (what[0] in keys and at != before)
        or abs(at - before) >= grain
    }


class _View:
    """What is known of each asset, from one survey."""

    def __init__(
        self,
        context: Context,
        seen: Survey,
        project: Project,
        running: Mapping[Key, float],
        now: float,
    ) -> None:
        self._seen = seen
        self._project = project
        self._running = running
        self._findings = seen.by_asset
        self.edited = frozenset(
            node.asset
            for node, finding in seen.findings.items()
            if any(reason.kind is Cause.RECIPE for reason in finding.reasons)
        )
        many = self.edited if len(self.edited) > project.config.watch.at_most else frozenset[Key]()
        self._held = project.graph.descendants(many) if many else frozenset[Key]()
        self._now = now
        self._upstreams = {key: project.graph.upstreams(key) for key in self._findings}
        self.tripped = frozenset(
            node.asset for node, failure in seen.failures.items() if self._trips(node, failure)
        )
        self._restless = restless(seen.findings)
        took = context.state.duration_ranges(context.environment)
        self._took = {node.asset: span for node, span in took.items() if node.partition is None}
        self._remaining: dict[Key, tuple[float, float] | None] = {}
        self._unobserved: dict[Key, frozenset[Key]] = {}
        for key in self._findings:  # topological
            self._add(key)

    def _add(self, key: Key) -> None:
        fresh = self._findings[key].state is State.FRESH
        longest: tuple[float, float] | None = (0.0, 0.0)
        lost = frozenset[Key]()
        for up in self._upstreams[key]:
            if up in self._project.sources:
                lost |= {up} if up in self._seen.views.problems else frozenset()
                continue
            lost |= self._unobserved.get(up, frozenset())
            before = self._remaining.get(up, (0.0, 0.0))
            longest = (max(longest[0], before[0]), max(longest[1], before[1])) if longest and before else None
        self._unobserved[key] = lost
        if fresh:
            self._remaining[key] = (0.0, 0.0)
            return
        own = self._took.get(key)
        if own is None or longest is None:
            self._remaining[key] = None
            return
        done = max(0.0, self._now - self._running[key]) if key in self._running else 0.0
        self._remaining[key] = (max(0.0, own[0] - done) + longest[0], max(0.0, own[1] - done) + longest[1])

    def _trips(self, node: Node, failure: Failure) -> bool:
        """Whether a failure came often enough, of the code and inputs of now, and does not pass by itself."""
        if (
            failure.times < CIRCUIT
            or node not in self._seen.findings
            or node.asset not in self._project.assets
        ):
            return False
        execution = self._project.assets[node.asset].execution
        if failure.recipe != self._project.fingerprints[node.asset] or is_transient(execution, failure.error):
            return False
        versions: dict[Node, str] = {}
        for up in self._project.graph.nodes.upstreams(node):
            finding = self._seen.findings.get(up)
            known = self._seen.views.sources.known(up.asset) if up.asset in self._project.sources else None
            version = finding.version if finding is not None else known.version if known is not None else None
            if version is None:
                return False
            versions[up] = version.id
        return digest_of_inputs(versions) == failure.inputs

    def known(self, key: Key, current: Mapping[tuple[Key, str], float]) -> Known:
        finding = self._findings.get(key)
        record = self._seen.records.get(Node(key))
        at = None if record is None else current.get((key, record.version.id))
        if finding is None:
            return Known(at, cause=GoalCause.BROKEN)
        cause, waiting = self._cause(key)
        fresh = finding.state is State.FRESH
        return Known(
            at, fresh, key in self._restless, self._remaining.get(key), None if fresh else cause, waiting
        )

    def _cause(self, key: Key) -> tuple[GoalCause | None, tuple[Key, ...]]:
        finding = self._findings[key]
        if finding.state is State.FRESH:
            return None, ()
        if key in self._running:
            return GoalCause.RUNNING, ()
        if finding.state is State.BROKEN:
            return GoalCause.BROKEN, ()
        if any(reason.kind is Cause.APPROVAL for reason in finding.reasons):
            return GoalCause.APPROVAL, (key,)
        if lost := self._unobserved.get(key):
            return GoalCause.UNOBSERVED, tuple(sorted(lost))
        if key in self.tripped:
            return GoalCause.TRIPPED, ()
        if finding.state is State.FAILED or finding.fallback is not None:
            return GoalCause.FAILED, ()
        waiting = tuple(
            up
            for up in self._upstreams[key]
            if up in self._findings and self._findings[up].state is not State.FRESH
        )
        if key in self._held:
            return GoalCause.HELD, waiting
        return (GoalCause.WAITING, waiting) if waiting else (None, ())

    def assessment(
        self,
        goals: list[DeclaredGoal],
        declared: Goals,
        current: Mapping[tuple[Key, str], float],
        pauses: Mapping[Key, Pause],
        ticks: Ticks,
    ) -> Assessment:
        known = {key: self.known(key, current) for key in {one.asset for one in goals}}
        statuses, wanted, wakes = [], dict[Key, float](), list[float]()
        for one in goals:
            facts = known[one.asset]
            verdict = evaluate(one.goal, facts, self._now, ticks)
            pause = pauses.get(one.asset)
            paused = pause is not None and (pause.until is None or pause.until > self._now)
            statuses.append(_status(one, facts, verdict, self._now, pause if paused else None))
            if verdict.wanted and not paused and facts.cause is not GoalCause.BROKEN:
                wanted[one.asset] = min(wanted.get(one.asset, float("inf")), verdict.due or self._now)
            look = observe_every(one.goal)
            wakes += [
                at
                for at in (verdict.wakes, pause.until if pause else None)
                if at is not None and at > self._now
            ]
            wakes += [self._now + look] if look is not None else []
        remaining = {key: span for key, span in self._remaining.items() if span is not None}
        identities = {key: self._identity(key) for key in wanted}
        return Assessment(
            at=self._now,
            statuses=tuple(statuses),
            wanted=wanted,
            edited=self.edited,
            wakes=min(wakes, default=None),
            diagnoses=declared.diagnoses,
            remaining=remaining,
            identities=identities,
            tripped=self.tripped & wanted.keys(),
            held=self._held & wanted.keys(),
            seen=self._seen,
        )

    def _identity(self, key: Key) -> str:
        """A text that is another when the code or an input of *key*, or of what it waits for, is."""
        parts = []
        for one in sorted(self._project.graph.ancestors([key])):
            if one in self._project.sources:
                record = self._seen.views.sources.known(one)
                parts.append(f"{one}={record.version.id if record else ''}")
            else:
                parts.append(f"{one}={self._project.fingerprints.get(one, '')}")
        return ";".join(parts)


def _status(one: DeclaredGoal, known: Known, verdict: Verdict, now: float, pause: Pause | None) -> GoalStatus:
    done = verdict.state is GoalState.ON_TIME and not verdict.wanted
    eta = None
    if not done and known.remaining is not None and not known.fresh and known.cause not in _STUCK:
        eta = (now + known.remaining[0], now + known.remaining[1])
    cause = known.cause if not done or known.cause is GoalCause.UNOBSERVED else None
    if pause is not None:
        cause = GoalCause.PAUSED
    return GoalStatus(
        one.id,
        one.asset,
        one.kind,
        one.spec,
        verdict.state,
        verdict.due,
        eta,
        verdict.lag,
        cause,
        () if done else known.waiting_for,
        verdict.missed,
        None if pause is None else pause.until,
    )


_STUCK = frozenset(
    {
        GoalCause.FAILED,
        GoalCause.TRIPPED,
        GoalCause.APPROVAL,
        GoalCause.BROKEN,
        GoalCause.UNOBSERVED,
        GoalCause.HELD,
        GoalCause.PAUSED,
    }
)
"""Causes for which no end can be estimated."""
