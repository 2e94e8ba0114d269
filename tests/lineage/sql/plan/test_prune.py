"""Columns that pass by and are read nowhere are no part of what a query means: see ``prune``."""

from __future__ import annotations

import random
from collections.abc import Iterator

import duckdb
import pytest
from tests.lineage.sql.cases import Case, cases, schemas
from tests.lineage.sql.oracle import World
from tests.lineage.sql.random_queries import Queries

from upriver.assets.model import Column, Key, Schema
from upriver.lineage.model import Analysis
from upriver.lineage.sql.names import quote, relation_name
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

T = (Column("g", "INTEGER"), Column("x", "INTEGER"), Column("y", "VARCHAR"))
TABLES: dict[Key, Schema] = {"t": T, "u": (Column("g", "INTEGER"), Column("z", "INTEGER"))}
RANDOM_QUERIES = 60
WRITTEN_BEFORE = "ed51fba2716257c2b7ae718c710c3381"
"""What was recorded for a query before columns that pass by were left out."""


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    binder = Binder()
    yield binder
    binder.close()


def analysis(binder: Binder, sql: str, tables: dict[Key, Schema]) -> Analysis:
    query = parse_query(sql)
    assert isinstance(query, Query), query
    found = binder.analyze(query, tables)
    assert isinstance(found, Analysis), found
    return found


PASSING_BY = {
    "a table of its own": "with f as (select * from t) select g, count(*) as n from f group by g",
    "a subquery": "select x from (select * from t where y = 'a') where g > 1",
    "several levels": "with a as (from t), b as (from a), c as (from b) select x from c",
    "read twice": "with f as (from t) select a.x, b.g from f a join f b on a.g = b.g and a.x > b.x where b.y <> 'q'",
    "a materialized one": "with f as materialized (from t) select l.x from f l left join f r on l.g = r.x",
    "behind a join": "with j as (select t.*, u.z from t join u on t.g = u.g) select z, max(x) as m from j group by z",
    "the right side": "select u.z, q.y from u left join (from t) q on q.g = u.g and q.x < u.z",
    "a semi-join": "select z from u where g in (select g from (from t) where x > 1)",
    "an anti-join": "select z from u where not exists (select * from (from t) q where q.g = u.g)",
    "a correlated scalar": "select z, (select max(q.x) from (select * from t) q where q.g = u.g) as m from u",
    "windows": "select g, n from (select *, row_number() over (partition by g order by x, y) as n from t) where n = 1",
    "a qualified one": "select g from (select * from t qualify rank() over (partition by g order by x) = 1)",
    "the first of each": "select x from (select distinct on (g) * from t order by g, x, y)",
    "a sorted one": "select x from (select * from t order by g, x, y limit 2)",
    "a list taken apart": "select g, e from (select *, unnest([x, g]) as e from t)",
    "a computed column": "select d from (select *, x * 2 as d from t)",
    "a replaced column": "select x from (select * replace (x + 1 as x) from t)",
    "a cross join": "select z from u, (select * from t) q",
    "two below each other": "select g from (select * from t union all select * from t)",
    "two below each other, one computed": "select x from (select * from t union all select * replace (y || 'z' as y) from t)",
    "the same row once": "select z, q.g from u, (select * from t union all from t) q",
    "as of": "select u.z, q.x from u asof join (from t) q on q.g = u.g and q.x <= u.z",
}
READ = {
    "one of each": "select g from (from t union from t)",
    "a difference": "select g from (from t intersect from t)",
    "counted distinct": "select count(*) as n from (select distinct * from t)",
    "as a whole": "select count(q) as n from (from t) q",
    "the last star": "with f as (from t) from f",
    "compared as a set": "select g from (from t except from t)",
    "packed": "select row_to_json(q) as j from (from t) q",
}


def widened(at: int, type_: str = "DOUBLE") -> dict[Key, Schema]:
    return {**TABLES, "t": (*T[:at], Column("fresh", type_), *T[at:])}


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("name", PASSING_BY)
def test_a_new_column_that_only_passes_by_changes_no_binding(name: str, at: int, binder: Binder) -> None:
    sql = PASSING_BY[name]
    before, after = analysis(binder, sql, TABLES), analysis(binder, sql, widened(at))
    assert before.binding == after.binding
    assert [(key, one.columns) for key, one in before.footprints] == [
        (key, one.columns) for key, one in after.footprints
    ]


@pytest.mark.parametrize("name", READ)
def test_a_new_column_that_is_read_changes_the_binding(name: str, binder: Binder) -> None:
    before, after = analysis(binder, READ[name], TABLES), analysis(binder, READ[name], widened(1))
    assert before.binding != after.binding


@pytest.mark.parametrize("name", [name for name in PASSING_BY if name != "a cross join"])
def test_another_type_of_what_is_read_changes_the_binding(name: str, binder: Binder) -> None:
    retyped = {**TABLES, "t": (*(Column(one.name, "HUGEINT") for one in T[:2]), T[2])}
    before, after = analysis(binder, PASSING_BY[name], TABLES), analysis(binder, PASSING_BY[name], retyped)
    assert before.binding != after.binding


def test_the_digest_of_the_whole_plan_is_known_beside_it(binder: Binder) -> None:
    """States that were written before hold it."""
    found = analysis(binder, PASSING_BY["a subquery"], {**TABLES, "t": (*T, Column("more", "DATE"))})
    assert found.whole_binding not in ("", found.binding)
    assert found.whole_binding == WRITTEN_BEFORE


def _edited(schema: Schema, draw: random.Random) -> Schema:
    """A column more, a column less, or columns in other places."""
    columns = list(schema)
    match draw.randrange(4):
        case 0:
            columns.pop(draw.randrange(len(columns)))
        case 1:
            draw.shuffle(columns)
    if draw.random() < 0.7 or not columns:
        columns.insert(draw.randrange(len(columns) + 1), Column(f"added{draw.randrange(3)}", "INTEGER"))
    return tuple(columns)


def _same_result(
    sql: str, tables: dict[Key, Schema], seed: int, binder: Binder, database: duckdb.DuckDBPyConnection
) -> bool:
    """Whether an edit of the schemas left the binding as it was; fails when it did, and the result differs."""
    query = parse_query(sql)
    if not isinstance(query, Query):
        return False
    draw = random.Random(seed)
    edited = {key: _edited(tables[key], draw) for key in list(query.keys())}
    before, after = binder.analyze(query, tables), binder.analyze(query, edited)
    if not (isinstance(before, Analysis) and isinstance(after, Analysis)) or before.binding != after.binding:
        return False
    assert before.schema == after.schema
    world = World(database, query, tables, seed)
    result = world.result()
    for key in world.keys:
        table, known = relation_name(key), {column.name for column in tables[key]}
        picked = ", ".join(
            quote(c.name) if c.name in known else f"rowid::{c.type} as {quote(c.name)}" for c in edited[key]
        )
        world.run(f"create or replace temp table edited as select {picked} from {table}")
        world.run(f"create or replace table {table} as from edited")
    assert world.result() == result, (sql, edited)
    return isinstance(result, tuple)


def test_equal_bindings_over_other_columns_give_equal_results(binder: Binder) -> None:
    cases_: list[Case] = [*cases("house"), *cases("tpch")]
    with duckdb.connect(":memory:", config={"threads": "1"}) as database:
        compared = sum(
            _same_result(case.sql, schemas(case.suite), seed, binder, database)
            for case in cases_ for seed in range(2)
        )  # fmt: skip
        assert compared > len(cases_)
        for seed in range(RANDOM_QUERIES):
            sql = Queries(seed).query(1 + seed % 5)
            compared += _same_result(sql, schemas("house"), seed, binder, database)
        for name, sql in PASSING_BY.items():
            seeds = [seed for seed in range(12) if _same_result(sql, TABLES, seed, binder, database)]
            assert len(seeds) > 2, name
