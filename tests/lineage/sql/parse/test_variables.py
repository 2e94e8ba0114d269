"""Project variables in queries: which are read, and that nothing else of the session can be."""

from __future__ import annotations

import math

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.model import Column
from upriver.assets.project.config import Scalar
from upriver.lineage.model import Analysis, Volatility
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.parse.variables import set_variables, variable_reads
from upriver.lineage.sql.plan.binder import Binder

SCHEMAS = {"t": (Column("a", "INTEGER"),)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("select getvariable('low')", {"low"}),
        ("select GetVariable ( /* the least */ 'Low' ), getvariable('high') as h", {"low", "high"}),
        ("select \"getvariable\"('it''s')", {"it's"}),
        ("select main.getvariable('low')", {"low"}),
        ("select 'getvariable(''low'')' -- getvariable('low')", set()),
        ("select getvariable(lower('LOW'))", {None}),
        ("select getvariable('lo' || 'w')", {None}),
        ("select getvariable($$low$$)", {None}),
        ("select ('low').getvariable()", {None}),
        ("select getvariable(", {None}),
    ],
)
def test_the_names_that_are_asked_for(text: str, names: set[str | None]) -> None:
    assert variable_reads(text) == names


def analysis(sql: str, **variables: Scalar) -> Analysis:
    query = parse_query(sql)
    assert isinstance(query, Query)
    binder = Binder(variables)
    found = binder.analyze(query, SCHEMAS)
    binder.close()
    assert isinstance(found, Analysis), found
    return found


def test_a_variable_of_the_project_is_a_value_and_not_volatile() -> None:
    found = analysis("select a, getvariable('low') as low from t where a > getvariable('LOW')", low=3)
    assert found.volatile == ()
    assert found.schema == (Column("a", "INTEGER"), Column("low", "INTEGER"))
    other = analysis("select a, getvariable('low') as low from t where a > getvariable('LOW')", low=4)
    assert dict(found.footprints)["t"].predicate != dict(other.footprints)["t"].predicate


@pytest.mark.parametrize("sql", ["select ('low').getvariable() as x", "select getvariable('l' || 'ow') as x"])
def test_a_variable_whose_name_is_computed_may_change_at_every_build(sql: str) -> None:
    assert analysis(sql, low=3).volatile == (Volatility("getvariable", "build"),)


@given(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
)
def test_a_value_arrives_as_it_is_written_in_toml(value: Scalar) -> None:
    with duckdb.connect() as connection:
        for statement in set_variables({"odd name; drop": value}):
            connection.execute(statement)
        (got,) = connection.execute("select getvariable('odd name; drop')").fetchall()[0]
    assert got == value or (isinstance(value, float) and math.isnan(value) and math.isnan(got))
    assert type(got) is type(value)
