"""The oracle sees what it is there to see: told too little of a query, it finds out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import msgspec
import pytest
from tests.lineage.sql.bound import Bound, bind
from tests.lineage.sql.cases import Case

from upriver.lineage.columns.groups import grouped
from upriver.lineage.model import Analysis, ColumnEdge
from upriver.lineage.sql.plan.binder import Binder


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Where the queries run."""
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        yield connection


@pytest.fixture
def bound_to(database: duckdb.DuckDBPyConnection) -> Iterator[Callable[[str], Bound]]:
    """Binds and fills a query over the tables of ``house``."""
    binder = Binder()
    yield lambda sql: bind(Case("house", "one", sql), binder, database)
    binder.close()


def without_edges(analysis: Analysis, drop: Callable[[ColumnEdge], bool]) -> Analysis:
    """An analysis that has forgotten some edges."""
    kept = grouped((e for e in analysis.edges if not drop(e)), analysis.schema or ())
    return msgspec.structs.replace(analysis, groups=kept)


def with_footprint(analysis: Analysis, key: str, **changes: object) -> Analysis:
    """An analysis that tells something else of what is read of *key*."""
    footprints = tuple(
        (k, msgspec.structs.replace(footprint, **changes) if k == key else footprint)
        for k, footprint in analysis.footprints
    )
    return msgspec.structs.replace(analysis, footprints=footprints)


def test_an_edge_to_one_of_two_columns_that_is_missing_is_found(bound_to: Callable[[str], Bound]) -> None:
    bound = bound_to("select a + c as one, c as two from t")
    bound.check()
    bound.analysis = without_edges(bound.analysis, lambda e: (e.upstream_column, e.column) == ("c", "one"))
    with pytest.raises(AssertionError):
        bound.check()


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("select a, id from t", "a"),
        ("select id from t where a > 1", "a"),
        ("select id from t order by c, id limit 3", "c"),
        ("select count(*) as n from t where b = 'x'", "b"),
    ],
)
def test_a_column_that_is_read_and_has_lost_all_its_edges_is_found(
    sql: str, column: str, bound_to: Callable[[str], Bound]
) -> None:
    bound = bound_to(sql)
    bound.check()
    bound.analysis = without_edges(bound.analysis, lambda e: e.upstream_column == column)
    with pytest.raises(AssertionError):
        bound.check()


def test_a_column_that_the_footprint_has_lost_is_found(bound_to: Callable[[str], Bound]) -> None:
    bound = bound_to("select a, id from t")
    bound.analysis = with_footprint(bound.analysis, "t", columns=("id",))
    bound.analysis = without_edges(bound.analysis, lambda e: e.upstream_column == "a")
    with pytest.raises(AssertionError):
        bound.check()


def test_an_upstream_that_the_footprints_have_lost_is_found(bound_to: Callable[[str], Bound]) -> None:
    """Even where no column of it is read."""
    bound = bound_to("select t.id, (select count(*) from r) as n from t")
    bound.check()
    kept = tuple((key, footprint) for key, footprint in bound.analysis.footprints if key != "r")
    bound.analysis = msgspec.structs.replace(bound.analysis, footprints=kept)
    with pytest.raises(AssertionError):
        bound.check()


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select id from t where a > 1", {"predicate": '"a" > 2'}),
        ("select id from t where a > 1 and c > 1", {"predicate": '("a" > 1) AND ("c" > 1) AND ("id" > 1)'}),
        ("select list(id) as l from t", {"ordered": False}),
        ("select id from t limit 3", {"ordered": False}),
    ],
)
def test_a_footprint_that_is_too_narrow_is_found(
    sql: str, told: dict[str, object], bound_to: Callable[[str], Bound]
) -> None:
    bound = bound_to(sql)
    bound.check()
    bound.analysis = with_footprint(bound.analysis, "t", **told)
    with pytest.raises(AssertionError):
        bound.check()


def test_a_change_that_is_undone_leaves_the_data_as_they_were(bound_to: Callable[[str], Bound]) -> None:
    bound = bound_to("select list(r order by r) as rows, 1 as one from r")
    assert bound.check() > 0
    assert bound.world.result() == bound.result
