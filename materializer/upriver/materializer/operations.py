"""The operations of an open project: their signatures, their answers, and the process that carries each one out.

:class:`ProjectApi` is the only place where an operation is declared. Everything else is made from it or checked
against it: :class:`~upriver.materializer.session.Session` implements it (a missing method can't be instantiated),
``SessionClient`` (session/remote/) is generated from it, the servers dispatch by it, the fakes of the tests implement
it, and ``docs/json.md`` says of each operation which document shows its answer.

To add an operation, touch four places:

1. Here, or in ``operations.py`` of its room, a base of :class:`ProjectApi`: the signature, the documentation, and the
   decorator that says where it runs. Arguments and answers are plain values or frozen Structs; :data:`LAZY_TYPES`
   names those whose modules the command line must not import early.
2. ``session/session.py``, or the module beside it for its room: what it does.
3. ``tests/fakes/session.py`` (or ``answers.py`` beside it): what the fake project answers.
4. ``docs/json.md``: the row of the operation: its document, or why it has none.

Nothing runs in the process of a face by accident: an operation without a decorator stops the import of the client.
"""

from __future__ import annotations

from abc import update_abstractmethods
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import getattr_static
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key, Source
from upriver.lineage.partitions.slices import SlicesStatus
from upriver.materializer.answers import (
    Accepted,
    AssetStatus,
    AssetTrust,
    BuildResult,
    Comparison,
    EnvironmentEntry,
    Explanation,
    HistoryEntry,
    Impacts,
    LineageView,
    LogLine,
    Plan,
    Profile,
    RunEntry,
    Table,
)
from upriver.materializer.automation.operations import AutomationOperations
from upriver.materializer.events import Event
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.operation import (
    RunsIn,
    in_build_server,
    in_caller,
    in_session_server,
    operations_of,
)
from upriver.materializer.quality.operations import QualityOperations
from upriver.materializer.refactoring.operations import RefactoringOperations
from upriver.materializer.runs.cost_answers import Costs
from upriver.materializer.sources.operations import SourceOperations

if TYPE_CHECKING:
    from upriver.materializer.inspection.catalogue import CatalogueEntry
    from upriver.materializer.upkeep.fsck import Report
    from upriver.materializer.upkeep.gc import Collected, Keep
    from upriver.materializer.upkeep.repair import Repaired

LAZY_TYPES: Mapping[str, str] = {
    "Fix": "upriver.lineage.refactoring.fix",
    "Freezing": "upriver.lineage.refactoring.freeze",
    "ColumnRenaming": "upriver.lineage.refactoring.rename.values",
    "Renaming": "upriver.lineage.refactoring.rename.values",
    "ApprovalStatus": "upriver.materializer.automation.model",
    "GoalReport": "upriver.materializer.automation.model",
    "BackfillStatus": "upriver.materializer.automation.backfill",
    "CatalogueEntry": "upriver.materializer.inspection.catalogue",
    "ConnectionEntry": "upriver.materializer.ports.system",
    "SystemObject": "upriver.materializer.ports.system",
    "Incident": "upriver.materializer.ports",
    "CheckStanding": "upriver.materializer.quality.check_standing",
    "UnitTestReport": "upriver.materializer.quality.unit_test_report",
    "Report": "upriver.materializer.upkeep.fsck",
    "Collected": "upriver.materializer.upkeep.gc",
    "Keep": "upriver.materializer.upkeep.gc",
    "Repaired": "upriver.materializer.upkeep.repair",
}
"""The types of the signatures that are imported only when an operation is asked of another process, by module."""


class ProjectApi(AutomationOperations, QualityOperations, RefactoringOperations, SourceOperations, Protocol):
    """An open project: everything that a face (command line, terminal UI, a notebook) can ask or do. The bases declare
    the operations of their rooms.

    Every operation may raise StoreError. One that needs usable declarations raises DeclarationError, one that is given
    an unknown key, column, run or selection raises UsageError.
    """

    root: Path
    """The project's folder."""
    environment: str
    """The name of the set of pointers that is read and built."""
    builds_detached: bool
    """Whether a build goes on when this process ends."""

    # -- the project -------------------------------------------------------------------------------------
    @property
    @in_session_server
    def name(self) -> str:
        """The project's name."""

    @in_session_server
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Everything that is wrong with the declarations now."""

    @in_session_server
    def revision(self) -> str:
        """A cheap token (a few ms at 10,000 assets) that changes when a project file, a source or the state changes."""

    @in_session_server
    def sources(self) -> tuple[Source, ...]:
        """What the project reads and does not produce, as declared."""

    @in_session_server
    def keys(self, select: Sequence[str] = (), *, sources: bool = True) -> tuple[Key, ...]:
        """Keys that match SELECT, in topological order."""

    # -- freshness ---------------------------------------------------------------------------------------
    @in_session_server
    def status(self, select: Sequence[str] = (), *, verify: bool = False) -> tuple[AssetStatus, ...]:
        """Freshness now, sources included, in topological order. *verify* hashes every source byte."""

    @in_session_server
    def trust(self, select: Sequence[str] = ()) -> tuple[AssetTrust, ...]:
        """How well what each asset has read from outside is known, in topological order."""

    @in_session_server
    def plan(self, select: Sequence[str] = (), *, force: bool = False) -> Plan:
        """What :meth:`build` would do. Nothing is written but remembered facts."""

    @in_session_server
    def partitions(self, select: Sequence[str] = ()) -> tuple[SlicesStatus, ...]:
        """The slices of the partitioned assets of SELECT, one by one."""

    @in_session_server
    def slice_filter(self, key: Key, partition: Sequence[str]) -> str:
        """The condition on its columns by which :meth:`preview` shows only the slices *partition* of *key*."""

    @in_session_server
    def why(self, key: Key) -> Explanation:
        """The chain of causes behind an asset's state."""

    # -- building ----------------------------------------------------------------------------------------
    @in_build_server
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
        """Materialize what is stale among SELECT and its upstream; of partitioned assets only the slices *partition*.
        *wait* is how many seconds to wait for a project that is held by another process (None: until it is free).
        Failures of the checks *accept* (a name, or ``KEY:NAME``) don't stop an artifact, *because* of that. Raises
        BusyError; NotShownError when all is done but the views of it.
        """

    # -- lineage -----------------------------------------------------------------------------------------
    @in_session_server
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

    @in_session_server
    def impact(self, since: str | None = None) -> Impacts:
        """What the changes since git revision *since* (None: since the last build) break or change downstream."""

    @in_session_server
    def dropping(self, key: Key, column: str) -> Impacts:
        """What dropping *column* of *key* would break, and where, or change downstream."""

    @in_session_server
    def columns(self, key: Key) -> tuple[str, ...]:
        """The names of an asset's columns, as far as they are known without building."""

    @in_session_server
    def catalogue(self, select: Sequence[str] = ()) -> tuple[CatalogueEntry, ...]:
        """All that is declared and known of SELECT but rows, in topological order: columns and what they come from,
        checks, code, the last materializations.
        """

    # -- sources -----------------------------------------------------------------------------------------
    @in_session_server
    def accept(self, select: Sequence[str]) -> tuple[Accepted, ...]:
        """Write the shapes of the text sources of SELECT as they are now to ``sources.lock``. Raises UsageError."""

    # -- contents ----------------------------------------------------------------------------------------
    @in_session_server
    def sql(self, query: str, *, limit: int | None = None) -> Table:
        """Run a query over current artifacts, named by key."""

    @in_session_server
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

    @in_session_server
    def profile(self, key: Key, *, at: str | None = None, quantiles: bool | None = None) -> Profile:
        """An asset in numbers, now or *at* an earlier materialization. Medians and histograms are in it as *quantiles*
        says (None: unless it has very many columns).
        """

    @in_session_server
    def compare(self, key: Key, before: str = "before") -> Comparison:
        """An asset now against an earlier materialization: ``before`` (of other content), an id, a run, a version."""

    @in_session_server
    def recipe_text(self, key: Key) -> tuple[str, str]:
        """The recipe's source and its language (``sql`` or ``python``)."""

    # -- runs --------------------------------------------------------------------------------------------
    @in_session_server
    def history(self, key: Key | None = None, limit: int = 50) -> tuple[HistoryEntry, ...]:
        """Materializations, newest first."""

    @in_session_server
    def runs(self, limit: int = 50) -> tuple[RunEntry, ...]:
        """Runs, newest first."""

    @in_session_server
    def run(self, run_id: str) -> RunEntry:
        """One run (a unique prefix of its id, or ``last``), with its assets' outcomes."""

    @in_session_server
    def log(self, run_id: str, key: Key | None = None) -> tuple[LogLine, ...]:
        """Captured output of a run, of all its assets or of one; with the errors that attempts ended with."""

    @in_session_server
    def cost(self, select: Sequence[str] = (), *, runs: int = 20) -> Costs:
        """What the assets of SELECT have cost in the last *runs* runs, in topological order."""

    @in_caller
    def events(self, run_id: str) -> tuple[Event, ...]:
        """The recorded events of a run."""

    @in_caller
    def follow(self, run_id: str, stop: Callable[[], bool]) -> Iterator[Event]:
        """Events of a run that may still be going on, in any process; ends with it, or when *stop* returns True."""

    @in_caller
    def live_run(self) -> str | None:
        """The id of the newest run that is going on now in this environment, in any process, or None."""

    @in_caller
    def stop_run(self, run_id: str) -> None:
        """Ask the other process that builds *run_id* to stop.
        Raises UsageError when it is over, BusyError when it can't be reached from here.
        """

    # -- environments ------------------------------------------------------------------------------------
    @in_caller
    def require_environment(self) -> None:
        """Refuse, with UsageError, an environment that is neither the default one, declared, nor built in before."""

    @in_session_server
    def environments(self) -> tuple[EnvironmentEntry, ...]:
        """Every environment that is known, the default one first."""

    @in_session_server
    def remove_environment(self, name: str) -> int:
        """Forget what an environment points at; how many nodes that were. Artifacts stay for :meth:`gc`.
        Raises UsageError for the default one and for an unknown one, BusyError while a build runs in it.
        """

    # -- upkeep ------------------------------------------------------------------------------------------
    @in_session_server
    def fsck(self, *, repair: bool = False) -> Report | Repaired:
        """Verify every artifact and record; with *repair*, put right what can be (nothing is deleted)."""

    @in_session_server
    def gc(self, keep: Keep, *, dry_run: bool = False) -> Collected:
        """Drop materializations that *keep* does not keep, and artifacts that nothing needs."""

    @in_caller
    def close(self) -> None:
        """Release engines, processes and files."""


def operations() -> Mapping[str, RunsIn]:
    """The name of every operation, with the process that carries it out. Raises TypeError when one does not say."""
    return operations_of(ProjectApi)


def implement(cls: type, method_for: Callable[[str, RunsIn], Callable[..., object]]) -> None:
    """Generate the operations that *cls*, a subclass of :class:`ProjectApi`, does not define itself.

    *method_for* makes the method of an operation from its name and the process that carries it out.
    """
    for name, runs_in in operations().items():
        if name in vars(cls):
            continue
        declared = getattr_static(ProjectApi, name)
        method = method_for(name, runs_in)
        method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
        method.__doc__ = declared.__doc__
        setattr(cls, name, property(method) if isinstance(declared, property) else method)
    update_abstractmethods(cls)
