"""Lazy scans that note what is read of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

import polars as pl
from polars.io.plugins import register_io_source

from upriver.assets.errors import AssetError
from upriver.assets.model import Column, Key, Schema
from upriver.lineage.model import Footprint
from upriver.lineage.polars.dtypes import dtype_of_column
from upriver.lineage.polars.predicate import either, predicate_sql

BATCH_ROWS = 250_000
BATCH_VALUES = 2_000_000
"""Rows handed over at a time, fewer for wide tables: on six million rows as fast as one piece, in bounded memory."""


_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_COMPARABLE = frozenset(
    {*_INTEGERS, "DOUBLE", "BOOLEAN", "VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}
)
"""DuckDB types whose columns a recipe receives as what they are, so that a comparison means the same."""


_ELSEWHERE = (
    "{key} is read in another process, where Upriver can't see what is read of it: "
    "collect the frame first, and hand over the DataFrame"
)


class Read(NamedTuple):
    """One read of an upstream: columns (None: all), row filter as DuckDB SQL (None: all rows), row limit."""

    columns: tuple[str, ...] | None
    predicate: str | None
    rows: int | None


class Recorder:
    """Everything that is read of one upstream, through any number of scans."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.columns: tuple[str, ...] = ()
        self.reads: list[Read] = []
        self.early = False
        self._ordered = True
        self._counted = False
        self._understood = False

    def note(self, read: Read) -> None:
        """Remember one read. Polars may call this from any thread."""
        self.reads.append(read)

    def conclude(self, *, ordered: bool, counted: bool, understood: bool = False) -> None:
        """What the plan of the result says of the reads to come.

        *ordered*: the order of the rows matters; *counted*: no column does, only how many rows there are;
        *understood*: nothing in the plan takes in columns that it does not name.
        Reads made before are not in that plan; what became of them is not known.
        """
        self.early = bool(self.reads)
        self._ordered = ordered or self.early
        self._counted = counted and not self.early
        self._understood = understood and not self.early

    def footprint(self) -> Footprint:
        """The union of all reads so far."""
        if not self.reads:
            # Nothing was read: no column, of no row.
            return Footprint(columns=(), predicate="false", ordered=False)
        predicate = either([read.predicate for read in self.reads])
        # A limit takes the first rows, so their order decided which.
        ordered = self._ordered or any(read.rows is not None for read in self.reads)
        columns: set[str] = set()
        for read in self.reads:
            if read.columns is None and not self._understood:
                return Footprint(None, predicate, ordered)
            # Where the plan is understood, the columns that there are: if others make it another plan, or if their
            # places matter, its binding tells.
            columns.update(self.columns if read.columns is None else read.columns)
        if self._counted and predicate is None:
            # To count rows, Polars reads some column, for its length only.
            columns = set()
        return Footprint(tuple(sorted(columns)), predicate, ordered and bool(columns))


def observed_scan(files: Sequence[str], recorder: Recorder, schema: Schema) -> pl.LazyFrame:
    """A scan of Parquet *files* as one table with the columns of *schema*; *recorder* is told what is read.

    Projection, filter and limit reach the Parquet reader, and rows come in batches. Columns arrive as
    :func:`~upriver.lineage.polars.dtypes.dtype_of` says. Without files, the table is empty. Raises
    AssetError when Polars can't read a column's type.
    """
    source = ObservedSource(tuple(files), recorder, schema)
    recorder.columns = tuple(column.name for column in schema)
    return register_io_source(source, schema=source.dtypes, is_pure=True, explain_name=recorder.key)


def planned_schema(schema: Schema) -> pl.Schema:
    """The columns that a scan of a table with *schema* has. Raises AssetError when one can't be read."""
    dtypes = {}
    for column in schema:
        dtype = dtype_of_column(column)
        if dtype is None:
            raise AssetError(
                f"Polars can't read column {column.name!r} of type {column.type}: "
                "annotate the parameter as pa.Table or duckdb.DuckDBPyRelation, or cast the column upstream"
            )
        dtypes[column.name] = dtype
    return pl.Schema(dtypes)


class ObservedSource:
    """IO source that Polars calls for each read. The plan holds it: by it a scan's upstream is known."""

    def __init__(self, files: tuple[str, ...], recorder: Recorder, schema: Schema) -> None:
        self.recorder = recorder
        self.dtypes = planned_schema(schema)
        self._files = files
        self._columns = schema
        self._process = os.getpid()
        self._comparable = frozenset(
            column.name for column in schema if column.type in _COMPARABLE and not column.logical
        )

    def __call__(
        self, columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        if os.getpid() != self._process:
            raise AssetError(_ELSEWHERE.format(key=self.recorder.key))
        text = predicate_sql(predicate, self.dtypes, self._comparable) if predicate is not None else None
        self.recorder.note(Read(None if columns is None else tuple(columns), text, rows))
        frame = self._scan()
        if predicate is not None:
            frame = frame.filter(predicate)
        if rows is not None:
            frame = frame.head(rows)
        if columns is None:
            return self._batches(frame, len(self.dtypes))
        if not columns:
            return iter([_without_columns(frame)])
        return self._batches(frame.select(columns), len(columns))

    def __reduce__(self) -> NoReturn:
        raise AssetError(_ELSEWHERE.format(key=self.recorder.key))

    def _batches(self, frame: pl.LazyFrame, width: int) -> Iterator[pl.DataFrame]:
        if not self._files:
            return iter([frame.collect()])
        rows = min(BATCH_ROWS, max(1, BATCH_VALUES // max(1, width)))
        return frame.collect_batches(chunk_size=rows, maintain_order=True, lazy=True)

    def _scan(self) -> pl.LazyFrame:
        if not self._files:
            return pl.LazyFrame(schema=self.dtypes)
        frame = pl.scan_parquet(list(self._files), glob=False, hive_partitioning=False)
        stored = frame.collect_schema()
        if stored == self.dtypes:
            return frame
        return frame.select(_as_declared(column, stored, self.dtypes) for column in self._columns)


def _without_columns(frame: pl.LazyFrame) -> pl.DataFrame:
    """Polars wants no column, only the right number of rows. A selection of nothing would have none."""
    return pl.DataFrame(height=frame.select(pl.len()).collect().item())


def _as_declared(column: Column, stored: pl.Schema, dtypes: pl.Schema) -> pl.Expr:
    read = pl.col(column.name)
    if column.type == "UUID" and stored[column.name] == pl.Binary:
        digits = read.bin.encode("hex")
        parts = [
            digits.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
        ]
        return pl.concat_str(parts, separator="-").alias(column.name)
    return read if stored[column.name] == dtypes[column.name] else read.cast(dtypes[column.name])
