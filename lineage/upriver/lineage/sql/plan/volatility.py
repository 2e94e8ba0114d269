"""Side effects of expressions: which may fail, and whose result does not depend on the input alone.

Both lists name what is known to be harmless, respectively known to DuckDB as not; all else counts as risky.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import duckdb

from upriver.lineage.model import Volatility
from upriver.lineage.sql.plan.flow import Node
from upriver.lineage.sql.plan.predicate import constant_value, widens

# fmt: off
_TOTAL_FUNCTIONS = frozenset({
    "~~", "!~~", "~~*", "!~~*", "||", "concat", "concat_ws", "contains", "prefix", "suffix",
    "starts_with", "ends_with", "lower", "upper", "lcase", "ucase", "trim", "ltrim", "rtrim", "length",
    "strlen", "reverse", "left", "right", "substring", "substr", "replace", "strip_accents", "ascii",
    "instr", "position", "strpos", "struct_extract", "struct_pack", "list_value", "unpivot_list",
    "row", "struct_extract_at", "map_extract_value", "list_contains", "year", "month", "day",
    "dayofmonth", "dayofweek", "isodow", "dayofyear", "quarter", "hour", "minute", "second", "week",
    "weekofyear", "isnan", "isinf", "isfinite", "sign", "greatest", "least", "ifnull", "nullif",
    "hash", "md5", "sha256", "constant_or_null",
})
# fmt: on
_DOUBLE_ARITHMETIC = frozenset({"+", "-", "*", "/"})
_TOTAL_OPERATORS = frozenset(
    {
        "OPERATOR_NOT",
        "OPERATOR_IS_NULL",
        "OPERATOR_IS_NOT_NULL",
        "COMPARE_IN",
        "COMPARE_NOT_IN",
        "OPERATOR_COALESCE",
        "OPERATOR_TRY",
    }
)
_ONLY_CHILDREN = frozenset({"BOUND_FUNCTION", "BOUND_OPERATOR", "BOUND_CONJUNCTION"})
_WITHOUT_EXPRESSIONS = frozenset({"function_data", "return_type"})
# fmt: off
_TOTAL_AGGREGATES = frozenset({
    "count", "count_star", "min", "max", "sum", "avg", "mean", "first", "last", "any_value",
    "bool_and", "bool_or",
})
# fmt: on

ORDINARY = (
    _TOTAL_FUNCTIONS
    | _TOTAL_AGGREGATES
    | frozenset(
        {
            "+",
            "-",
            "*",
            "/",
            "//",
            "%",
            "round",
            "floor",
            "ceil",
            "abs",
            "date_diff",
            "date_trunc",
            "date_part",
        }
    )
    | frozenset({"row_number", "rank", "dense_rank", "lag", "lead"})
)
"""Functions in nearly every query, of which the tests say that DuckDB's table does not call them volatile."""

_DAILY = frozenset({"current_date", "today", "age"})
_STEADY = frozenset(
    {
        "error",
        "stats",
        "vector_type",
        "current_database",
        "current_schema",
        "current_schemas",
        "in_search_path",
    }
)
# fmt: off
# DuckDB 2.0.1 lists these as changing from query to query because of their overloads for instants, which read the
# session's time zone (its release before did not). Upriver sets the zone to UTC wherever a recipe runs, so they
# give the same for the same arguments. By name and not by signature: a function not looked at stays volatile.
_ZONED = frozenset({
    "+", "-", "age", "century", "date_diff", "date_part", "date_sub", "date_trunc", "datediff", "datepart", "datesub",
    "datetrunc", "day", "dayname", "dayofmonth", "dayofweek", "dayofyear", "decade", "era", "generate_series", "hour",
    "isodow", "isoyear", "julian", "last_day", "make_timestamptz", "microsecond", "millennium", "millisecond",
    "minute", "month", "monthname", "quarter", "range", "second", "strftime", "time_bucket", "timezone",
    "timezone_hour", "timezone_minute", "week", "weekday", "weekofyear", "year", "yearweek",
})
# fmt: on
# DuckDB 2.0 lists these as consistent although they read the clock or draw a sample.
_UNLISTED = frozenset({"current_localtime", "current_localtimestamp", "reservoir_quantile"})


def may_fail(expression: Node) -> bool:
    """Whether computing *expression* can raise an error for some row."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        match part["expression_class"]:
            case "BOUND_REF" | "BOUND_CONSTANT" | "BOUND_COLUMN_REF":
                continue
            case "BOUND_FUNCTION":
                if not _function_is_total(part):
                    return True
            case "BOUND_OPERATOR":
                if part["type"] == "OPERATOR_TRY":
                    continue
                if part["type"] not in _TOTAL_OPERATORS:
                    return True
            case "BOUND_AGGREGATE":
                if part["qname"]["path"][-1] not in _TOTAL_AGGREGATES:
                    return True
            case "BOUND_CASE" | "BOUND_CONJUNCTION" | "BOUND_UNNEST":
                pass
            case _:
                return True
        waiting += subexpressions(part)
    return False


def _function_is_total(expression: Node) -> bool:
    kind, name = expression["type"], expression["qname"]["path"][-1]
    if kind.startswith("COMPARE_"):
        return True
    if kind == "OPERATOR_CAST":
        if expression["function_data"]["try_cast"] or constant_value(expression) is not None:
            return True
        target = expression["return_type"]
        (child,) = expression["children"]
        source = child["value"]["type"] if "value" in child else child["return_type"]
        return target["id"] == "VARCHAR" or widens(source, target)
    if name in _DOUBLE_ARITHMETIC:
        return expression["return_type"]["id"] in ("DOUBLE", "FLOAT")
    return name in _TOTAL_FUNCTIONS


def subexpressions(expression: Node) -> Iterable[Node]:
    """The expressions directly inside *expression*, whatever it is."""
    if expression.get("expression_class") in _ONLY_CHILDREN:
        children: list[Node] = expression["children"]
        return children
    return _searched(expression)


def _searched(expression: Node) -> Iterator[Node]:
    waiting: list[Any] = [
        value
        for name, value in expression.items()
        if name not in _WITHOUT_EXPRESSIONS and isinstance(value, dict | list)
    ]
    waiting.reverse()
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += [item for item in reversed(value) if isinstance(item, dict | list)]
        elif "expression_class" in value:
            yield value
        else:
            waiting += [item for item in reversed(value.values()) if isinstance(item, dict | list)]


class VolatileFunctions:
    """Which functions give another result although no input changed: DuckDB's own table, with its gaps filled.

    *connection* is asked for the table when a function is met that is not among the :data:`ORDINARY`: reading it
    takes longer than to bind a few queries.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all functions that are volatile."""
        rows = self._connection.execute(
            "select distinct function_name from duckdb_functions() "
            "where stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
        ).fetchall()
        return _UNLISTED.union(name for (name,) in rows).difference(_STEADY, _ZONED)

    def volatility(self, name: str, arguments: int) -> Volatility | None:
        """How function *name* with so many arguments is volatile, None when it is not."""
        if name in _DAILY and (name != "age" or arguments == 1):
            return Volatility(name, "day")
        if name in ORDINARY or name not in self.names:
            return None
        return Volatility(name, "build")

    def is_steady(self, name: str) -> bool:
        """Whether function *name* depends on its arguments alone: not on the clock, on chance, nor on the session."""
        return name in ORDINARY or name not in (self.names | _DAILY | _STEADY)
