"""What DuckDB binds is analysed, however deep it is; what it does not bind is that query's diagnosis."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import duckdb
import pytest
from tests.lineage.sql.deep_queries import DEEP, SCHEMA, TOO_DEEP

from upriver.assets.errors import Diagnosis
from upriver.lineage.model import Analysis
from upriver.lineage.sql.alias_equivalence import only_aliases_differ
from upriver.lineage.sql.parse.parse import Text, parse_queries, parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

FRAMES = 120
"""More than analysing ever takes of Python's stack, no matter the query."""


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    binder = Binder()
    yield binder
    binder.close()


def frames() -> int:
    """How many frames are on the stack here."""
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1  # type: ignore[assignment]
    return count


@pytest.mark.parametrize("name", DEEP)
def test_a_deep_query_is_understood(name: str, binder: Binder) -> None:
    found = analysed(DEEP[name], binder)
    assert not found.opaque
    assert ("t", "a") in {(edge.upstream, edge.upstream_column) for edge in found.edges} or "key" in name


@pytest.mark.soak  # it takes times, which ordinary tests must not depend on
@pytest.mark.parametrize("name", DEEP)
def test_a_deep_query_is_analysed_about_as_fast_as_duckdb_binds_it(name: str, binder: Binder) -> None:
    """By the time of the processor: what else the machine does is no part of it."""
    sql = DEEP[name]
    with duckdb.connect(config={"threads": "1"}) as connection:
        connection.execute(f"create table t ({', '.join(f'{c.name} {c.type}' for c in SCHEMA)})")
        started = time.process_time()
        connection.execute("select json_serialize_plan(?, optimize := false)", [sql])
        engine = time.process_time() - started
    analysed("from t", binder)  # the table is made
    started = time.process_time()
    found = analysed(sql, binder)
    taken = time.process_time() - started
    assert not found.opaque
    assert ("t", "a") in {(edge.upstream, edge.upstream_column) for edge in found.edges} or "key" in name
    assert taken <= 1.5 * engine + 1


@pytest.mark.parametrize("name", DEEP)
def test_the_depth_of_a_query_is_no_depth_of_calls(name: str, binder: Binder) -> None:
    analysed("from t", binder)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(frames() + FRAMES)
    try:
        assert not analysed(DEEP[name], binder).opaque
    finally:
        sys.setrecursionlimit(limit)


def analysed(sql: str, binder: Binder) -> Analysis:
    query = parse_query(sql)
    assert isinstance(query, Query), query
    found = binder.analyze(query, {"t": SCHEMA})
    assert isinstance(found, Analysis), found
    return found


@pytest.mark.parametrize("name", TOO_DEEP)
def test_what_is_deeper_than_duckdb_binds_is_a_diagnosis_with_its_place(name: str) -> None:
    found = parse_queries([Text("select 1"), Text(TOO_DEEP[name], path="assets/x.sql", first_line=3)])
    assert isinstance(found[0], Query)
    assert isinstance(found[1], Diagnosis)
    assert "Max expression depth limit of 1000 exceeded" in found[1].message
    assert found[1].place is not None
    assert str(found[1].place).startswith("assets/x.sql:3")


def test_deep_queries_are_compared_by_their_aliases() -> None:
    one = f"select {' + '.join(['u.a'] * 900)} as x from t u"
    assert only_aliases_differ(one, one.replace("u.a", "v.a").replace("t u", "t v"))
    assert not only_aliases_differ(one, one.replace("u.a", "v.b").replace("t u", "t v"))
