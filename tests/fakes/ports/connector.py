"""A source for tests: rows in memory that are changed, touched and taken away at will."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from upriver.assets.model import Column, Key, Schema
from upriver.materializer.model import FileStamp
from upriver.materializer.ports import SourceMissing
from upriver.materializer.ports.connector import Scanned, Shape


class MemoryConnector:
    """Rows of ``(a, b)``, a number and a word each. See :class:`upriver.materializer.ports.Connector`."""

    has_columns = True
    shaped = False
    schema_told: Schema = (Column("a", "BIGINT"), Column("b", "VARCHAR"))

    def __init__(self, key: Key, rows: Sequence[tuple[int, str]] | None, *, in_place: bool = False) -> None:
        self.in_place = in_place
        self._key = key
        self._rows = rows
        self._moment = 1

    def hold(self, rows: Sequence[tuple[int, str]]) -> None:
        """Hold these rows from now on; equal ones, as when a file is touched, are another observation."""
        self._rows = rows
        self._moment += 1

    def take_away(self) -> None:
        """Hold nothing."""
        self._rows = None

    def describe(self) -> str:
        return f"rows of {self._key} in memory"

    def missing(self) -> str:
        return f"source {self._key}: there are no rows in memory"

    def observe(self) -> tuple[FileStamp, ...]:
        if self._rows is None:
            return ()
        return (FileStamp(f"memory/{self._key}", len(repr(self._rows)), self._moment, self._moment, 1),)

    def name_content(self, observed: tuple[FileStamp, ...]) -> str:
        return hashlib.sha256(repr((observed[0].path, self._rows)).encode()).hexdigest()

    def schema(self, shape: Shape | None) -> Schema:
        self._held()
        return self.schema_told

    def measure(self, observed: tuple[FileStamp, ...]) -> tuple[Schema, int]:
        assert self.in_place, "only a source that is read in place is measured"
        return self.schema_told, len(self._held())

    def scan(self, observed: tuple[FileStamp, ...], target: Path, shape: Shape | None) -> Scanned:
        rows: list[tuple[Any, ...]] = list(self._held())
        columns = [pa.array([row[n] for row in rows], t) for n, t in enumerate((pa.int64(), pa.string()))]
        pq.write_table(pa.table(columns, names=["a", "b"]), target)
        return Scanned(self.schema_told, len(rows))

    def folders(self) -> Iterator[Path]:
        return iter((Path("memory"),) if self.in_place else ())

    def linked(self) -> Iterator[Path]:
        return iter(())

    def _held(self) -> Sequence[tuple[int, str]]:
        if self._rows is None:
            raise SourceMissing(self.missing())
        return self._rows
