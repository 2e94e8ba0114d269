"""Shapes of the text sources of random projects, as they should be kept: found out without Upriver.

A text source is held to the columns and types that it had when it was read: what a file adds, and a wider type of
number, is kept from then on; what it lacks, or holds as something else, is told, and nothing is read until it is put
right or accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import duckdb

Kept: TypeAlias = Mapping[str, str]
"""The type of each column, in the order in which they were first seen."""

VALUES: Mapping[str, object] = {"BIGINT": 7, "DOUBLE": 7.5, "VARCHAR": "text"}
"""A value of each type that these files hold."""


def found(connection: duckdb.DuckDBPyConnection, path: Path) -> Kept:
    """The columns of a file as DuckDB sees them, all rows looked at."""
    reader = "read_csv" if path.suffix == ".csv" else "read_json"
    rows = connection.execute(f"describe from {reader}('{path}', sample_size = -1)").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def merged(kept: Kept | None, now: Kept) -> Kept | None:
    """What is kept once a file with the columns *now* was read; None when it does not fit what was kept."""
    if kept is None:
        return now
    wide: dict[str, str] = {}
    for column, type in kept.items():
        if column not in now:
            return None
        both = {type, now[column]}
        if type == "VARCHAR" or len(both) == 1:
            wide[column] = type
        elif both == {"BIGINT", "DOUBLE"}:
            wide[column] = "DOUBLE"
        else:
            return None
    return wide | {column: type for column, type in now.items() if column not in kept}


def query(path: Path, kept: Kept) -> str:
    """What reads a file with the types that are kept."""
    if path.suffix == ".csv":
        columns = ", ".join(f'cast("{column}" as {type}) as "{column}"' for column, type in kept.items())
        return f"select {columns} from read_csv('{path}', all_varchar = true, header = true, delim = ',')"
    types = ", ".join(f"'{column}': '{type}'" for column, type in kept.items())
    return f"from read_json('{path}', format = 'newline_delimited', columns = {{{types}}})"
