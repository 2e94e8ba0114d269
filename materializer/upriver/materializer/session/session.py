"""The session: carries out the operations of a project in this process (those that change its files: refactoring.py).

What only some operations need is imported where it is needed: `status` and a build that finds nothing to do are run
all day, and shall cost no more than they use.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.errors import Diagnosis, StoreError, UsageError, did_you_mean
from upriver.assets.model import Key, Source
from upriver.lineage.partitions.selection import Chosen
from upriver.lineage.project.project import Project
from upriver.materializer.answers import (
    Accepted,
    BuildResult,
    Comparison,
    EnvironmentEntry,
    HistoryEntry,
    LineageView,
    LogLine,
    NotShownError,
    Profile,
    RunEntry,
    Table,
)
from upriver.materializer.composition import open_context
from upriver.materializer.context import Context
from upriver.materializer.events import Event
from upriver.materializer.execution.build import Build, Options
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.model import State
from upriver.materializer.ports import Clock
from upriver.materializer.runs.cost_answers import Costs
from upriver.materializer.runs.event_log import follow_events
from upriver.materializer.runs.history import Past
from upriver.materializer.selection import Scope, select
from upriver.materializer.session.automation import Goalkeeping, note_incidents
from upriver.materializer.session.backfills import Backfilling
from upriver.materializer.session.catalogue import Cataloguing
from upriver.materializer.session.connections import Connecting
from upriver.materializer.session.freshness import FreshnessOperations
from upriver.materializer.session.quality import Gates, accepted
from upriver.materializer.session.refactoring import Refactorings
from upriver.materializer.sources.observe import sources_of

if TYPE_CHECKING:
    from upriver.materializer.inspection.lineage import Lineage
    from upriver.materializer.upkeep.fsck import Report
    from upriver.materializer.upkeep.gc import Collected, Keep
    from upriver.materializer.upkeep.repair import Repaired


class Session(Refactorings, Goalkeeping, Gates, Cataloguing, Connecting, FreshnessOperations, Backfilling):
    """A :class:`ProjectApi` over a context. Reading calls may run in any thread; one build at a time.

    The operations are documented in :class:`ProjectApi`. Nothing is opened before it is needed.

    Every call looks at all project files, to take them as they are now. *watched* promises that :meth:`revision`
    is called whenever one was touched: then answers that decide nothing (a preview, lineage, the past) take the
    project as it was at that call.
    """

    builds_detached = False

    def __init__(
        self, root: Path, environment: str = "dev", *, clock: Clock | None = None, watched: bool = False
    ) -> None:
        self.context = open_context(root, environment, clock)
        self.root = self.context.root
        self.environment = environment
        self._past = Past(self.context)
        self._watched = watched
        self._revision = ""
        self._lineage: Lineage | None = None
        # The state, the project and the engines are shared by all calls; a build takes turns with none of them.
        self._reading = threading.RLock()

    # -- the project -------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        return self._project(as_watched=True).config.name

    def _project(self, *, as_watched: bool = False) -> Project:
        """The project as its files are now or, where they are watched, as they were seen last."""
        with self._reading:
            return self.context.project(refresh=not (as_watched and self._watched))

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return self._project(as_watched=True).diagnoses

    def revision(self) -> str:
        from upriver.materializer.inspection.change_token import revision

        found = revision(self.context)
        if self._watched and found != self._revision:
            if self._revision:  # else the project was derived for this very look
                with self._reading:
                    self.context.project()
            self._revision = found
        return found

    def sources(self) -> tuple[Source, ...]:
        return tuple(self._project(as_watched=True).sources.values())

    def keys(self, select: Sequence[str] = (), *, sources: bool = True) -> tuple[Key, ...]:
        project = self._project()
        chosen = self._select(project, select)
        return tuple(k for k in project.graph.sort(chosen) if sources or not project.is_source(k))

    def _select(self, project: Project, texts: Sequence[str]) -> frozenset[Key]:
        def states() -> Mapping[Key, State]:
            return {one.asset: one.state for one in self.status()}

        def columns() -> Mapping[Key, Collection[str]]:
            schemas = self._schemas()
            return {key: [c.name for c in schemas.of(key) or ()] for key in project.graph.order}

        return select(
            texts, Scope(project.graph, project.assets, project.sources, states, columns, project.broken)
        )

    def _known(self, key: Key, *, as_watched: bool = True) -> Project:
        project = self._project(as_watched=as_watched)
        if key not in project.graph:
            hint = did_you_mean(key, project.graph.order)
            raise UsageError(f"there is no asset or source {key!r}" + (f"; {hint}" if hint else ""))
        return project

    # -- building ----------------------------------------------------------------------------------------
    def build(
        self,
        select: Sequence[str] = (),
        *,
        force: bool = False,
        jobs: int | None = None,
        fail_fast: bool = False,
        wait: float | None = 0.0,
        accept: Sequence[str] = (),
        because: str = "",
        partition: Sequence[str] = (),
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
    ) -> BuildResult:
        from upriver.materializer.session.partitions import chosen_slices

        def options(context: Context, project: Project, chosen: frozenset[Key]) -> Options:
            return Options(
                force=force, jobs=jobs, fail_fast=fail_fast, wait=wait, select=select, because=because,
                accept=accepted(project.checks, chosen, accept, because),
                slices=chosen_slices(context, project, chosen, partition),
            )  # fmt: skip

        return self._build(select, options, on_event, cancel or Cancel())

    def _build_slices(
        self,
        select: Sequence[str],
        slices: Mapping[Key, Chosen],
        on_event: Callable[[Event], None],
        cancel: Cancel,
    ) -> BuildResult:
        def options(context: Context, project: Project, chosen: frozenset[Key]) -> Options:
            return Options(select=select, slices=slices)

        return self._build(select, options, on_event, cancel)

    def _build(
        self,
        select: Sequence[str],
        options_of: Callable[[Context, Project, frozenset[Key]], Options],
        on_event: Callable[[Event], None],
        cancel: Cancel,
    ) -> BuildResult:
        from upriver.materializer.inspection.warehouse import refresh_warehouse

        # A context of its own: reading calls go on meanwhile, with their own view of files and state.
        context = self.context.beside()
        try:
            project = context.project()
            chosen = self._select(project, select)
            options = options_of(context, project, chosen)
            build = Build(context, project.graph.ancestors(chosen), chosen, options, on_event, cancel)
            result = build.execute()
            note_incidents(context, result, chosen)
            try:
                refresh_warehouse(context)
            except StoreError as error:
                raise NotShownError(str(error), result) from error
            return result
        finally:
            context.close()

    # -- lineage -----------------------------------------------------------------------------------------
    def lineage(
        self,
        key: Key,
        column: str | None = None,
        *,
        upstream: bool = True,
        downstream: bool = True,
        columns: bool = False,
        depth: int | None = None,
    ) -> LineageView:
        from upriver.materializer.inspection.lineage import of_now

        with self._reading:
            self._known(key)
            self._lineage = of_now(self.context, self._lineage)
            found = self._lineage.around(
                key, column, upstream=upstream, downstream=downstream, columns=columns, depth=depth
            )
            self.context.analyzer().flush()
            return found

    def columns(self, key: Key) -> tuple[str, ...]:
        with self._reading:
            self._known(key)
            return tuple(column.name for column in self._schemas().of(key) or ())

    def _schemas(self) -> Schemas:
        return Schemas(self.context, SourceViews(sources_of(self.context)))

    # -- sources -----------------------------------------------------------------------------------------
    def accept(self, select: Sequence[str]) -> tuple[Accepted, ...]:
        from upriver.materializer.sources.accept import accept

        with self._reading:
            project = self._project()
            chosen = self._select(project, select)
            return accept(self.context, project.graph.sort(chosen))

    # -- contents ----------------------------------------------------------------------------------------
    def sql(self, query: str, *, limit: int | None = None) -> Table:
        from upriver.materializer.inspection import data

        with self._reading:
            self._project()
            with self.context.store.reading():
                return data.run_query(self.context, query, limit)

    def preview(
        self,
        key: Key,
        *,
        limit: int = 50,
        offset: int = 0,
        order_by: Sequence[tuple[str, bool]] = (),
        where: str | None = None,
        at: str | None = None,
        against: str | None = None,
    ) -> Table:
        from upriver.materializer.inspection import data

        with self._reading:
            self._known(key)
            with self.context.store.reading():
                return data.preview(self.context, key, limit, offset, order_by, where, at, against)

    def profile(self, key: Key, *, at: str | None = None, quantiles: bool | None = None) -> Profile:
        from upriver.materializer.inspection import data

        with self._reading:
            self._known(key)
            with self.context.store.reading():
                return data.profile(self.context, key, at, quantiles=quantiles)

    def compare(self, key: Key, before: str = "before") -> Comparison:
        from upriver.materializer.inspection import data

        with self._reading:
            self._known(key)
            with self.context.store.reading():
                return data.compared(self.context, key, before)

    # -- runs --------------------------------------------------------------------------------------------
    def history(self, key: Key | None = None, limit: int = 50) -> tuple[HistoryEntry, ...]:
        with self._reading:
            if key is not None:
                self._known(key)
            return self._past.history(key, limit)

    def runs(self, limit: int = 50) -> tuple[RunEntry, ...]:
        with self._reading:
            return self._past.runs(limit)

    def run(self, run_id: str) -> RunEntry:
        with self._reading:
            return self._past.run(run_id)

    def log(self, run_id: str, key: Key | None = None) -> tuple[LogLine, ...]:
        with self._reading:
            return self._past.log(run_id, key)

    def cost(self, select: Sequence[str] = (), *, runs: int = 20) -> Costs:
        from upriver.materializer.runs.costs import costs

        with self._reading:
            project = self._project(as_watched=True)
            chosen = self._select(project, select) if select else project.graph.order
            keys = [key for key in project.graph.sort(chosen) if not project.is_source(key)]
            return costs(self.context, self._past, keys, runs)

    def events(self, run_id: str) -> tuple[Event, ...]:
        return self._past.events(run_id)

    def follow(self, run_id: str, stop: Callable[[], bool]) -> Iterator[Event]:
        folder, clock = self.context.runs_folder, self.context.clock
        return follow_events(folder, run_id, stop, alive=lambda: run_id in self._live_runs(), clock=clock)

    def live_run(self) -> str | None:
        with self._reading:
            return self._past.live_run()

    def _live_runs(self) -> tuple[str, ...]:
        """The ids of all runs that are going on now, of all environments, oldest first."""
        with self._reading:
            return tuple(holder.run for holder in self._past.builders())

    def stop_run(self, run_id: str) -> None:
        from upriver.materializer.runs.stop import stop_run

        stop_run(self.context.folder, run_id, self.context.clock)

    # -- environments ------------------------------------------------------------------------------------
    def require_environment(self) -> None:
        from upriver.materializer.upkeep import environments as known

        with self._reading:
            self._project(as_watched=True)
            known.require(self.context)

    def environments(self) -> tuple[EnvironmentEntry, ...]:
        from upriver.materializer.upkeep import environments as known

        with self._reading:
            self._project(as_watched=True)
            return known.entries(self.context)

    def remove_environment(self, name: str) -> int:
        from upriver.materializer.upkeep import environments as known

        with self._reading:
            self._project(as_watched=True)
            return known.remove(self.context, name)

    # -- upkeep ------------------------------------------------------------------------------------------
    def fsck(self, *, repair: bool = False) -> Report | Repaired:
        from upriver.materializer.upkeep.fsck import check
        from upriver.materializer.upkeep.repair import repair as put_right

        storage = self.context.parts.storage()
        self.context.close()  # a damaged state is looked at, and replaced, as a file
        return put_right(storage) if repair else check(storage)

    def gc(self, keep: Keep, *, dry_run: bool = False) -> Collected:
        from upriver.materializer.upkeep.gc import collect

        with self._reading:
            context = self.context
            if not dry_run and context.parts.make_room():
                context.close()  # the state was opened for reading, if at all
            return collect(context.state, context.store, keep, context.clock.now(), dry_run=dry_run)

    def close(self) -> None:
        with self._reading:
            self.context.close()
