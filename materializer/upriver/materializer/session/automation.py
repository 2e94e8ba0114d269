"""Operations on goals: how they stand, pausing them, and the loop that keeps them."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from upriver.assets.errors import DeclarationError, UsageError
from upriver.assets.model import Key
from upriver.lineage.project.project import Project
from upriver.materializer.answers import BuildResult, NotShownError
from upriver.materializer.context import Context
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.model import Outcome
from upriver.materializer.operations import ProjectApi
from upriver.materializer.runs.history import Past

if TYPE_CHECKING:
    from upriver.materializer.automation.assess import Assessment
    from upriver.materializer.automation.model import ApprovalStatus, GoalReport, WatchEvent
    from upriver.materializer.automation.ticks import Ticks
    from upriver.materializer.automation.watch import Watch
    from upriver.materializer.ports import Incident, Message, Transition


class Goalkeeping(ProjectApi):
    """The part of a session that keeps goals. The session gives the context, and takes turns."""

    context: Context
    _past: Past
    _reading: threading.RLock

    @abstractmethod
    def _select(self, project: Project, texts: Sequence[str]) -> frozenset[Key]: ...

    def goals(self, select: Sequence[str] = ()) -> GoalReport:
        from upriver.materializer.automation.assess import assess
        from upriver.materializer.automation.model import GoalReport

        with self._reading:
            project = self.context.project()
            chosen = self._select(project, select) if select else None
            seen = assess(self.context, self._past.running_now(), among=chosen)
            return GoalReport(seen.statuses, seen.diagnoses)

    def incidents(self, *, everything: bool = False) -> tuple[Incident, ...]:
        with self._reading:
            self.context.project()
            look(self.context, self._past.running_now())
            return tuple(self.context.state.incidents(self.environment, open=not everything))

    def acknowledge(self, incident: str, note: str = "") -> Incident:
        from upriver.materializer.automation.incidents.transitions import acknowledged, named
        from upriver.materializer.ports import Transition

        with self._reading:
            state, now = self.context.state, self.context.clock.now()
            while True:
                before = named(state.incidents(self.environment), incident)
                after = acknowledged(before, note, now)
                if state.record_transitions([Transition(before, after)]):
                    return after

    def approvals(self, select: Sequence[str] = ()) -> tuple[ApprovalStatus, ...]:
        from upriver.materializer.automation.approvals import statuses

        with self._reading:
            project = self.context.project()
            return statuses(self.context, self._select(project, select) if select else project.assets)

    def approve(self, key: Key, *, by: str, note: str = "") -> ApprovalStatus:
        from upriver.materializer.automation.approvals import approve

        with self._reading:
            self.context.project()
            return approve(self.context, key, by, note)

    def pause_goals(
        self, select: Sequence[str], *, until: float | None = None, resume: bool = False
    ) -> tuple[Key, ...]:
        from upriver.materializer.ports import Pause

        with self._reading:
            if resume:
                return self._resume(select)
            keys = self._with_goals(select)
            if not keys:
                raise UsageError("nothing that is selected has a goal; `upriver goals` lists them")
            now = self.context.clock.now()
            self.context.state.set_pauses(self.environment, {key: Pause(now, until) for key in keys})
            return keys

    def _resume(self, select: Sequence[str]) -> tuple[Key, ...]:
        chosen = self._select(self.context.project(), select)
        paused = tuple(sorted(self.context.state.pauses(self.environment).keys() & chosen))
        self.context.state.set_pauses(self.environment, dict.fromkeys(paused))
        return paused

    def _with_goals(self, select: Sequence[str]) -> tuple[Key, ...]:
        from upriver.materializer.automation.declared import goals_of, machine_zone

        project = self.context.project()
        return tuple(sorted(goals_of(project, machine_zone()).keys & self._select(project, select)))


def look(context: Context, running: Mapping[Key, float], among: Collection[Key] | None = None) -> None:
    """Look at the assets *among* and what they read (None: all), and record which incidents open and recover."""
    from upriver.materializer.automation.assess import assess
    from upriver.materializer.automation.incidents.causes import of_error
    from upriver.materializer.automation.incidents.notice import notice

    try:
        found = assess(context, running, among=among, whole=True)
    except DeclarationError as error:
        notice(context, of_error(str(error), context.clock.now()), None, _outgoing(context))
        return
    graph = context.project(refresh=False).graph
    _noticed(context, found, {}, None if among is None else graph.ancestors(among))


def note_incidents(context: Context, result: BuildResult, chosen: Collection[Key]) -> None:
    """Record the incidents that a build has opened or ended. One that has done neither costs nothing more."""
    bad = any(one.action in (Outcome.FAILED, Outcome.BROKEN) for one in result.assets)
    if bad or context.state.incidents(context.environment, open=True):
        look(context, {}, chosen)


def _noticed(
    context: Context, found: Assessment, retries: Mapping[Key, float], looked: Collection[Key] | None
) -> tuple[Transition, ...]:
    from upriver.materializer.automation.incidents.causes import root_causes
    from upriver.materializer.automation.incidents.notice import notice

    if found.seen is None:
        return ()
    wrong = (one for one in found.seen.project.diagnoses if one.key is None)
    causes = root_causes(
        found.seen, found.statuses, found.at, retries, (*found.diagnoses, *wrong), found.tripped
    )
    return notice(context, causes, found.seen, _outgoing(context), among=looked)


def _outgoing(context: Context) -> Callable[[Transition], Sequence[Message]]:
    """What makes the messages of a transition, by the alerts that are declared now."""
    from upriver.materializer.automation.alerts.routing import outgoing, targets
    from upriver.materializer.automation.declared import machine_zone

    config = context.project(refresh=False).config
    zone = config.watch.zone or machine_zone()
    return outgoing(targets(config.alerts), context.environment, zone, context.clock.now())


def watch_of(
    session: Goalkeeping,
    on_event: Callable[[WatchEvent], None],
    stop: Cancel,
    document: Callable[[Incident], Mapping[str, object]],
) -> Watch:
    """The loop that keeps the goals of a session's project, not begun yet. It drains when *stop* is requested.

    *document* makes the JSON of an incident, for programs that are told of it.
    """
    from upriver.materializer.automation.alerts.courier import Courier
    from upriver.materializer.automation.alerts.outbox import Outbox
    from upriver.materializer.automation.alerts.routing import Target, targets
    from upriver.materializer.automation.alerts.send import Send
    from upriver.materializer.automation.declared import machine_zone
    from upriver.materializer.automation.lookout import FolderLookout
    from upriver.materializer.automation.watch import Watch

    context = session.context
    with session._reading:
        config = context.project().config

    def known() -> Mapping[str, Target]:
        with session._reading:
            return targets(context.project(refresh=False).config.alerts)

    lookout = FolderLookout(context.root, config.watch.poll)
    outbox = Outbox(
        lambda: context.state,
        context.environment,
        known,
        Send(context.root, config.name, document),
        context.clock,
        config.watch.zone or machine_zone(),
        lambda delivery: watch.delivered(delivery),  # noqa: PLW0108 -- made below
    )
    courier = Courier(outbox, context.clock, lambda text: watch.trouble(text))  # noqa: PLW0108 -- made below
    watch = Watch(_Keeper(session), context.clock, lookout, on_event, stop, courier)
    return watch


class _Keeper:
    """See :class:`upriver.materializer.automation.watch.Keeper`."""

    def __init__(self, session: Goalkeeping) -> None:
        self._session = session

    def assess(self, ticks: Ticks) -> Assessment:
        from upriver.materializer.automation.assess import assess

        session = self._session
        with session._reading:
            session.context.project()
            return assess(session.context, session._past.running_now(), ticks=ticks)

    def revision(self) -> str:
        with self._session._reading:
            return self._session.revision()

    def notice(
        self, seen: Assessment | None, problem: str, retries: Mapping[Key, float]
    ) -> tuple[Transition, ...]:
        from upriver.materializer.automation.incidents.causes import of_error
        from upriver.materializer.automation.incidents.notice import notice

        session = self._session
        with session._reading:
            context = session.context
            if seen is None:
                return notice(context, of_error(problem, context.clock.now()), None, _outgoing(context))
            return _noticed(context, seen, retries, None if seen.seen is None else set(seen.seen.by_asset))

    def build(self, keys: tuple[Key, ...], cancel: Cancel) -> BuildResult:
        try:
            return self._session.build(keys, wait=30.0, cancel=cancel)
        except NotShownError as error:
            return error.result  # what was built is there; only the warehouse file does not show it
