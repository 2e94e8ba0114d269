"""Which expressions may fail, and which functions give another result although no input changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from upriver.lineage.model import Volatility
from upriver.lineage.sql.plan.flow import Node
from upriver.lineage.sql.plan.volatility import VolatileFunctions, may_fail

NEVER = [
    "i", "1", "d + 1", "d / 0", "upper(s)", "s || 'x'", "year(a)", "try(i + 1)", "try(s::int)", "try_cast(s as int)",
    "i::varchar", "d::varchar", "i::bigint", "i::double", "i::hugeint", "'2024-01-01'::date", "i in (1, 2)",
    "i not in (1, 2)", "not (i > 1)", "i is null", "i is not null", "coalesce(i, 1)", "i between 1 and 2",
    "case when i > 1 then 2 else 3 end", "i > 1 and s like 'a%'", "f * 2", "d - d",
]  # fmt: skip
MAY = [
    "i + 1", "i // 2", "d % 2", "-i", "abs(i)", "l[1]", "s::int", "i::smallint", "i::blob", "s::blob",
    "i::decimal(18, 2)", "ts::date", "case when i > 1 then i + 1 else 3 end", "i > 1 and i + 1 > 2",
    "i in (1, i + 1)", "not (i + 1 > 2)", "coalesce(i, i + 1)", "upper(l[1]::varchar)", "i::variant", "s > error('x')", "s::date",
]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "create table t (i int, s varchar, d double, f float, a date, l int[], ts timestamp)"
        )
        yield connection


def bound(
    connection: duckdb.DuckDBPyConnection, expression: str, operator: str = "LOGICAL_PROJECTION"
) -> Node:
    """*expression* over ``t``, as DuckDB has bound it."""
    query = f"select {expression} as e from t"
    found = connection.execute("select json_serialize_plan(?, optimize := false)", [query]).fetchone()
    assert found is not None
    waiting: list[Any] = [json.loads(found[0])]
    for value in waiting:
        if isinstance(value, dict) and value.get("type") == operator:
            node: Node = value["expressions"][0]
            return node
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    raise AssertionError(f"no {operator} for {expression}")


@pytest.mark.parametrize("expression", NEVER)
def test_what_is_defined_for_all_values_never_fails(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    assert not may_fail(bound(connection, expression))


@pytest.mark.parametrize("expression", MAY)
def test_what_some_value_makes_fail_or_is_not_known_may_fail(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    assert may_fail(bound(connection, expression))


@pytest.mark.parametrize(
    ("expression", "may"),
    [
        *(
            (one, False)
            for one in ("sum(i)", "count(*)", "count(s)", "min(s)", "avg(d)", "any_value(l)", "sum(d + 1)")
        ),
        *(
            (one, True)
            for one in ("list(i)", "string_agg(s)", "sum(i + 1)", "histogram(i)", "quantile_cont(d, 0.5)")
        ),
    ],
)
def test_an_aggregate_that_is_not_known_may_fail(
    expression: str, may: bool, connection: duckdb.DuckDBPyConnection
) -> None:
    assert may_fail(bound(connection, expression, "LOGICAL_AGGREGATE_AND_GROUP_BY")) is may


@pytest.fixture(scope="module")
def functions(connection: duckdb.DuckDBPyConnection) -> VolatileFunctions:
    return VolatileFunctions(connection)


@pytest.mark.parametrize(
    "name",
    [
        "now",
        "random",
        "uuid",
        "get_current_timestamp",
        "current_localtime",
        "current_localtimestamp",
        "reservoir_quantile",
    ],
)
def test_the_clock_and_chance_change_with_every_build(name: str, functions: VolatileFunctions) -> None:
    assert functions.volatility(name, 0) == Volatility(name, "build")


@pytest.mark.parametrize(("name", "arguments"), [("current_date", 0), ("today", 0), ("age", 1)])
def test_the_date_changes_with_the_day(name: str, arguments: int, functions: VolatileFunctions) -> None:
    assert functions.volatility(name, arguments) == Volatility(name, "day")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, 0) for name in ("current_database", "current_schema", "current_schemas")),
        *(
            (name, 1)
            for name in ("error", "stats", "vector_type", "in_search_path", "abs", "year", "dayname")
        ),
        *((name, 2) for name in ("age", "date_trunc", "date_diff", "+", "-", "timezone")),
    ],
)
def test_what_upriver_holds_steady_changes_never(
    name: str, arguments: int, functions: VolatileFunctions
) -> None:
    assert functions.volatility(name, arguments) is None
