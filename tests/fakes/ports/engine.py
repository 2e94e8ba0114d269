"""An engine for tests: SQLite in memory over Parquet that Arrow reads and writes, of an identity of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from upriver.assets.model import Column, Key, Schema
from upriver.assets.project.config import Scalar
from upriver.lineage.sql.names import quote, relation_name, relation_parts
from upriver.materializer.model import Located
from upriver.materializer.ports import Written

_TYPES = {
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BLOB": pa.binary(),
}
_NAMES = {type_: name for name, type_ in _TYPES.items()}
_PYTHON = {int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bytes: "BLOB"}
_NONE: Mapping[str, Scalar] = MappingProxyType({})


class MemoryEngine:
    """Runs the SQL that SQLite shares with the real engine. See :class:`upriver.materializer.ports.Engine`.

    Queries of many threads take turns. Tables are copied when they are exposed.
    """

    def __init__(self, identity: str = "sqlite") -> None:
        self._identity = identity
        self._turn = threading.RLock()
        self._guard = threading.Lock()
        self._local = threading.local()
        self._running: threading.Event | None = None
        self._schemas = {"main"}
        self._variables: Mapping[str, Scalar] = _NONE
        self._opened: sqlite3.Connection | None = None

    def identity(self) -> str:
        return self._identity

    def open(self) -> None:
        with self._turn:
            self._connection()

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = sqlite3.connect(":memory:", check_same_thread=False)
            self._opened.create_function("getvariable", 1, lambda name: self._variables.get(name))
        return self._opened

    def expose(self, key: Key, version: Located) -> None:
        table = pa.concat_tables([pq.read_table(file) for file in version.files])
        schema, _ = relation_parts(key)
        with self._turn:
            connection = self._connection()
            if schema not in self._schemas:
                connection.execute(f"attach ':memory:' as {quote(schema)}")
                self._schemas.add(schema)
            name = relation_name(key)
            connection.execute(f"drop table if exists {name}")
            connection.execute(f"create table {name} ({', '.join(map(quote, table.column_names))})")
            marks = ", ".join("?" * table.num_columns)
            rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
            connection.executemany(f"insert into {name} values ({marks})", rows)

    def write(
        self,
        query: str,
        path: Path,
        schema: Schema | None,
        variables: Mapping[str, Scalar] = _NONE,
        *,
        measured: bool = False,
    ) -> Written:
        found, rows = self.fetch(query, variables=variables)
        told = found if schema is None else schema
        fields = pa.schema([(column.name, _TYPES[column.type]) for column in told])
        columns = zip(*rows, strict=True) if rows else ([] for _ in told)
        arrays = [pa.array(list(values), field.type) for values, field in zip(columns, fields, strict=True)]
        table = pa.table(arrays, schema=fields)
        pq.write_table(table, path)
        return Written(told, len(rows), table.nbytes if measured else None)

    def create_view(self, name: str, query: str) -> None:
        raise NotImplementedError("views of queries are DuckDB's")

    def drop_view(self, name: str) -> None:
        raise NotImplementedError("views of queries are DuckDB's")

    def describe(self, files: Sequence[str]) -> tuple[Schema, int]:
        fields = pq.read_schema(files[0])
        schema = tuple(Column(field.name, _NAMES[field.type]) for field in fields)
        return schema, sum(pq.read_metadata(file).num_rows for file in files)

    def fetch(
        self, query: str, parameters: Sequence[Any] = (), variables: Mapping[str, Scalar] = _NONE
    ) -> tuple[Schema, list[tuple[Any, ...]]]:
        with self._turn:
            self._variables = variables
            with self._guard:
                self._running = getattr(self._local, "token", None)
            try:
                cursor = self._connection().execute(query, list(parameters))
                rows = cursor.fetchall()
            finally:
                with self._guard:
                    self._running = None
        names = [str(told[0]) for told in cursor.description or ()]
        values = [next((row[n] for row in rows if row[n] is not None), "") for n in range(len(names))]
        schema = tuple(Column(name, _PYTHON[type(one)]) for name, one in zip(names, values, strict=True))
        return schema, rows

    def new_cursor(self) -> sqlite3.Cursor:
        with self._turn:
            return self._connection().cursor()

    @contextmanager
    def interruptible(self) -> Iterator[threading.Event]:
        token = self._local.token = threading.Event()
        try:
            yield token
        finally:
            self._local.token = None

    def interrupt(self, token: threading.Event) -> None:
        token.set()
        with self._guard:
            if self._running is token and self._opened is not None:
                self._opened.interrupt()

    def close(self) -> None:
        with self._turn:
            if self._opened is not None:
                self._opened.close()
            self._opened = None
            self._schemas = {"main"}
