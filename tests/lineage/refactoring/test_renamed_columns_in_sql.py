"""Another name for one column of an upstream: the rewritten query over the renamed table gives what the query gave.

Tried on every query of the corpus, for the columns that it names: the engine's result is the oracle.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import duckdb
import pytest
from tests.lineage.sql.cases import Case, cases, data_of, schemas
from tests.lineage.sql.oracle import World

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key
from upriver.lineage.refactoring.rename.columns.sql import QueryColumns, with_column
from upriver.lineage.refactoring.rename.values import ByHand
from upriver.lineage.sql.names import quote, relation_name
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import BoundText, Query
from upriver.lineage.sql.plan.binder import Binder

NEW = "re named"
"""A name that has to be quoted wherever it stands."""

SUITES = [*cases("house"), *cases("tpch")]
EVERY = 6
"""Of so many cases one is tried each time; all of them at length."""


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    """One database for all cases."""
    binder = Binder()
    yield binder
    binder.close()


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Where the queries run."""
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        yield connection


def parsed(case: Case) -> Query:
    """The query of a case."""
    query = parse_query(case.sql)
    assert not isinstance(query, Diagnosis)
    return query


def columns_of(case: Case, query: Query) -> list[tuple[Key, str]]:
    """The columns of its tables that a query names."""
    keys = query.keys()
    return [(key, column.name) for key in keys for column in case.narrowed(schemas(case.suite)[key], 0)]


@pytest.mark.parametrize("case", SUITES[::EVERY], ids=str)
def test_a_query_over_a_renamed_column_gives_what_it_gave(
    case: Case, binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    tried(case, binder, database, at_most=1)


@pytest.mark.parametrize("case", SUITES[1::EVERY], ids=str)
def test_a_query_whose_column_is_renamed_gives_the_same_under_the_new_name(
    case: Case, binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    made(case, binder, database, at_most=1)


def test_of_the_queries_of_tpch_every_column_can_be_renamed(
    binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    """None is refused: what the tests above can't see is a tool that refuses too much."""
    for case in cases("tpch")[::5]:
        done, refused = tried(case, binder, database, at_most=3)
        assert not refused
        assert done == min(3, len(columns_of(case, parsed(case))))


@pytest.mark.parametrize(
    "seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 60))]
)
def test_a_name_that_means_something_else_in_the_query_is_not_taken_for_the_column(
    seed: int, binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    """The new name is an alias, a table or another column there."""
    rng = random.Random(seed)
    for case in rng.sample(cases("house"), 30):
        words = [word for word in re.findall(r"[a-z_]\w*", case.sql.lower()) if word not in binder.keywords]
        tried(case, binder, database, at_most=1, new=rng.choice(words))


@pytest.mark.soak
def test_the_whole_corpus_gives_what_it_gave_and_little_is_refused(
    binder: Binder, database: duckdb.DuckDBPyConnection
) -> None:
    done = refused = 0
    for case in (*SUITES, *cases("tpcds")):
        for count, by_hand in (
            tried(case, binder, database, at_most=None if case.suite == "house" else 2),
            made(case, binder, database, at_most=None if case.suite == "house" else 2),
        ):
            done += count
            refused += len(by_hand)
    assert refused < done / 10


def tried(
    case: Case,
    binder: Binder,
    database: duckdb.DuckDBPyConnection,
    at_most: int | None = None,
    new: str = NEW,
) -> tuple[int, list[ByHand]]:
    """Rename columns one by one; how many could be, and those that could not."""
    query = parsed(case)
    keys = query.keys()
    known = {key: schemas(case.suite)[key] for key in keys}
    data = data_of(case)
    world = World(database, query, known, data.seed, aimed=case.suite != "house", pins=data.pins)
    before = world.result()
    columns = columns_of(case, query)
    if at_most is not None and at_most < len(columns):
        columns = random.Random(case.name).sample(columns, at_most)
    done, refused = 0, []
    for key, column in columns:
        if any(one.name.lower() == new.lower() for one in known[key]):
            continue
        found = QueryColumns(binder, query, known, column, new, {key}).rewritten()
        if isinstance(found, ByHand):
            refused.append(found)
            continue
        renamed = parse_query(BoundText(query.text, list(found.edits)).text)
        assert not isinstance(renamed, Diagnosis), renamed
        database.execute(f"alter table {relation_name(key)} rename {quote(column)} to {quote(new)}")
        try:
            assert world.result(renamed.bound_text(relation_name)) == before, (key, column, renamed.text)
        finally:
            database.execute(f"alter table {relation_name(key)} rename {quote(new)} to {quote(column)}")
        done += 1
    return done, refused


def made(
    case: Case, binder: Binder, database: duckdb.DuckDBPyConnection, at_most: int | None = None
) -> tuple[int, list[ByHand]]:
    """Rename the output columns one by one; how many could be, and those that could not."""
    query = parsed(case)
    keys = query.keys()
    known = {key: schemas(case.suite)[key] for key in keys}
    data = data_of(case)
    world = World(database, query, known, data.seed, aimed=case.suite != "house", pins=data.pins)
    before, analysis = world.result(), binder.analyze(query, known)
    assert not isinstance(analysis, Diagnosis)
    assert analysis.schema is not None
    done, refused = 0, []
    columns = analysis.schema
    if at_most is not None and at_most < len(columns):
        columns = tuple(random.Random(case.name).sample(columns, at_most))
    for column in columns:
        found = QueryColumns(binder, query, known, column.name, NEW, ()).rewritten()
        if isinstance(found, ByHand):
            refused.append(found)
            continue
        renamed = parse_query(BoundText(query.text, list(found.edits)).text)
        assert not isinstance(renamed, Diagnosis), renamed
        assert world.result(renamed.bound_text(relation_name)) == before, (column, renamed.text)
        after = binder.analyze(renamed, known)
        assert not isinstance(after, Diagnosis)
        assert after.schema == with_column(analysis.schema, column.name, NEW)
        done += 1
    return done, refused
