"""What decides a translation besides the words of the query: the types of what it reads, names, settings."""

from __future__ import annotations

import pytest

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column, Place, Schema
from upriver.lineage.model import Analysis
from upriver.lineage.sql.dialects.known import ALIASES, NAMES
from upriver.lineage.sql.dialects.translation import translate
from upriver.lineage.sql.parse.parse import bound_to, parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

WHOLE: Schema = (Column("id", "BIGINT"), Column("n", "INTEGER"))
DOUBLE: Schema = (Column("id", "BIGINT"), Column("n", "DOUBLE"))
TEXT: Schema = (Column("id", "BIGINT"), Column("n", "VARCHAR"))


def parsed(sql: str, dialect: str = "postgres") -> Query:
    """The query, which must parse."""
    query = parse_query(sql, dialect, "a.sql")
    assert isinstance(query, Query), query
    return query


def text(sql: str, schema: Schema, dialect: str = "postgres", table: str = "s.t") -> str:
    """The translation of *sql* over a table of *schema*."""
    query = bound_to(parsed(sql, dialect), {table: schema})
    assert isinstance(query, Query), query
    return query.executable


def refused(sql: str, schema: Schema, dialect: str = "postgres", table: str = "s.t") -> Diagnosis:
    """Why *sql* can't be translated."""
    found = bound_to(parsed(sql, dialect), {table: schema})
    assert isinstance(found, Diagnosis), found
    return found


@pytest.mark.parametrize(
    "sql",
    [
        "select n / 2 as h from s.t",
        "select t.n / 2 as h from s.t",
        "select s.t.n / 2 as h from s.t",
        'select "n" / 2 as h from "s"."t"',
        "select N / 2 as h from S.T as x",
        "select q.m / 2 as h from (select n as m from s.t) q",
        "with q as (select * from s.t) select n / 2 as h from q",
        "with q(m) as (select n from s.t) select m / 2 as h from q",
        "select max(n) / 2 as h from s.t",
        "select coalesce(n, 1) / 2 as h from s.t",
        "select case when id > 1 then n else 1 end / 2 as h from s.t",
        "select (select max(n) from s.t) / 2 as h",
        "select sum(n) over () / 2 as h from s.t",
        "select a.n / b.n as h from s.t a join s.t b on a.id = b.id",
        "select n / 2 as h from s.t union all select 1 from s.t",
        "select m / 2 as h from (select n as m from s.t union all select 1) q",
    ],
)
def test_division_is_of_the_type_that_the_columns_have(sql: str) -> None:
    assert "//" in text(sql, WHOLE)
    assert "//" not in text(sql, DOUBLE)


def test_the_types_of_files_that_are_read_count_too() -> None:
    query = parsed("select n / 2 as h from `data/x.csv`", "spark")
    (file,) = query.files
    found = bound_to(query, {file.key: WHOLE})
    assert isinstance(found, Query)
    assert found.executable.startswith("SELECT CAST(n AS DOUBLE) / 2 AS h FROM ")
    assert found.files[0].key == file.key


def test_what_a_query_means_stays_the_same_whatever_its_upstreams_are() -> None:
    query = parsed("select n / 2 as h from s.t")
    whole, double = bound_to(query, {"s.t": WHOLE}), bound_to(query, {"s.t": DOUBLE})
    assert isinstance(whole, Query)
    assert isinstance(double, Query)
    assert whole.executable != double.executable
    assert whole.fingerprint == double.fingerprint == query.fingerprint
    assert [one.key for one in whole.references] == ["s.t"]


def test_another_type_upstream_that_changes_the_translation_changes_the_binding() -> None:
    query, binder = parsed("select count(n / 2) as h from s.t"), Binder()
    whole, double = binder.analyze(query, {"s.t": WHOLE}), binder.analyze(query, {"s.t": DOUBLE})
    assert isinstance(whole, Analysis)
    assert isinstance(double, Analysis)
    assert whole.binding != double.binding
    assert whole.footprints == double.footprints
    binder.close()


def test_the_same_text_in_two_dialects_is_two_recipes() -> None:
    sql = "select 7 / 2 as h"
    assert parsed(sql, "postgres").fingerprint != parsed(sql, "mysql").fingerprint
    assert parsed(sql, "mysql").fingerprint != parsed(sql, "mysql, collation=binary").fingerprint


def test_comments_space_and_the_case_of_words_mean_nothing() -> None:
    one = parsed("select left(n, 2) as h from s.t where id in (1, 2)")
    other = parsed("SELECT LEFT(N,2) AS h -- why\nFROM s.t /* here */ WHERE id IN (1,2)")
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "sql",
    [
        "select left(n, 3) as h from s.t where id in (1, 2)",
        "select right(n, 2) as h from s.t where id in (1, 2)",
        "select left(n, 2) as h from s.t where id in (1, 2, 3)",
        "select left(n, 2) as h from s.t where id not in (1, 2)",
        "select left(n, 2) as g from s.t where id in (1, 2)",
        "select left(id, 2) as h from s.t where id in (1, 2)",
    ],
)
def test_everything_else_means_something(sql: str) -> None:
    assert parsed(sql).fingerprint != parsed("select left(n, 2) as h from s.t where id in (1, 2)").fingerprint


def test_lineage_of_a_translated_query_names_the_columns_that_the_user_reads() -> None:
    binder = Binder()
    found = binder.analyze(parsed("select n / 2 as h from s.t where id > 1"), {"s.t": WHOLE})
    assert isinstance(found, Analysis)
    assert [column.name for column in found.schema or ()] == ["h"]
    ((key, footprint),) = found.footprints
    assert (key, footprint.columns) == ("s.t", ("n",))
    assert footprint.predicate is not None
    assert "id" in footprint.predicate
    binder.close()


def test_a_function_over_a_type_that_it_is_not_known_for_is_refused_at_its_place() -> None:
    found = refused("select id,\n  left(n, 2) as h from s.t", WHOLE)
    assert found.place == Place("a.sql", 2, 3)
    assert "'left' of postgres" in found.message
    assert found.excerpt == "2 |   left(n, 2) as h from s.t\n  |   ^^^^"


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("select mystery(n) from s.t", "mystery"),
        ("select pg_catalog.left(n, 2) from s.t", "left"),
        ("select n from s.t tablesample system (10)", "tablesample"),
        ("select n from s.t for update", "update"),
        ("select n -> 'a' from s.t", "->"),
        ("select n from s.t, lateral (select 1) q", "lateral"),
        ("select (x).y from s.t", "y"),
        ("select * from generate_series(1, 3)", "generate_series"),
        ("select array_agg(n)[1] from s.t", "array_agg"),
        ("select interval '1 day 2 hours' from s.t", "interval"),
    ],
)
def test_what_is_in_no_table_is_refused(sql: str, name: str) -> None:
    found = translate(sql, "postgres", "a.sql", 1, {"s.t": TEXT})
    assert isinstance(found, Diagnosis), found
    assert found.place is not None
    assert found.place.path == "a.sql"


def test_text_is_compared_only_where_its_collation_is_known() -> None:
    for sql in (
        "select n = 'a' as h from s.t",
        "select n in ('a') as h from s.t",
        "select n, count(*) as h from s.t group by n",
        "select n, count(*) as h from s.t group by 1",
        "select distinct n from s.t",
        "select count(distinct n) as h from s.t",
        "select max(n) as h from s.t",
        "select n from s.t order by n limit 1",
        "select n from s.t union select n from s.t",
        "select row_number() over (partition by n) as h from s.t",
        "select case n when 'a' then 1 end as h from s.t",
        "select nullif(n, 'a') as h from s.t",
        "select n like 'a%' as h from s.t",
        "select greatest(n, 'a') as h from s.t",
        "select a.id from s.t a join s.t b using (n)",
    ):
        found = refused(sql, TEXT, "mysql")
        assert "collation" in found.message, sql
        assert text(sql, TEXT, "mysql, collation=binary"), sql
    for sql in (
        "select n = 1 as h from s.t",
        "select n, count(*) as h from s.t group by 1",
        "select max(n) as h from s.t order by 1",
        "select distinct n from s.t",
    ):
        assert text(sql, WHOLE, "mysql"), sql


def test_presto_and_databricks_are_read_by_the_rules_of_their_descendants() -> None:
    for alias in ALIASES:
        assert "2" in text("select n / 2 as h from s.t", DOUBLE, alias)


@pytest.mark.parametrize(
    ("dialect", "hint"),
    [
        ("klingon", None),
        ("postgress", "did you mean 'postgres'?"),
        ("oracle", "write this asset in DuckDB's SQL"),
        ("mysql, collation=french", "mysql and tsql take `dialect: mysql, collation=binary`"),
        ("postgres, collation=binary", "mysql and tsql take `dialect: postgres, collation=binary`"),
    ],
)
def test_a_dialect_whose_differences_are_not_known_is_refused(dialect: str, hint: str | None) -> None:
    found = translate("select 1", dialect, "a.sql", 3)
    assert isinstance(found, Diagnosis)
    assert found.code == "sql-dialect"
    assert found.place == Place("a.sql", 3)
    if hint is not None:
        assert found.hint == hint


@pytest.mark.parametrize("dialect", NAMES)
def test_no_query_is_too_deep_to_be_told_about(dialect: str) -> None:
    found = translate("select " + "(" * 3000 + "1" + ")" * 3000, dialect, "a.sql")
    assert isinstance(found, Diagnosis)
    found = translate("select " + " + ".join(["1"] * 900) + " as n", dialect, "a.sql", 1, {})
    assert not isinstance(found, Diagnosis), found
