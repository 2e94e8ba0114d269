"""Arrow IPC files, which DuckDB does not read by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upriver.assets.model import Column, Schema


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
    return tuple(Column(str(row[0]), str(row[1])) for row in rows)


def _read(file: str) -> Any:
    import pyarrow as pa
    from pyarrow import ipc

    try:
        return ipc.open_file(pa.memory_map(file)).read_all()
    except pa.ArrowInvalid:
        return ipc.open_stream(pa.memory_map(file)).read_all()
