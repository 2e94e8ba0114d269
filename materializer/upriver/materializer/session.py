"""The one door to a project: everything that a face (command line, terminal UI, a notebook) can ask or do.

What only some answers need is imported where it is needed: `status` and a build that finds nothing to do are run
all day, and shall cost no more than they use.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import BusyError, Diagnosis, StoreError, UsageError, did_you_mean
from upriver.assets.identity import Node
from upriver.assets.model import Key, Source, SqlRecipe
from upriver.lineage.project.project import Project
from upriver.materializer.answers import (
    AssetStatus,
    BuildResult,
    Comparison,
    Costs,
    Explanation,
    HistoryEntry,
    Impacts,
    LineageView,
    LogLine,
    NotShownError,
    Plan,
    Profile,
    RunEntry,
    Table,
)
from upriver.materializer.composition import open_context
from upriver.materializer.events import (
    Event,
)
from upriver.materializer.execution.build import Build, Options
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.freshness.stages import explained, stages
from upriver.materializer.freshness.status import reasons_of, status_of
from upriver.materializer.freshness.survey import survey
from upriver.materializer.model import State
from upriver.materializer.ports import Clock
from upriver.materializer.runs.event_log import follow_events
from upriver.materializer.runs.history import Past
from upriver.materializer.selection import Scope, select
from upriver.materializer.sources.observe import sources_of

if TYPE_CHECKING:
    from upriver.lineage.refactoring.fix import Fix
    from upriver.lineage.refactoring.rename.values import ColumnRenaming, Renaming
    from upriver.materializer.inspection.lineage import Lineage
    from upriver.materializer.upkeep.fsck import Report
    from upriver.materializer.upkeep.gc import Collected, Keep
    from upriver.materializer.upkeep.repair import Repaired

__all__ = ["Cancel", "Session"]

_ENVIRONMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)


class Session:
    """A project, its state and its store. Reading calls may run in any thread; one build at a time.

    *root* is the project's folder; *environment* names the set of pointers to work with. Nothing is opened
    before it is needed.

    Every call looks at all project files, to take them as they are now. *watched* promises that :meth:`revision`
    is called whenever one was touched: then answers that decide nothing (a preview, lineage, the past) take the
    project as it was at that call.
    """

    builds_apart = False
    """Whether a build goes on when this process ends."""

    def __init__(
        self,
        root: Path,
        environment: str = "dev",
        *,
        clock: Clock | None = None,
        watched: bool = False,
    ) -> None:
        if not _ENVIRONMENT.fullmatch(environment):
            raise UsageError(
                f"{environment!r} can't be the name of an environment: letters, digits, _, . and - only"
            )
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
        """The project's name."""
        return self._project(as_watched=True).config.name

    def _project(self, *, as_watched: bool = False) -> Project:
        """The project as its files are now, or where somebody watches them as they were seen last."""
        with self._reading:
            return self.context.project(refresh=not (as_watched and self._watched))

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Everything that is wrong with the declarations now; empty when the project can be used."""
        return self._project(as_watched=True).diagnoses

    def revision(self) -> str:
        """A cheap token (a few ms at 10,000 assets) that changes when a project file, a source or the state
        changes.
        """
        from upriver.materializer.inspection import versions as maintenance

        found = maintenance.revision(self.context)
        if self._watched and found != self._revision:
            if self._revision:  # else the project was derived for this very look
                with self._reading:
                    self.context.project()
            self._revision = found
        return found

    def sources(self) -> tuple[Source, ...]:
        """What the project reads and does not produce, as declared."""
        return tuple(self._project(as_watched=True).sources.values())

    def keys(self, select: Sequence[str] = (), *, sources: bool = True) -> tuple[Key, ...]:
        """Keys that match SELECT, in topological order."""
        project = self._project()
        chosen = self._select(project, select)
        return tuple(k for k in project.graph.sort(chosen) if sources or k in project.assets)

    def _select(self, project: Project, texts: Sequence[str]) -> frozenset[Key]:
        def states() -> Mapping[Key, State]:
            return {one.asset: one.state for one in self.status()}

        def columns() -> Mapping[Key, Collection[str]]:
            schemas = Schemas(self.context, SourceViews(sources_of(self.context)))
            return {key: [c.name for c in schemas.of(key) or ()] for key in project.graph.order}

        return select(texts, Scope(project.graph, project.assets, project.sources, states, columns))

    def _known(self, key: Key, *, as_watched: bool = True) -> Project:
        project = self._project(as_watched=as_watched)
        if key not in project.graph:
            hint = did_you_mean(key, project.graph.order)
            raise UsageError(f"there is no asset or source {key!r}" + (f"; {hint}" if hint else ""))
        return project

    # -- freshness ---------------------------------------------------------------------------------------
    def status(self, select: Sequence[str] = (), *, verify: bool = False) -> tuple[AssetStatus, ...]:
        """Freshness now, sources included, in topological order. *verify* hashes every source byte."""
        with self._reading:
            project = self.context.project()
            chosen = self._select(project, select) if select else frozenset(project.graph.order)
            seen = survey(self.context, among=project.graph.ancestors(chosen), verify=verify)
            durations = self.context.state.durations(self.environment)
            running = self._past.running_now()
            return tuple(
                status_of(seen, key, durations.get(Node(key), (None, None))[0], running.get(key))
                for key in project.graph.sort(chosen)
            )

    def plan(self, select: Sequence[str] = (), *, force: bool = False) -> Plan:
        """What :meth:`build` would do. Nothing is written but remembered facts."""
        with self._reading:
            project = self.context.project()
            chosen = self._select(project, select)
            forced = [key for key in chosen if key in project.assets] if force else ()
            among = project.graph.ancestors(chosen)
            seen = survey(self.context, among=among, forced=forced, check=True, planning=True)
            durations = self.context.state.durations(self.environment)
            seconds = {node.asset: one[0] for node, one in durations.items() if node.partition is None}
            planned = stages(project.graph, seen.findings, seconds, seen.views.sizes(project.sources))
            made = tuple(
                msgspec.structs.replace(step, reasons=reasons_of(seen, step.asset))
                for step in explained(planned)
            )
            return Plan(made, planned.critical_path, planned.seconds, tuple(seen.broken.values()))

    def why(self, key: Key) -> Explanation:
        """The chain of causes behind an asset's state."""
        from upriver.materializer.freshness.explain import explain

        with self._reading:
            project = self._known(key, as_watched=False)
            seen = survey(self.context, among=project.graph.ancestors([key]))
            return explain(self.context, seen, key)

    # -- building ----------------------------------------------------------------------------------------
    def build(
        self,
        select: Sequence[str] = (),
        *,
        force: bool = False,
        jobs: int | None = None,
        fail_fast: bool = False,
        wait: float | None = 0.0,
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
    ) -> BuildResult:
        """Materialize what is stale among SELECT and its upstream.

        Raises BusyError, DeclarationError, StoreError; NotShownError when all is done but the views of it.
        """
        from upriver.materializer.inspection.warehouse import refresh_warehouse

        # A context of its own: reading calls go on meanwhile, with their own view of files and state.
        context = self.context.beside()
        try:
            project = context.project()
            chosen = self._select(project, select)
            options = Options(force=force, jobs=jobs, fail_fast=fail_fast, wait=wait, select=select)
            among = project.graph.ancestors(chosen)
            result = Build(context, among, chosen, options, on_event, cancel or Cancel()).execute()
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
        """Lineage around an asset, or around one column of it."""
        from upriver.materializer.inspection import lineage as lineage_views

        with self._reading:
            self._known(key)
            self._lineage = lineage_views.of_now(self.context, self._lineage)
            found = self._lineage.around(
                key, column, upstream=upstream, downstream=downstream, columns=columns, depth=depth
            )
            self.context.analyzer().flush()
            return found

    def impact(self, since: str | None = None) -> Impacts:
        """What the changes since git revision *since* (None: since the last build) break or change
        downstream.
        """
        from upriver.materializer.refactoring import impact

        with self._reading:
            self._project()
            return impact.impact(self.context, since)

    def dropping(self, key: Key, column: str) -> Impacts:
        """What dropping *column* of *key* would break, and where, or change downstream."""
        from upriver.materializer.refactoring import drop_column as dropping

        with self._reading:
            self._known(key)
            return dropping.dropping(self.context, key, column)

    def columns(self, key: Key) -> tuple[str, ...]:
        """The names of an asset's columns, as far as they are known without building."""
        with self._reading:
            self._known(key)
            schemas = Schemas(self.context, SourceViews(sources_of(self.context)))
            return tuple(column.name for column in schemas.of(key) or ())

    # -- other names -------------------------------------------------------------------------------------
    def renaming(self, old: Key, new: Key) -> Renaming:
        """What calling the asset or source *old* *new* would change: files, lines, what is built again. Writes nothing.

        Raises UsageError when it can't be called that, or where only a person can change a place.
        """
        from upriver.lineage.refactoring.rename.find import renaming

        with self._reading:
            return renaming(self._project(), old, new)

    def rename(self, renaming: Renaming) -> None:
        """Write what :meth:`renaming` has found: all of it or nothing. Raises UsageError when a file was edited
        meanwhile, BusyError during a build, StoreError.
        """
        from upriver.materializer.refactoring.rename_asset import write_renaming

        with self._reading:
            if self._past.live_run() is not None:
                raise BusyError("a build is going on, and would read files of both names; wait for its end")
            write_renaming(self.context, renaming)

    def fix(self, key: Key) -> Fix:
        """The edit that puts right what is wrong with an asset's declaration or query. Writes nothing.

        Raises UsageError when nothing is wrong with it, or when it is not certain what is meant.
        """
        from upriver.materializer.refactoring.fix import find_fix

        with self._reading:
            return find_fix(self.context, key)

    def apply_fix(self, fix: Fix) -> None:
        """Write what :meth:`fix` has found. Raises UsageError when the file was edited meanwhile, StoreError."""
        from upriver.materializer.refactoring.fix import write_fix

        with self._reading:
            write_fix(self.context, fix)

    def column_renaming(self, key: Key, column: str, new: str, *, leave: bool = False) -> ColumnRenaming:
        """What calling *column* of the asset *key* *new* would change: files, lines, who passes the new name on, what
        is built again. It is proven on a copy that all else stays what it is. Writes nothing to the project.

        Raises UsageError when it can't be called that, or where only a person can change a place, unless that may be
        left to them (*leave*).
        """
        from upriver.materializer.refactoring.rename_column import find_column_renaming

        with self._reading:
            self._known(key, as_watched=False)
            return find_column_renaming(self.context, key, column, new, leave=leave)

    def rename_column(self, renaming: ColumnRenaming) -> None:
        """Write what :meth:`column_renaming` has found: all of it or nothing. Raises UsageError when a file was edited
        meanwhile, BusyError during a build, StoreError.
        """
        from upriver.materializer.refactoring.rename_column import write_column_renaming

        with self._reading:
            if self._past.live_run() is not None:
                raise BusyError("a build is going on, and would read files of both names; wait for its end")
            write_column_renaming(self.context, renaming)

    # -- contents ----------------------------------------------------------------------------------------
    def sql(self, query: str, *, limit: int | None = None) -> Table:
        """Run a query over current artifacts, named by key."""
        from upriver.materializer.inspection import data as inspect

        with self._reading:
            self._project()
            with self.context.store.reading():
                return inspect.run_query(self.context, query, limit)

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
        """Rows of an asset's current artifact; *order_by* pairs are (column, descending).

        With *at* the rows of an earlier materialization, with *against* those that differ now from one (see
        :meth:`compare` for what names one): the first column is ``+`` for what is there only now, else ``-``.
        """
        from upriver.materializer.inspection import data as inspect

        with self._reading:
            self._known(key)
            with self.context.store.reading():
                return inspect.preview(self.context, key, limit, offset, order_by, where, at, against)

    def profile(self, key: Key, *, at: str | None = None) -> Profile:
        """An asset in numbers, now or *at* an earlier materialization."""
        from upriver.materializer.inspection import data as inspect

        with self._reading:
            self._known(key)
            with self.context.store.reading():
                return inspect.profile(self.context, key, at)

    def compare(self, key: Key, before: str = "before") -> Comparison:
        """An asset now against an earlier materialization: ``before`` is the last that held something else, any is
        named by its id or the beginning of its run's or its version's.
        """
        from upriver.materializer.inspection import data as inspect

        with self._reading:
            self._known(key)
            with self.context.store.reading():
                return inspect.compared(self.context, key, before)

    def recipe_text(self, key: Key) -> tuple[str, str]:
        """The recipe's source and its language (``sql`` or ``python``)."""
        project = self._known(key)
        asset = project.assets.get(key)
        if asset is None:
            raise UsageError(f"{key} is a source: it has no recipe")
        if isinstance(asset.recipe, SqlRecipe):
            return asset.recipe.text, "sql"
        return "\n\n\n".join(part.source for part in project.parts(key)), "python"

    # -- the past ----------------------------------------------------------------------------------------
    def history(self, key: Key | None = None, limit: int = 50) -> tuple[HistoryEntry, ...]:
        """Materializations, newest first."""
        with self._reading:
            if key is not None:
                self._known(key)
            return self._past.history(key, limit)

    def runs(self, limit: int = 50) -> tuple[RunEntry, ...]:
        """Runs, newest first."""
        with self._reading:
            return self._past.runs(limit)

    def run(self, run_id: str) -> RunEntry:
        """One run (a unique prefix of its id, or ``last``), with its assets' outcomes."""
        with self._reading:
            return self._past.run(run_id)

    def log(self, run_id: str, key: Key | None = None) -> tuple[LogLine, ...]:
        """Captured output of a run, of all its assets or of one; with the errors that attempts ended with."""
        with self._reading:
            return self._past.log(run_id, key)

    def cost(self, select: Sequence[str] = (), *, runs: int = 20) -> Costs:
        """What the assets of SELECT have cost in the last *runs* runs, in topological order."""
        from upriver.materializer.runs.costs import costs

        with self._reading:
            project = self._project(as_watched=True)
            chosen = self._select(project, select) if select else project.assets
            keys = [key for key in project.graph.sort(chosen) if key in project.assets]
            return costs(self.context, self._past, keys, runs)

    def events(self, run_id: str) -> tuple[Event, ...]:
        """The recorded events of a run."""
        return self._past.events(run_id)

    def follow(self, run_id: str, stop: Callable[[], bool]) -> Iterator[Event]:
        """Events of a run that may still be going on, in this or another process; ends with it, or when
        *stop* says so.
        """
        return follow_events(self.context.runs_folder, run_id, stop, alive=lambda: run_id in self.live_runs())

    def live_run(self) -> str | None:
        """The id of the newest run that is going on now in this environment, in any process, or None."""
        with self._reading:
            return self._past.live_run()

    def live_runs(self) -> tuple[str, ...]:
        """The ids of all runs that are going on now, of all environments, oldest first."""
        with self._reading:
            return tuple(holder.run for holder in self._past.builders())

    def stop_run(self, run_id: str) -> None:
        """Ask the other process that builds *run_id* to stop. Raises UsageError when it is over, BusyError when
        it can't be reached from here.
        """
        from upriver.materializer.runs.stop import stop_run

        stop_run(self.context.folder, run_id)

    # -- care --------------------------------------------------------------------------------------------
    def fsck(self, *, repair: bool = False) -> Report | Repaired:
        """Verify every artifact and record; with *repair*, put right what can be (nothing is deleted)."""
        from upriver.materializer.upkeep import fsck
        from upriver.materializer.upkeep import repair as repairing

        storage = self.context.parts.storage()
        self.context.close()  # a damaged state is looked at, and replaced, as a file
        return repairing.repair(storage) if repair else fsck.check(storage)

    def gc(self, keep: Keep, *, dry_run: bool = False) -> Collected:
        """Drop materializations that *keep* does not keep, and artifacts that nothing needs."""
        from upriver.materializer.upkeep import gc

        with self._reading:
            context = self.context
            return gc.collect(context.state, context.store, keep, context.clock.now(), dry_run=dry_run)

    def close(self) -> None:
        """Release engines and files."""
        with self._reading:
            self.context.close()
