"""Arrow IPC files, which DuckDB does not read by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from upriver.assets.errors import UpriverError
from upriver.assets.model import Column, Schema
from upriver.lineage.arrow_fields import fields_beyond_duckdb


def arrow_table(files: Sequence[str]) -> Any:
    """All *files* (IPC file or stream format) as one ``pyarrow.Table``, memory-mapped where the format
    allows.
    """
    import pyarrow as pa

    return pa.concat_tables([_read(file) for file in files], promote_options="default")


def arrow_schema(file: str) -> Schema:
    """The columns of an Arrow file, with the types that DuckDB gives them."""
    import duckdb

    empty = _read(file).schema.empty_table()
    with duckdb.connect(":memory:") as connection:
        connection.register("empty", empty)
        rows = connection.execute("describe select * from empty").fetchall()
    logical = fields_beyond_duckdb(empty.schema)
    return tuple(Column(str(row[0]), str(row[1]), logical.get(str(row[0]), "")) for row in rows)


def told_by_types(table: Any) -> bool:
    """Whether DuckDB's types tell all of a ``pyarrow.Table``."""
    return not fields_beyond_duckdb(table.schema)


def copy_with_types(table: Any, target: Path) -> None:
    """Write a ``pyarrow.Table`` to *target* with its own types beside those of Parquet. Raises UpriverError with the
    name of a column that can't be kept.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(table, target)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        for field in table.schema:
            try:
                pq.write_table(table.select([field.name]), pa.BufferOutputStream())
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
                raise UpriverError(
                    f"the column {field.name!r} has the type {field.type}, which can't be kept"
                ) from error
        raise


def _read(file: str) -> Any:
    import pyarrow as pa
    from pyarrow import ipc

    try:
        return ipc.open_file(pa.memory_map(file)).read_all()
    except pa.ArrowInvalid:
        return ipc.open_stream(pa.memory_map(file)).read_all()
