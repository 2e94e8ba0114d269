"""Row filters that Polars hands to a scan, as DuckDB expressions with the same meaning.

Only comparisons, ``is_in``, ``is_between`` and ``is_null`` of plain columns with literals of the same type
are translated, joined by and, or and not. Both engines compare strings by their bytes, treat NaN as equal to
itself and greater than all numbers, and ignore the sign of zero. What is left out of a conjunction widens
the filter.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

import polars as pl
from polars.datatypes import DataType

from upriver.lineage.polars.tree import FAILURES, Expression, read_plan
from upriver.lineage.sql.names import literal, quote

_COMPARISONS = {
    "Eq": "=",
    "NotEq": "<>",
    "Lt": "<",
    "LtEq": "<=",
    "Gt": ">",
    "GtEq": ">=",
    "EqValidity": "IS NOT DISTINCT FROM",
    "NotEqValidity": "IS DISTINCT FROM",
}
_BOUNDS = {"both": (">=", "<="), "left": (">=", "<"), "right": (">", "<="), "none": (">", "<")}
_INTEGERS: dict[type[DataType], str] = {
    pl.Int8: "TINYINT",
    pl.Int16: "SMALLINT",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.UInt8: "UTINYINT",
    pl.UInt16: "USMALLINT",
    pl.UInt32: "UINTEGER",
    pl.UInt64: "UBIGINT",
}
MAX_LENGTH = 10_000
"""Characters of the longest filter worth keeping: a long list of values is data, not a filter."""


def predicate_sql(predicate: pl.Expr, schema: pl.Schema, comparable: frozenset[str]) -> str | None:
    """*predicate* over columns of *schema* as a DuckDB boolean expression that is true for no fewer rows.

    Only the columns *comparable* have the same type in both engines. None when no part can be translated.
    """
    try:
        plan = read_plan(pl.LazyFrame(schema=schema).filter(predicate))
    except FAILURES:
        return None
    if plan.op != "filter":
        return None
    conjuncts = _conjuncts(plan.expressions[0].expression)
    known = [text for part in conjuncts if (text := _boolean(part)) and set(_columns(part)) <= comparable]
    # Polars gives the parts in any order; the same filter is to be the same text.
    text = " AND ".join(sorted(set(known)))
    return text if known and len(text) <= MAX_LENGTH else None


def either(filters: list[str | None]) -> str | None:
    """One filter that lets through what any of *filters* does; None (no filter) when one of them is None."""
    known = sorted({f for f in filters if f is not None})
    if not filters or len(known) < len(set(filters)):
        return None
    return known[0] if len(known) == 1 else " OR ".join(f"({f})" for f in known)


def _conjuncts(expression: Expression) -> list[Expression]:
    if expression.op == "binary" and expression.name in ("And", "LogicalAnd"):
        return [part for inner in expression.inputs for part in _conjuncts(inner)]
    return [expression]


def _columns(expression: Expression) -> Iterator[str]:
    if expression.op == "column":
        yield expression.name
    for inner in expression.inputs:
        yield from _columns(inner)


def _boolean(expression: Expression) -> str | None:
    """A translation that is equal to *expression* for every row, null included."""
    match expression.op:
        case "column" if isinstance(expression.dtype, pl.Boolean):
            return quote(expression.name)
        case "binary" if expression.name in ("And", "LogicalAnd", "Or", "LogicalOr"):
            both = [_boolean(inner) for inner in expression.inputs]
            word = " AND " if expression.name.endswith("And") else " OR "
            return None if None in both else f"({word.join(str(b) for b in both)})"
        case "binary" if expression.name in _COMPARISONS:
            one, other = expression.inputs
            left, right = _operand(one, other.dtype), _operand(other, one.dtype)
            if left is None or right is None or {one.op, other.op} == {"literal"}:
                return None
            return f"({left} {_COMPARISONS[expression.name]} {right})"
        case "function":
            return _function(expression)
    return None


def _function(expression: Expression) -> str | None:
    first, *rest = expression.inputs
    match expression.name:
        case "BooleanFunction.Not":
            inner = _boolean(first)
            return f"(NOT {inner})" if inner is not None else None
        case "BooleanFunction.IsNull" | "BooleanFunction.IsNotNull" if first.op == "column":
            word = "IS NULL" if expression.name.endswith("IsNull") else "IS NOT NULL"
            return f"({quote(first.name)} {word})"
        case "BooleanFunction.IsBetween":
            operands = [_operand(first, rest[0].dtype), *(_operand(e, first.dtype) for e in rest)]
            low, high = _BOUNDS[str(expression.options[0])]
            if None in operands:
                return None
            column, least, most = operands
            return f"({column} {low} {least} AND {column} {high} {most})"
        case "BooleanFunction.IsIn" if first.op == "column" and rest[0].op == "literal":
            return _is_in(first, rest[0].options[0])
    return None


def _is_in(column: Expression, values: Any) -> str | None:
    if not isinstance(values, list) or not values or any(v is None for v in values):
        return None
    texts = [_literal(value, column.dtype) for value in values]
    return f"({quote(column.name)} IN ({', '.join(str(t) for t in texts)}))" if None not in texts else None


def _operand(expression: Expression, other: DataType | None) -> str | None:
    if expression.dtype is None or expression.dtype != other or _literal_type(expression.dtype) is None:
        return None
    match expression.op:
        case "column":
            return quote(expression.name)
        case "literal":
            return _literal(expression.options[0], expression.dtype)
    return None


def _literal_type(dtype: DataType) -> str | None:
    """The DuckDB type in which values of *dtype* compare alike in both engines."""
    if type(dtype) in _INTEGERS:
        return _INTEGERS[type(dtype)]
    match dtype:
        case pl.Float64():
            return "DOUBLE"
        case pl.String():
            return "VARCHAR"
        case pl.Date():
            return "DATE"
        case pl.Boolean():
            return "BOOLEAN"
        case pl.Datetime(time_unit="us") if dtype.time_zone in (None, "UTC"):
            return "TIMESTAMPTZ" if dtype.time_zone else "TIMESTAMP"
    return None


def _literal(value: Any, dtype: DataType | None) -> str | None:
    kind = _literal_type(dtype) if dtype is not None else None
    match value:
        case bool() if kind == "BOOLEAN":
            return "true" if value else "false"
        case bool():
            return None
        case int() if dtype is not None and dtype.is_integer():
            return f"CAST({value} AS {kind})"
        case float() | int() if kind == "DOUBLE":
            text = "nan" if math.isnan(value) else repr(float(value))
            return f"CAST('{text}' AS DOUBLE)"
        case str() if kind == "VARCHAR" and "\0" not in value:
            return literal(value)
        case dt.datetime() if kind == "TIMESTAMP" and value.tzinfo is None:
            return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP)"
        case dt.datetime() if kind == "TIMESTAMPTZ" and value.tzinfo is not None:
            utc = value.astimezone(dt.UTC).replace(tzinfo=None)
            return f"CAST('{utc.isoformat(sep=' ')}+00' AS TIMESTAMPTZ)"
        case dt.datetime():
            return None
        case dt.date() if kind == "DATE":
            return f"CAST('{value.isoformat()}' AS DATE)"
    return None
