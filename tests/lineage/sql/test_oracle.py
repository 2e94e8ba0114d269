"""Nothing that a query was seen to depend on is missing from its lineage; nothing outside its footprint changes it.

Each case is bound, then run on small adversarial data that is perturbed: see ``oracle``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pytest

from upriver.assets.errors import Diagnosis
from upriver.lineage.model import Analysis
from upriver.lineage.sql.binder import Binder
from upriver.lineage.sql.names import relation_name
from upriver.lineage.sql.parse import parse_query
from upriver.lineage.sql.query import Query

from .cases import Case, cases, schemas
from .mutations import mutated
from .oracle import Result, World, changed_columns, unread_columns

OPAQUE = {"house:ctes/recursive using key": "DuckDB 2.0.0 fails to show this plan; 2.0.1 does"}
SUITES = [*cases("house"), *cases("tpch")]


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    """One database for all cases of a suite."""
    binder = Binder()
    yield binder
    binder.close()


@dataclass
class Bound:
    """A case with what was found out about it, and its data."""

    case: Case
    query: Query
    analysis: Analysis
    world: World
    result: Result

    def check_lineage(self) -> None:
        """Change columns one by one that are said to bear on some output columns only."""
        schema = self.analysis.schema
        assert schema is not None
        names = [column.name for column in schema]
        for key in self.world.keys:
            for column in self.world.schemas[key]:
                claimed = {
                    i for e in self.analysis.edges if (e.upstream, e.upstream_column) == (key, column.name)
                    for i, name in enumerate(names) if name == e.column
                }  # fmt: skip
                if 0 < len(claimed) < len(names):
                    for how in (0, 2):
                        with self.world.changed():
                            self.world.change_columns(key, [column], how)
                            after = self.world.result()
                        if not isinstance(after, str):  # an error is no value of a column
                            assert changed_columns(self.result, after) <= claimed, (key, column.name, how)

    def check_unread_columns(self) -> None:
        """Change all columns at once that are said to be read by nobody."""
        unread = unread_columns(self.world, self.analysis.footprints)
        for how in (0, 2) if unread else ():
            with self.world.changed():
                for key in self.world.keys:
                    self.world.change_columns(key, [c for k, c in unread if k == key], how)
                assert self.world.result() == self.result, unread

    def check_rows(self) -> None:
        """Replace the rows that the filters exclude; move values within what they take; shuffle what has no order."""
        for key, footprint in self.analysis.footprints:
            if footprint.predicate is not None:
                with self.world.changed():
                    self.world.replace_rows(key, footprint.predicate)
                    assert self.world.result() == self.result, footprint
                for column in self.world.schemas[key]:
                    if footprint.columns is None or column.name in footprint.columns:
                        continue
                    if column.name in footprint.predicate:
                        with self.world.changed():
                            self.world.change_filtered(key, column, footprint.predicate)
                            assert self.world.result() == self.result, (footprint, column)
            if not footprint.ordered:
                with self.world.changed():
                    self.world.shuffle(key)
                    assert self.world.result() == self.result, footprint


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Where the queries run."""
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        yield connection


def bind(case: Case, binder: Binder, database: duckdb.DuckDBPyConnection, seed: int) -> Bound:
    """Parse, bind and fill."""
    query = parse_query(case.sql)
    assert isinstance(query, Query), query
    analysis = binder.analyze(query, schemas(case.suite))
    assert not isinstance(analysis, Diagnosis), analysis
    world = World(database, query, schemas(case.suite), seed, aimed=case.suite != "house")
    return Bound(case, query, analysis, world, world.result())


@pytest.mark.parametrize("case", SUITES, ids=str)
def test_a_case_depends_on_nothing_but_its_lineage(
    case: Case, binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    bound = bind(case, binder, database, seed=1)
    if bound.analysis.opaque:
        assert str(case) in OPAQUE
        return
    assert isinstance(bound.result, tuple), bound.result
    assert bound.world.result() == bound.result
    bound.check_lineage()
    bound.check_unread_columns()
    bound.check_rows()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("case", [*SUITES, *cases("tpcds")], ids=str)
def test_a_case_depends_on_nothing_but_its_lineage_on_any_data(
    case: Case, seed: int, binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    bound = bind(case, binder, database, seed)
    if isinstance(bound.result, str) or bound.analysis.opaque:
        return
    bound.check_lineage()
    bound.check_unread_columns()
    bound.check_rows()


@pytest.mark.parametrize("case", cases("tpcds"), ids=str)
def test_tpcds_binds_and_is_understood(case: Case, binder: Binder) -> None:
    query = parse_query(case.sql)
    assert isinstance(query, Query), query
    analysis = binder.analyze(query, schemas(case.suite))
    assert isinstance(analysis, Analysis), analysis
    assert not analysis.opaque
    assert {key for key, _ in analysis.footprints} == set(query.keys())


# A changed query could recurse or count without end.
FINITE = [case for case in cases("house") if not any(w in case.sql for w in ("recursive", "range", "series"))]


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 60))]
)
def test_equal_bindings_and_equal_fingerprints_compute_equal_tables(
    seed: int, binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    rng = random.Random(seed)
    for _ in range(60):
        case = rng.choice(FINITE)
        one, other = parse_query(case.sql), parse_query(mutated(case.sql, rng))
        if isinstance(one, Diagnosis) or isinstance(other, Diagnosis):
            continue
        before, after = (binder.analyze(query, schemas(case.suite)) for query in (one, other))
        if isinstance(before, Diagnosis) or isinstance(after, Diagnosis):
            continue
        if before.binding == after.binding or one.fingerprint == other.fingerprint:
            assert before.schema == after.schema, other.text
            world = World(database, one, schemas(case.suite), seed)
            assert world.result() == world.result(other.bound_text(relation_name)), other.text
