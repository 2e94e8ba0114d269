"""Where a result depends on the order of rows, it depends on all that has put them into that order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.lineage.sql.cases import schemas

from upriver.lineage.model import Analysis, Footprint
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    """One database for all queries."""
    binder = Binder()
    yield binder
    binder.close()


def analysis_of(sql: str, binder: Binder) -> Analysis:
    """What binding *sql* over the ``house`` tables tells."""
    query = parse_query(sql)
    assert isinstance(query, Query), query
    found = binder.analyze(query, schemas("house"))
    assert isinstance(found, Analysis), found
    return found


def bearing_on(column: str, analysis: Analysis) -> set[str]:
    """The upstream columns, of any table, that bear on an output column."""
    return {edge.upstream_column for edge in analysis.edges if edge.column == column and edge.upstream_column}


def footprint(sql: str, key: str, binder: Binder) -> Footprint:
    """What *sql* reads of one table."""
    return dict(analysis_of(sql, binder).footprints)[key]


def test_a_window_without_an_order_follows_the_order_of_the_window_beside_it(binder: Binder) -> None:
    found = analysis_of(
        "select last_value(f) over () as z, min(b) over (order by n rows 1 preceding) as m from t", binder
    )
    assert bearing_on("z", found) == {"f", "n"}


def test_a_limit_that_leaves_ties_follows_the_windows_below_it(binder: Binder) -> None:
    found = analysis_of("select id, b, rank() over (partition by a order by c) as rk from t limit 4", binder)
    assert {"a", "c"} <= bearing_on("id", found)


def test_a_limit_that_leaves_ties_follows_a_join_that_neither_adds_nor_drops_rows(binder: Binder) -> None:
    sql = "select t.b, q.m from t left join (select a, max(v) as m from r group by a) q on t.a = q.a"
    assert bearing_on("b", analysis_of(sql, binder)) == {"b"}
    assert bearing_on("b", analysis_of(f"{sql} order by b limit 4", binder)) == {"b", "a"}


JOINED = "from t join r on t.a = r.a where t.c > 0"


def test_the_rows_that_a_filter_excludes_count_where_they_decide_how_a_join_is_made(binder: Binder) -> None:
    """The optimizer puts the smaller table into memory, and its rows come out in another order."""
    found = footprint(f"select r.k, first(t.b) as fb {JOINED} group by r.k", "t", binder)
    assert (found.predicate, found.ordered, found.columns) == (None, True, ("a", "b", "c"))


@pytest.mark.parametrize(
    "sql",
    [
        f"select r.k, sum(t.id) as s {JOINED} group by r.k",
        f"select r.k, sum(t.x) as s {JOINED} group by r.k",
        "select a, first(b) as fb from t where c > 0 group by a",
        "select a, b from t where c > 0 order by a limit 3",
        "select a, row_number() over (partition by a order by b) as nr from t where c > 0",
    ],
)
def test_the_rows_that_a_filter_excludes_do_not_count_otherwise(sql: str, binder: Binder) -> None:
    """Not even for a sum of floats, whose last bits are all that another order can change."""
    assert footprint(sql, "t", binder).predicate == '("c" > 0)'
