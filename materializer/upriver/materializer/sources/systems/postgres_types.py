"""Types of PostgreSQL as they are read: unchanged, as text that is cast again, or as text; and what is refused.

The driver wraps infinite and far moments into others, joins the parts of nested arrays, and takes oids for signed:
nothing goes through it that it could change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from upriver.lineage.sql.names import quote
from upriver.materializer.ports.system import SystemFault

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Cursor

_AS_IT_IS = frozenset(
    {
        "bool",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "text",
        "varchar",
        "bpchar",
        "name",
        "bytea",
        "interval",
    }
)
_ARRAYS = frozenset({"_bool", "_int2", "_int4", "_int8", "_float4", "_float8", "_text", "_varchar"})
_LAST = "294247-01-01"
"""The first moment that microseconds since 1970 in 64 bits can't hold."""


class Guard(NamedTuple):
    """A condition on a value that can't be kept; *what* it is called."""

    condition: str
    what: str


class PostgresColumn(NamedTuple):
    """A column as it is read. *selected* is its expression in a query, *cast* the DuckDB type of what comes as text."""

    name: str
    type: str
    selected: str
    cast: str = ""
    guards: tuple[Guard, ...] = ()
    note: str = ""


def columns_of(cursor: Cursor, relation: str) -> tuple[PostgresColumn, ...]:
    """The columns of a table expression, found without reading rows. Raises SystemFault."""
    schema = cursor.adbc_execute_schema(f"select * from {relation}")
    found, names = [], set[str]()
    for field in schema:
        if field.name in names:
            raise SystemFault(
                f"two columns are called {field.name!r}\n  hint: give one of them another name, `as …`"
            )
        names.add(field.name)
        told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        found.append(
            _column(field.name, told.get("POSTGRESQL:type", ""), int(told.get("POSTGRESQL:typmod", "-1")))
        )
    return tuple(found)


def _column(name: str, type: str, typmod: int) -> PostgresColumn:
    column = quote(name)
    if type in _AS_IT_IS:
        return PostgresColumn(name, type, column)
    if type in _ARRAYS:
        guard = Guard(
            f"array_ndims({column}) > 1 or array_lower({column}, 1) <> 1", "arrays of several dimensions"
        )
        return PostgresColumn(name, type, column, "", (guard,))
    if type == "date":
        return PostgresColumn(name, type, column, "", (Guard(f"not isfinite({column})", "infinity"),))
    if type in ("timestamp", "timestamptz"):
        far = Guard(
            f"not isfinite({column}) or {column} >= '{_LAST}'", "infinity, or a moment after the year 294246,"
        )
        return PostgresColumn(name, type, column, "", (far,))
    if type == "time":
        return PostgresColumn(name, type, column, "", (Guard(f"{column} = '24:00'", "the time 24:00"),))
    text = f"{column}::text as {column}"
    if type == "uuid":
        return PostgresColumn(name, type, text, "UUID")
    if type in ("json", "jsonb"):
        return PostgresColumn(name, type, text)
    if type == "numeric" and typmod >= 4:
        precision, scale = (typmod - 4) >> 16 & 0xFFFF, (typmod - 4) & 0x7FF
        if precision <= 38 and scale <= precision:
            nan = Guard(f"{column} = 'NaN'", "NaN")
            return PostgresColumn(
                name, f"numeric({precision},{scale})", text, f"DECIMAL({precision},{scale})", (nan,)
            )
    note = ""
    if type == "numeric":
        note = (
            f"column {name} is numeric without a precision that a table here has, and was read as text: "
            f'a query="select …, {column}::numeric(18, 2)" reads numbers'
        )
    return PostgresColumn(name, _plain(type), text, "", (), note)


def _plain(type: str) -> str:
    """The name of a type that is told by its number only is the same in every database."""
    return re.sub(r"^unnamed<oid:(\d+)>$", r"oid \1", type)
