"""Problems of queries in other dialects are told at their place in the user's text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column, Place
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

SCHEMAS = {
    "base": (
        Column("id", "INTEGER"),
        Column("name", "VARCHAR"),
        Column("day", "DATE"),
        Column("v", "INTEGER"),
    )
}


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    """One database for all queries."""
    binder = Binder()
    yield binder
    binder.close()


def problem(binder: Binder, sql: str, dialect: str) -> Diagnosis:
    """What is wrong with a query that starts on line 4 of its file."""
    query = parse_query(sql, dialect, path="a.sql", first_line=4)
    assert isinstance(query, Query), query
    found = binder.analyze(query, SCHEMAS)
    assert isinstance(found, Diagnosis), found
    return found


@pytest.mark.parametrize(
    ("dialect", "sql", "place"),
    [
        ("snowflake", "-- why\nselect id,\n  iff(nme > 1, v, 0) as x\nfrom base", Place("a.sql", 6, 7)),
        ("bigquery", "select id,\n  safe_cast(`nme` as int64) as x from `base`", Place("a.sql", 5, 14)),
        ("postgres", "/* a\nb */ select id::text,\n\nnme::text from base", Place("a.sql", 7, 1)),
        ("mysql", "select ifnull(id, 0),\n  b.nme from base b", Place("a.sql", 5, 3)),
        ("tsql", "select top 3 id,\n  isnull([nme], 'é') as x from base", Place("a.sql", 5, 11)),
    ],
)
def test_a_column_that_is_not_there_is_told_at_its_line_and_column(
    dialect: str, sql: str, place: Place, binder: Binder
) -> None:
    found = problem(binder, sql, dialect)
    assert found.code == "unknown-column"
    assert found.place == place
    assert found.hint == "did you mean 'name'?"
    assert found.excerpt is not None
    assert found.excerpt.splitlines()[0].endswith(sql.splitlines()[place.line - 4])
    assert found.facts == ("base has: id, name, day, v",)


def test_of_several_columns_of_one_name_the_right_one_is_told(binder: Binder) -> None:
    sql = "select q.nme, nvl(\n  b.nme, 'x') as x from (select id, name as nme from base) q\njoin base b on b.id = q.id"
    assert problem(binder, sql, "snowflake").place == Place("a.sql", 5, 3)


def test_a_table_that_is_not_there_is_told_at_its_place(binder: Binder) -> None:
    found = problem(binder, "select iff(id > 1, 1, 2) as x\nfrom   bas", "snowflake")
    assert found.code == "unknown-table"
    assert found.place == Place("a.sql", 5, 8)


def test_where_the_translation_can_not_be_followed_back_its_line_is_shown_as_what_it_is(
    binder: Binder,
) -> None:
    found = problem(binder, "select id,\n  (select id, v from base) as m from base", "postgres")
    assert found.place == Place("a.sql", 4)
    assert found.excerpt is not None
    assert "SELECT id, (SELECT id, v FROM base) AS m" in found.excerpt
    assert found.facts[-1] == "the line shown is of the translation to DuckDB's SQL"


def test_an_operator_that_has_no_equal_is_told_at_its_place(binder: Binder) -> None:
    found = problem(binder, "select id,\n  v ~ 'x' as m from base", "postgres")
    assert found.code == "sql-dialect"
    assert found.place == Place("a.sql", 5, 5)
    assert found.excerpt == "5 |   v ~ 'x' as m from base\n  |     ^"


def test_an_unknown_column_is_told_before_what_its_type_would_decide(binder: Binder) -> None:
    found = problem(binder, "select idd / 2 as h from base", "postgres")
    assert found.code == "unknown-column"
    assert found.place == Place("a.sql", 4, 8)
    assert found.hint == "did you mean 'id'?"
