"""A project as an object: a thin face on the operations, for notebooks and scripts.

Engines are imported when they are needed, so that opening a project costs no more than the command line does.
"""

from __future__ import annotations

import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from upriver.assets.errors import UsageError
from upriver.assets.model import Key
from upriver.assets.project.config import find_project
from upriver.tui.cli.arguments import WrongUsage
from upriver.tui.cli.asset_names import resolve_asset, resolve_column, split_column
from upriver.tui.notebook.answer import Answer, html_of
from upriver.tui.present.spans import Line, Page

if TYPE_CHECKING:
    import duckdb
    import polars
    import pyarrow

    from upriver.materializer.answers import (
        AssetStatus,
        BuildResult,
        Explanation,
        HistoryEntry,
        LineageView,
        Plan,
        Table,
    )
    from upriver.materializer.events import Event
    from upriver.materializer.execution.cancel import Cancel


class Project:
    """A project on this machine, in one environment. Every question is answered by how its files are now.

    ``Project(".")`` is the project around a folder; *environment* is the one that is read and built. Wrong use and
    declarations raise :class:`~upriver.assets.errors.UpriverError`; a failing recipe is part of the answer of
    :meth:`build`. Calls block, and may be made inside a running event loop.
    """

    version: ClassVar[str] = version("upriver")
    """The version of Upriver."""

    def __init__(self, folder: str | os.PathLike[str] = ".", *, environment: str = "dev") -> None:
        from upriver.materializer.session import Session

        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._session = Session(find_project(Path(folder)), environment)
        if environment != "dev":
            self._session.require_environment()

    @classmethod
    def of(
        cls, *functions: Callable[..., object], sources: Mapping[str, str] = MappingProxyType({})
    ) -> Project:
        """A project of *functions* of this session, in a folder that goes when the project is closed.

        Each function is an asset of its name, decorated with ``@asset`` or not; its source, and the functions,
        constants and imports that it reaches, are written down. *sources* are locations by key, relative to the
        current folder. Raises UsageError, with its name, for an object that lives only in this session.
        """
        from upriver.tui.notebook.functions import write_functions

        folder = tempfile.TemporaryDirectory(prefix="upriver-", ignore_cleanup_errors=True)
        try:
            write_functions(Path(folder.name), functions, sources, Path.cwd())
            found = cls(folder.name)
        except BaseException:
            folder.cleanup()
            raise
        found._folder = folder
        return found

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._session.root

    @property
    def name(self) -> str:
        """The project's name."""
        return self._session.name

    def keys(self, *select: str) -> tuple[Key, ...]:
        """The keys of SELECT (none: all), in topological order."""
        return self._session.keys(select)

    def __getitem__(self, name: str) -> Dataset:
        """The asset or source called *name*, or the only one whose key ends with it."""
        return Dataset(self, self._key(name))

    # -- freshness ---------------------------------------------------------------------------------------
    def status(self, *select: str) -> Answer[tuple[AssetStatus, ...]]:
        """Freshness now of SELECT (none: all)."""
        from upriver.tui.present.text.status import status_lines

        found = self._session.status(select)
        return Answer(found, lambda page: status_lines(found, page, now=time.time()))

    def plan(self, *select: str, force: bool = False) -> Answer[Plan]:
        """What :meth:`build` would do, and why."""
        from upriver.tui.present.text.plan import plan_lines

        found = self._session.plan(select, force=force)
        return Answer(found, lambda page: plan_lines(found, page))

    def why(self, name: str) -> Answer[Explanation]:
        """Why an asset is in its state, down to the column and the line of code."""
        from upriver.tui.present.text.why import why_lines

        found = self._session.why(self._key(name))
        return Answer(found, lambda page: why_lines(found, page))

    # -- building ----------------------------------------------------------------------------------------
    def build(
        self,
        *select: str,
        force: bool = False,
        jobs: int | None = None,
        fail_fast: bool = False,
        on_event: Callable[[Event], None] | None = None,
        cancel: Cancel | None = None,
    ) -> Answer[BuildResult]:
        """Materialize what is stale among SELECT (none: all) and its upstream. *on_event* is told what happens;
        *cancel* can be asked, from another thread, to stop it.
        """
        from upriver.tui.present.text.plan import summary_lines

        began = time.monotonic()
        result = self._session.build(
            select,
            force=force,
            jobs=jobs,
            fail_fast=fail_fast,
            on_event=on_event or (lambda event: None),
            cancel=cancel,
        )
        elapsed = time.monotonic() - began
        return Answer(result, lambda page: summary_lines(result, page, elapsed=elapsed))

    def build_events(
        self, *select: str, force: bool = False, jobs: int | None = None, fail_fast: bool = False
    ) -> Iterator[Event]:
        """Build, as :meth:`build` does, and give what happens while it happens; the last event is RunFinished.

        Leaving the loop early stops the build. What :meth:`build` would raise is raised here.
        """
        from upriver.materializer.execution.cancel import Cancel

        cancel = Cancel()
        told: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        raised: list[BaseException] = []

        def build() -> None:
            try:
                self.build(
                    *select, force=force, jobs=jobs, fail_fast=fail_fast, on_event=told.put, cancel=cancel
                )
            except BaseException as error:  # noqa: BLE001 - raised again where the events are read
                raised.append(error)
            finally:
                told.put(None)

        builder = threading.Thread(target=build, name="upriver-build")
        builder.start()
        try:
            while (event := told.get()) is not None:
                yield event
        finally:
            if builder.is_alive() and not raised:
                cancel.request()
            builder.join()
        if raised:
            raise raised[0]

    # -- contents and the past ---------------------------------------------------------------------------
    def sql(self, query: str, *, limit: int | None = None) -> Answer[Table]:
        """The rows of a query over what is built; assets and sources are named by their keys."""
        from upriver.tui.present.text.data import rows_lines

        found = self._session.sql(query, limit=limit)
        return Answer(found, lambda page: rows_lines(found, page))

    def lineage(self, name: str, *, columns: bool = False, depth: int | None = None) -> Answer[LineageView]:
        """Where an asset, or a column of it (``"orders.amount"``), comes from and what it feeds."""
        from upriver.tui.present.svg import lineage_svg
        from upriver.tui.present.text.lineage import lineage_lines

        try:
            key, column = split_column(self._session.keys(), name)
            if column is not None and (known := self._session.columns(key)):
                column = resolve_column(known, key, column)
        except WrongUsage as error:
            raise _usage_error(error) from None
        by_column = columns or column is not None
        found = self._session.lineage(key, column, columns=by_column, depth=depth)
        return Answer(
            found, lambda page: lineage_lines(found, page, columns=by_column), lambda: lineage_svg(found)
        )

    def history(self, name: str, *, limit: int = 50) -> Answer[tuple[HistoryEntry, ...]]:
        """The materializations of an asset, newest first."""
        from upriver.tui.present.text.runs import history_lines

        key = self._key(name)
        found = self._session.history(key, limit)
        return Answer(found, lambda page: history_lines(key, found, page, now=time.time()))

    # -- the object itself -------------------------------------------------------------------------------
    def close(self) -> None:
        """Let go of engines and processes. ``with Project(".") as p:`` does it, too."""
        self._session.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<project {self.name} in {self.root}>"

    def _key(self, name: str) -> Key:
        try:
            return resolve_asset(self._session.keys(), name)
        except WrongUsage as error:
            raise _usage_error(error) from None


class Dataset:
    """What one asset or source holds now: rows for the library of your choice. Nothing is built by asking."""

    def __init__(self, project: Project, key: Key) -> None:
        self._project = project
        self.key = key

    def relation(self) -> duckdb.DuckDBPyRelation:
        """A DuckDB relation over the stored files: nothing is read before it is asked for."""
        import duckdb

        from upriver.materializer.inspection.relation import stored_query

        query = stored_query(self._project._session.context, self.key)
        connection = duckdb.connect(":memory:")
        connection.execute("set autoinstall_known_extensions = false; set TimeZone = 'UTC'")
        return connection.sql(query)

    def pl(self) -> polars.DataFrame:
        """All rows as a Polars frame."""
        frame: polars.DataFrame = self.relation().pl()
        return frame

    def arrow(self) -> pyarrow.Table:
        """All rows as an Arrow table."""
        return self.relation().to_arrow_table()

    def df(self) -> Any:
        """All rows as a pandas frame. Needs pandas."""
        return self.relation().df()

    def __repr__(self) -> str:
        return "\n".join("".join(span.text for span in line).rstrip() for line in self._lines())

    def _repr_html_(self) -> str:
        return html_of(self._lines())

    def _lines(self) -> list[Line]:
        from upriver.tui.present.text.data import rows_lines

        page = Page(100)
        return rows_lines(self._project._session.preview(self.key, limit=10), page)


def _usage_error(error: WrongUsage) -> UsageError:
    return UsageError(error.message + (f"; {error.hint}" if error.hint else ""))
