"""A query written for another tool is told what the same thing is called here, at its place."""

from __future__ import annotations

import pytest

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Place
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query

FOREIGN = {
    "select *\nfrom {{ ref('orders') }}": ((4, 6), "{{ ref('orders') }} is Jinja", "from orders"),
    "select * from {{ ref('shop', 'orders') }}": ((3, 15), "is Jinja", "from orders"),
    "select * from {{ source('raw', 'orders') }}": ((3, 15), "is Jinja", "from raw.orders"),
    'select * from {{ dbt.ref("orders") }}': ((3, 15), "is Jinja", "from orders"),
    "{{ config(materialized='table') }}\nselect 1": ((3, 1), "is Jinja", "/* upriver:"),
    "select {{ var('days') }} as d": ((3, 8), "is Jinja", "getvariable('days')"),
    "select {{ env_var('DAYS') }} as d": ((3, 8), "is Jinja", "[variables] of upriver.toml"),
    "select 1 as a {% if is_incremental() %} where a > (select max(a) from {{ this }}) {% endif %}": (
        (3, 15),
        "{% if is_incremental() %} is Jinja",
        "write it out",
    ),
    "select * from {{ this }}": ((3, 15), "is Jinja", "write the whole query"),
    "select {{ cents_to_dollars('amount') }} as d": ((3, 8), "is Jinja", "write it out"),
    "MODEL (name a.b, kind FULL);\nselect 1": ((3, 1), "MODEL (…) is a statement of SQLMesh", "/* upriver:"),
    "-- orders\nmodel(\n  name a.b\n);\nselect 1": ((4, 1), "MODEL (…)", "the path of the file"),
    "AUDIT (name x);\nselect 1": ((3, 1), "AUDIT (…)", "write it out"),
}


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake"])
@pytest.mark.parametrize("text", FOREIGN)
def test_what_another_tool_writes_is_told_what_it_is_here(text: str, dialect: str) -> None:
    """In every dialect, for a template is found before the grammar matters."""
    (line, column), message, hint = FOREIGN[text]
    found = parse_query(text, dialect, path="a/b.sql", first_line=3)
    assert isinstance(found, Diagnosis), found
    assert found.place == Place("a/b.sql", line, column)
    assert message in found.message
    assert hint in (found.hint or "")
    assert found.excerpt is not None


@pytest.mark.parametrize(
    "text",
    [
        "select '{{ ref(x) }}' as t, 1 as n -- {{ ref('y') }}",
        "select map {{'a': 1}: 2} as m",
        "select model(1) from t",
        "select {'a': {'b': 1}} as s",
    ],
)
def test_braces_in_a_query_that_parses_are_left_alone(text: str) -> None:
    """Text, comments, structs and maps."""
    assert isinstance(parse_query(text), Query)


def test_other_syntax_errors_stay_what_they_are() -> None:
    """A mistyped keyword is no template."""
    found = parse_query("selct 1", path="a/b.sql")
    assert isinstance(found, Diagnosis)
    assert "select" in (found.hint or "")


def test_a_comment_of_jinja_is_found_before_its_apostrophe_matters() -> None:
    """In other dialects the translator takes it for the comment that it is."""
    found = parse_query("{# don't #}\nselect 1", path="a/b.sql")
    assert isinstance(found, Diagnosis)
    assert found.message == "{# don't #} is Jinja, which is not expanded here"
