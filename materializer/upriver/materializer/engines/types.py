"""Stored form of DuckDB types that Parquet can't hold, so that what is read back has the type that was
computed.

DuckDB itself writes HUGEINT as DOUBLE (losing digits) and ENUM as VARCHAR (losing its order). Here such a
column is cast on the way in, and cast back by the view that stands for the artifact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from upriver.assets.model import Column, Schema
from upriver.lineage.sql.names import literal, quote

DUCKDB = "duckdb"
"""The identity of the engine: patch releases compute the same rows."""

_STORED = (
    (re.compile(r"\bU?HUGEINT\b"), "DECIMAL(38,0)"),
    (re.compile(r"ENUM\((?:'(?:[^']|'')*'(?:, ?)?)+\)"), "VARCHAR"),
    (re.compile(r"\b(?:BIT|BIGNUM)\b"), "VARCHAR"),
    (re.compile(r"\bTIMESTAMP_(?:S|MS)\b"), "TIMESTAMP"),
    (re.compile(r'"NULL"'), "INTEGER"),
)
_GLOB = re.compile(r"[*?\[]")
_QUOTED = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'")


def stored_type(type: str) -> str:
    """The type under which a column of *type* is stored in Parquet.

    A field name inside a struct may spell like a type, so a type with quoted names is only changed as a
    whole.
    """
    if type == '"NULL"':
        return "INTEGER"
    if _QUOTED.search(type) and not type.startswith("ENUM("):
        return type
    for pattern, stored in _STORED:
        type = pattern.sub(stored, type)
    return type


def to_stored(query: str, schema: Schema) -> str:
    """*query* (with columns *schema*) as it is written to Parquet."""
    if all(stored_type(column.type) == column.type for column in schema):
        return query
    columns = ", ".join(_cast(column, stored_type(column.type)) for column in schema)
    return f"select {columns} from (\n{query}\n)"


def stored_scan(files: Sequence[str]) -> str:
    """The table expression that reads exactly these Parquet *files*, and nothing else.

    DuckDB would take ``*``, ``?`` and ``[`` in a name for patterns, and ``year=2024`` in a folder's name for a column.
    """
    listed = ", ".join(literal(escaped(file)) for file in files)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def escaped(file: str) -> str:
    """*file* as a pattern that matches only itself."""
    return _GLOB.sub(r"[\g<0>]", file)


def from_stored(files: tuple[str, ...], schema: Schema) -> str:
    """A query that reads *files* with the column types of *schema*."""
    scan = stored_scan(files)
    if all(stored_type(column.type) == column.type for column in schema):
        return f"select * from {scan}"
    columns = ", ".join(_cast(c, c.type, only=stored_type(c.type) != c.type) for c in schema)
    return f"select {columns} from {scan}"


def _cast(column: Column, type: str, *, only: bool = True) -> str:
    name = quote(column.name)
    if not only or type == column.type == '"NULL"':
        return name
    return f"cast({name} as {type}) as {name}"
