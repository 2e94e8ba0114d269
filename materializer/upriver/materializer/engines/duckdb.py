"""SQL assets: one DuckDB instance for the whole process, closed to everything but the store and declared
sources.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from upriver.assets.model import Column, Key, Schema
from upriver.lineage.sql.names import literal, quote, relation_name, relation_parts
from upriver.lineage.sql.parse.variables import set_variables
from upriver.materializer.engines.parquet import write_parquet
from upriver.materializer.engines.types import DUCKDB, escaped, from_stored, stored_scan, to_stored
from upriver.materializer.model import Located
from upriver.materializer.ports import Written

if TYPE_CHECKING:
    import duckdb

    from upriver.assets.project.config import Scalar

_MEASURED = max(8, 2 * (os.cpu_count() or 1))
"""How many queries can be measured at once. Their cursors must be set up before the configuration is locked."""

_MEASURE = (
    "set enable_profiling = 'no_output'",
    "set tracked_metrics = ['system.peak_buffer_memory', 'system.total_memory_allocated']",
)

_NONE: Mapping[str, Scalar] = MappingProxyType({})


@dataclass
class _Seat:
    """What a thread works with: a cursor, whether it measures, and the variables that are set in it."""

    cursor: duckdb.DuckDBPyConnection
    measures: bool = False
    variables: dict[str, Scalar] = field(default_factory=dict)


class DuckDBEngine:
    """Runs queries over versions of upstreams. A cursor a thread; views are shared.

    *directories* and *files* are the only places that queries can read or write; *temporary* is where it may put what
    does not fit into *memory* (bytes), None for nowhere. DuckDB is imported on first use.
    """

    def __init__(
        self,
        directories: Sequence[Path],
        temporary: Path | None,
        *,
        files: Sequence[Path] = (),
        threads: int | None = None,
        memory: int | None = None,
    ) -> None:
        self._directories = tuple(directories)
        self._files = tuple(files)
        self._temporary = temporary
        self._threads = threads
        self._memory = memory
        self._lock = threading.Lock()
        self._local = threading.local()
        self._exposed: dict[Key, Located] = {}
        self._schemas = {"main"}
        self._running: dict[threading.Event, duckdb.DuckDBPyConnection] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._measured: list[_Seat] = []

    def identity(self) -> str:
        """Part of what an asset's content depends on."""
        return DUCKDB

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's cursor."""
        return self._seat().cursor

    def open(self) -> None:
        """Have the database open. It takes a while, in which another thread can do other things."""
        with self._lock:
            self._opened()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _seat(self) -> _Seat:
        seat: _Seat | None = getattr(self._local, "seat", None)
        if seat is None:
            with self._lock:
                seat = self._local.seat = _Seat(self._opened().cursor())
        return seat

    @contextmanager
    def _measuring(self, wanted: bool) -> Iterator[_Seat]:
        """While inside, this thread works with a cursor that measures, if it is *wanted* and one is free."""
        own = self._seat()
        with self._lock:
            seat = self._measured.pop() if wanted and self._measured else own
        self._take(seat)
        try:
            yield seat
        finally:
            self._take(own)
            if seat is not own:
                self._measured.append(seat)

    def _take(self, seat: _Seat) -> None:
        with self._lock:
            self._local.seat = seat
            if (token := getattr(self._local, "token", None)) in self._running:
                self._running[token] = seat.cursor

    def _cursor_with(self, variables: Mapping[str, Scalar]) -> duckdb.DuckDBPyConnection:
        """This thread's cursor, with *variables* and no others for ``getvariable``."""
        seat = self._seat()
        if seat.variables != variables:
            for name in seat.variables:
                seat.cursor.execute(f"reset variable {quote(name)}")
            for statement in set_variables(variables):
                seat.cursor.execute(statement)
            seat.variables = dict(variables)
        return seat.cursor

    def new_cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor that the caller closes."""
        return self.cursor().cursor()

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        connection = duckdb.connect(":memory:")
        spill = self._temporary
        folders = (*self._directories, *((spill,) if spill else ()))
        # A path is compared as it is written: one with brackets in it is read as a pattern (see `escaped`).
        allowed = ", ".join(literal(f"{spelling}/") for spelling in _spelt(folders))
        settings = [
            f"set allowed_directories = [{allowed}]",
            f"set allowed_paths = [{', '.join(literal(text) for text in _spelt(self._files))}]",
            f"set temp_directory = {literal(str(spill) if spill else '')}",
            "set autoinstall_known_extensions = false",
            "set autoload_known_extensions = false",
            "set preserve_insertion_order = true",
            # What a time zone decides must not depend on the machine: a team shares its artifacts.
            # Global, because cursors do not inherit a session's settings.
            "set global TimeZone = 'UTC'",
        ]
        if spill is not None:
            # A query that never ends must not take all of the disk along.
            settings.append(f"set max_temp_directory_size = '{shutil.disk_usage(spill).free // 2 >> 20}MiB'")
        if self._threads is not None:
            settings.append(f"set threads = {max(1, self._threads)}")
        if self._memory is not None:
            settings.append(f"set memory_limit = '{max(64, self._memory >> 20)}MiB'")
        # The order matters: directories can't be allowed once access is closed, nothing changes once locked.
        settings += ["set enable_external_access = false", "set lock_configuration = true"]
        for _ in range(_MEASURED):
            cursor = connection.cursor()
            for setting in _MEASURE:
                cursor.execute(setting)
            self._measured.append(_Seat(cursor, measures=True))
        for setting in settings:
            connection.execute(setting)
        return connection

    def expose(self, key: Key, version: Located) -> None:
        """Make *version* what the relation of *key* shows."""
        if self._exposes(key, version):
            return
        cursor = self.cursor()
        with self._lock:  # two threads that replace one view at once would conflict in the catalog
            if self._exposes(key, version):
                return
            schema, _ = relation_parts(key)
            if schema not in self._schemas:
                cursor.execute(f"create schema if not exists {quote(schema)}")
                self._schemas.add(schema)
            query = from_stored(version.files, version.schema)
            cursor.execute(f"create or replace view {relation_name(key)} as {query}")
            self._exposed[key] = version

    def _exposes(self, key: Key, version: Located) -> bool:
        known = self._exposed.get(key)
        return known is not None and known.files == version.files and known.schema == version.schema

    def write(
        self,
        query: str,
        path: Path,
        schema: Schema | None,
        variables: Mapping[str, Scalar] = _NONE,
        *,
        measured: bool = False,
    ) -> Written:
        """Run *query* into a Parquet file.

        *schema* is what the query was bound to, None when only running it can tell. *variables* are what
        ``getvariable`` gives. Memory is *measured* where that is asked for: it takes a few hundredths of a millisecond.
        """
        with self._measuring(measured):
            cursor = self._cursor_with(variables)
            if schema is None:
                return self._write_unbound(cursor, query, path)
            took: list[int] = []
            rows = write_parquet(
                cursor, to_stored(query, schema), path, schema, lambda: took.extend(_memory_taken(cursor))
            )
            return Written(schema, rows, took[0] if took else None)

    def _write_unbound(self, cursor: duckdb.DuckDBPyConnection, query: str, path: Path) -> Written:
        """A dynamic PIVOT is several statements in one: it can't stand in a COPY, so its result is kept
        first.
        """
        name = quote(f"unbound {threading.get_ident()}")
        relation = cursor.sql(query)
        relation.create(name)
        took = _memory_taken(cursor)
        try:
            described = cursor.execute(f"describe {name}").fetchall()
            schema = tuple(Column(str(row[0]), str(row[1])) for row in described)
            written = self.write(f"from {name}", path, schema)
            peaks = (*took, *(() if written.peak_memory is None else (written.peak_memory,)))
            return written._replace(peak_memory=max(peaks, default=None))
        finally:
            cursor.execute(f"drop table if exists {name}")

    def create_view(self, name: str, query: str) -> None:
        """Have *query* under *name*."""
        self.cursor().execute(f"create view {name} as {query}")

    def drop_view(self, name: str) -> None:
        """Forget a view."""
        self.cursor().execute(f"drop view if exists {name}")

    def describe(self, files: Sequence[str]) -> tuple[Schema, int]:
        """Schema and number of rows of Parquet files."""
        cursor = self.cursor()
        scan = stored_scan(files)
        bound = cursor.sql(f"from {scan}")
        schema = tuple(Column(str(n), str(t)) for n, t in zip(bound.columns, bound.types, strict=True))
        counted = cursor.execute(f"select count(*) from {scan}").fetchone()
        return schema, int(counted[0] if counted else 0)

    def fetch(
        self, query: str, parameters: Sequence[Any] = (), variables: Mapping[str, Scalar] = _NONE
    ) -> tuple[Schema, list[tuple[Any, ...]]]:
        """Run a query and fetch everything; *variables* as in :meth:`write`."""
        cursor = self._cursor_with(variables)
        cursor.execute(query, list(parameters))
        columns = tuple(Column(str(d[0]), str(d[1])) for d in cursor.description or ())
        return columns, cursor.fetchall()

    @contextmanager
    def interruptible(self) -> Iterator[threading.Event]:
        """While inside, :meth:`interrupt` with the yielded token ends this thread's query."""
        token = self._local.token = threading.Event()
        cursor = self.cursor()
        with self._lock:
            self._running[token] = cursor
        try:
            yield token
        finally:
            with self._lock:
                self._running.pop(token, None)

    def interrupt(self, token: threading.Event) -> None:
        """End the query that runs under *token*, if one still does; *token* stays set to tell why it ended."""
        token.set()
        with self._lock:
            if cursor := self._running.get(token):
                cursor.interrupt()

    def close(self) -> None:
        """Release the instance and its memory."""
        with self._lock:
            if self._connection is not None:
                with suppress(Exception):
                    self._connection.close()
                self._connection = None
            self._measured.clear()
        self._exposed.clear()
        self._schemas = {"main"}
        self._local = threading.local()


def _spelt(paths: Sequence[Path]) -> Sequence[str]:
    """*paths* in both spellings in which a query may name them."""
    return tuple(dict.fromkeys(text for path in map(str, paths) for text in (path, escaped(path))))


def _memory_taken(cursor: duckdb.DuckDBPyConnection) -> tuple[int, ...]:
    """Bytes that the last query of *cursor* took at most; nothing when it was not measured.

    The peak that DuckDB tells is of the whole instance while the query ran, other queries included, and what it tells
    of this query alone is all that was ever allocated for it: it has taken no more than either.
    """
    told = json.loads(cursor.get_profiling_information()).get("system", {})
    bounds = [told.get("peak_buffer_memory"), told.get("total_memory_allocated")]
    known = [int(bound) for bound in bounds if bound is not None]
    return (min(known),) if known else ()
