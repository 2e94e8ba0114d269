"""What a change of a column does two queries further on, the way from the one to the other is in the lineage.

The oracle runs both queries on data before and after each change.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import duckdb
import pytest
from tests.lineage.sql.bound import bind
from tests.lineage.sql.cases import Case, cases, schemas
from tests.lineage.sql.oracle import changed_columns

from upriver.assets.model import Schema
from upriver.lineage.columns.graph import ColumnGraph
from upriver.lineage.graph import AssetGraph
from upriver.lineage.model import Analysis
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

SECOND = (
    "select count(*) as n from mid",
    "select 1 as one from mid",
    "select row_number() over () as r from mid",
    "select o.x from (values (1), (2)) o(x), mid",
    "select x from (values (1), (2)) o(x) where exists (from mid)",
    "select x, (select count(*) from mid) as n from (values (1), (2)) o(x)",
    "select x from (values (1), (2), (3)) o(x) order by x limit (select count(*) % 3 from mid)",
    "select 0 as x union all select 7 from mid",
    "select count(*) filter (where {first} is null) as nulls, count(*) as n from mid",
)
"""Queries over what a first query gives, most of which read none of its columns."""

CHANGES = 2


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    binder = Binder()
    yield binder
    binder.close()


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        yield connection


@pytest.mark.parametrize("case", cases("house"), ids=str)
def test_a_change_is_followed_through_the_rows_of_the_query_between(
    case: Case, binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    first = bind(case, binder, database)
    schema = first.analysis.schema
    assert schema is not None
    draw = random.Random(case.sql)
    sql = draw.choice(SECOND).format(first=quote(schema[0].name))
    query = parse_query(sql)
    assert isinstance(query, Query)
    last = binder.analyze(query, {"mid": schema})
    assert isinstance(last, Analysis)

    def result() -> object:
        database.execute(f"create or replace temp table made as {first.world.text}")
        return first.world.result(query.bound_text(lambda _: "temp.made"))

    before = result()
    for key in first.world.keys:
        for column in draw.sample(schemas(case.suite)[key], CHANGES):
            claimed = downstream(first.analysis, last, key, column.name)
            with first.world.changed():
                first.world.change_columns(key, [column], draw.choice((0, 2)))
                try:
                    after = result()
                except duckdb.Error:
                    continue  # an error of the first query is no value of the second
            assert changed_columns(before, after) <= claimed, (sql, key, column.name)  # type: ignore[arg-type]


def downstream(first: Analysis, last: Analysis, key: str, column: str) -> set[int]:
    """The places of the columns of *last* that lineage leads to."""
    reads = {"mid": tuple({group.upstream for group in first.groups} | {key}), "last": ("mid",)}
    graph = AssetGraph({**dict.fromkeys(reads["mid"], ()), **reads})
    tables: dict[str, Schema] = {"mid": first.schema or (), "last": last.schema or ()}
    groups = {"mid": first.groups, "last": last.groups}
    columns = ColumnGraph(graph, lambda k: [c.name for c in tables.get(k, ())], lambda k: groups.get(k, ()))
    reached, _ = columns.downward(key, columns.columns(key).bit(column))
    names = columns.columns("last")
    return {
        place for place, one in enumerate(last.schema or ()) if names.bit(one.name) & reached.get("last", 0)
    }
