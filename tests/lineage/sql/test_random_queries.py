"""Random queries depend on nothing but their lineage: see ``random_queries`` and ``test_oracle``."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from tests.lineage.sql.bound import Bound
from tests.lineage.sql.cases import Case, schemas
from tests.lineage.sql.oracle import World
from tests.lineage.sql.random_queries import Queries

from upriver.assets.errors import Diagnosis
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.plan.binder import Binder

BATCH = 25


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    """One database for all queries."""
    binder = Binder()
    yield binder
    binder.close()


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Where the queries run."""
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        yield connection


def check(seed: int, depth: int, binder: Binder, database: duckdb.DuckDBPyConnection) -> bool:
    """Whether the query of *seed* can be bound and run; fails when something that it depends on is missing."""
    sql, tables = Queries(seed).query(depth), schemas("house")
    query = parse_query(sql)
    if isinstance(query, Diagnosis):
        return False
    analysis = binder.analyze(query, tables)
    if isinstance(analysis, Diagnosis):
        return False
    assert not analysis.opaque, (analysis.opaque, sql)
    world = World(database, query, tables, seed)
    bound = Bound(Case("random", str(seed), sql), query, analysis, world, world.result())
    if isinstance(bound.result, str):
        return False
    try:
        bound.check()
    except AssertionError as error:
        error.add_note(sql)
        raise
    return True


@pytest.mark.parametrize(
    "batch", [*range(4), *(pytest.param(batch, marks=pytest.mark.soak) for batch in range(4, 400))]
)
def test_random_queries_depend_on_nothing_but_their_lineage(
    batch: int, binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    checked = sum(check(seed, 1 + seed % 5, binder, database) for seed in seeds)
    assert checked > BATCH * 0.8  # that a random query can be bound and run is the rule
