"""Operations on backfills: asking for one, how they stand, going on with one, forgetting one."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence

from upriver.assets.errors import UsageError
from upriver.assets.model import Key
from upriver.lineage.partitions.selection import Chosen, Selection
from upriver.lineage.project.project import Project
from upriver.materializer.answers import BuildResult
from upriver.materializer.automation.backfill import NOT_FRESH, BackfillStatus, Left, status_of, work_on
from upriver.materializer.context import Context
from upriver.materializer.events import Event
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.freshness.slice_survey import listed_slices, slices_now
from upriver.materializer.freshness.survey import survey
from upriver.materializer.operations import ProjectApi
from upriver.materializer.ports import Backfill
from upriver.materializer.session.partitions import ranges_of


class Backfilling(ProjectApi):
    """The part of a session that backfills. The session gives the context, and takes turns."""

    context: Context
    environment: str
    _reading: threading.RLock

    @abstractmethod
    def _select(self, project: Project, texts: Sequence[str]) -> frozenset[Key]: ...

    @abstractmethod
    def _build_slices(
        self,
        select: Sequence[str],
        slices: Mapping[Key, Chosen],
        on_event: Callable[[Event], None],
        cancel: Cancel,
    ) -> BuildResult: ...

    def backfills(self) -> tuple[BackfillStatus, ...]:
        with self._reading:
            self.context.project()
            goals = self.context.state.backfills(self.environment)
            return tuple(status_of(goal, self._left(goal)) for goal in goals)

    def backfill(
        self,
        select: Sequence[str] = (),
        partition: Sequence[str] = (),
        *,
        share: float = 1.0,
        oldest_first: bool = False,
        resume: str | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
    ) -> BackfillStatus:
        goal = self._asked(select, partition, share, oldest_first) if resume is None else self._named(resume)
        stop = cancel or Cancel()
        context, session = self.context, self

        class Here:
            """This project, as what a backfill works in."""

            def left(self, goal: Backfill) -> Sequence[Left]:
                with session._reading:
                    context.project()
                    return session._left(goal)

            def build(self, asset: Key, slices: Collection[str]) -> BuildResult:
                return session._build_slices([asset], {asset: Chosen(frozenset(slices))}, on_event, stop)

            def record(self, goal: Backfill) -> None:
                with session._reading:
                    context.state.record_backfill(session.environment, goal)

            def rest(self, seconds: float) -> None:
                until = context.clock.monotonic() + seconds
                while context.clock.monotonic() < until and not (stop.level or stop.draining):
                    context.clock.wait(threading.Event(), min(0.2, seconds))

        project = context.project(refresh=False)
        found = work_on(goal, Here(), context.clock.monotonic, chunk=project.config.batch)
        if not found.left:
            with self._reading:
                context.state.forget_backfill(self.environment, goal.id)
        return found

    def forget_backfill(self, id: str) -> BackfillStatus:
        goal = self._named(id)
        with self._reading:
            found = status_of(goal, self._left(goal))
            self.context.state.forget_backfill(self.environment, goal.id)
            return found

    def _asked(
        self, select: Sequence[str], partition: Sequence[str], share: float, oldest_first: bool
    ) -> Backfill:
        if not 0 < share <= 1:
            raise UsageError(f"a share is more than 0 and at most 1, not {share:g}")
        with self._reading:
            project = self.context.project()
            ranges_of(
                project, self._select(project, select), partition
            )  # what is wrong with it is told at once
            goal = Backfill(
                os.urandom(4).hex(),
                tuple(select),
                tuple(partition),
                self.context.clock.now(),
                oldest_first,
                share,
            )
            self.context.state.record_backfill(self.environment, goal)
            return goal

    def _named(self, id: str) -> Backfill:
        with self._reading:
            self.context.project()
            goals = self.context.state.backfills(self.environment)
        found = [one for one in goals if one.id.startswith(id)]
        if len(found) != 1:
            known = ", ".join(one.id for one in goals) or "none"
            raise UsageError(f"there is no backfill {id!r}; those that are not done: {known}")
        return found[0]

    def _left(self, goal: Backfill) -> tuple[Left, ...]:
        """What of *goal* does not verify now."""
        project = self.context.project(refresh=False)
        chosen = self._select(project, goal.select)
        ranges: Mapping[Key, Selection] = ranges_of(project, chosen, goal.partition, every=True)
        seen = survey(self.context, among=project.graph.ancestors(ranges), check=True)
        found = []
        for key in project.graph.sort(ranges):
            slices = [
                one
                for one in listed_slices(self.context, seen, key)
                if NOT_FRESH[one.state] and ranges[key].holds(one.key)
            ]
            now = slices_now(self.context, seen, key) if slices else None
            found.append(Left(key, slices, now is not None and now.whole is not None))
        return tuple(found)
