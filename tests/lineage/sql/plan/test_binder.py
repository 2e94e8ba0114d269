"""What binding tells: schema, edges, footprints, volatility, the binding digest, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column, Key, Place, Schema
from upriver.lineage.model import WHOLE, Analysis, EdgeKind, Footprint, Opaque, Volatility
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder


def schema(text: str) -> Schema:
    """``a INTEGER, b VARCHAR``."""
    return tuple(Column(*part.strip().split(" ", 1)) for part in text.split(","))


SCHEMAS: dict[Key, Schema] = {
    "t": schema("id INTEGER, a INTEGER, b VARCHAR, c INTEGER, d DATE, x DOUBLE"),
    "r": schema("a INTEGER, k VARCHAR, v INTEGER"),
    "staging.flights": schema("carrier VARCHAR, month INTEGER, delay DOUBLE, dist INTEGER"),
}


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    """One database for all tests here."""
    binder = Binder()
    yield binder
    binder.close()


def parsed(sql: str) -> Query:
    """The query, which must parse."""
    query = parse_query(sql, path="assets/q.sql", first_line=4)
    assert isinstance(query, Query), query
    return query


def analysis(binder: Binder, sql: str, schemas: dict[Key, Schema] | None = None) -> Analysis:
    """The analysis, which must succeed."""
    found = binder.analyze(parsed(sql), schemas or SCHEMAS)
    assert isinstance(found, Analysis), found
    return found


def footprint(binder: Binder, sql: str, key: Key = "t") -> Footprint:
    """The footprint of one upstream."""
    return dict(analysis(binder, sql).footprints)[key]


def with_column(key: Key, name: str = "fresh", at: int = 0) -> dict[Key, Schema]:
    """All tables, one of them with another column."""
    columns = list(SCHEMAS[key])
    columns.insert(at, Column(name, "INTEGER"))
    return {**SCHEMAS, key: tuple(columns)}


# Schema and edges


def test_the_schema_is_that_of_a_table_made_from_the_query(binder: Binder) -> None:
    found = analysis(
        binder, "select a as total, sum(c) as s, {'p': x} as st, null as n, a, a from t group by all"
    )
    assert found.schema == schema(
        'total INTEGER, s HUGEINT, st STRUCT(p DOUBLE), n "NULL", a INTEGER, a_1 INTEGER'
    )


@pytest.mark.parametrize(
    "sql", ['select a as "A", a from t', "select * from t join r using (a)", "select A, a as a_1, a from t"]
)
def test_names_are_spelled_as_in_a_table_made_from_the_query(binder: Binder, sql: str) -> None:
    con = duckdb.connect()
    for key, columns in SCHEMAS.items():
        if "." not in key:
            con.execute(f"create table {key} ({', '.join(f'{c.name} {c.type}' for c in columns)})")
    con.execute(f"create table made as {sql}")
    made = tuple(Column(row[0], row[1]) for row in con.execute("describe made").fetchall())
    assert analysis(binder, sql).schema == made


def test_values_and_influences_are_kept_apart(binder: Binder) -> None:
    sql = "select carrier, avg(delay) as late from staging.flights where dist > 100 group by carrier"
    found = {(e.upstream_column, e.column, e.kind, e.how) for e in analysis(binder, sql).edges}
    assert found == {
        ("carrier", "carrier", EdgeKind.VALUE, "copy"),
        ("delay", "late", EdgeKind.VALUE, "aggregate"),
        ("carrier", "carrier", EdgeKind.INFLUENCE, "group"),
        ("carrier", "late", EdgeKind.INFLUENCE, "group"),
        ("dist", "carrier", EdgeKind.INFLUENCE, "filter"),
        ("dist", "late", EdgeKind.INFLUENCE, "filter"),
        (None, None, EdgeKind.INFLUENCE, "rows"),
        ("carrier", None, EdgeKind.INFLUENCE, "group"),
        ("dist", None, EdgeKind.INFLUENCE, "filter"),
    }


HOWS = {
    "select a as o from t": "copy",
    "select a + 1 as o from t": "expression",
    "select max(a) as o from t": "aggregate",
    "select lag(a) over (order by id) as o from t": "window",
    "select sum(a) over () + 1 as o from t": "window",
    "select unnest([a, 1]) as o from t": "unnest",
    "select max(a + 1) * 2 as o from t": "aggregate",
    "with q as (select a as p from t) select p as o from (select * from q)": "copy",
}


@pytest.mark.parametrize("sql", HOWS)
def test_how_a_value_is_made(binder: Binder, sql: str) -> None:
    values = [e for e in analysis(binder, sql).edges if e.kind is EdgeKind.VALUE]
    assert [(e.upstream_column, e.column, e.how) for e in values] == [("a", "o", HOWS[sql])]


EXPRESSIONS: dict[str, list[str | None]] = {
    "select a, a + 1 as b, max(c) over () m, upper(b) from t": [None, "a + 1", "max(c) over ()", "upper(b)"],
    "from t select n: a + 1, a as p": ["a + 1", None],
    "select distinct on (a) a * 2 as d, b from t": ["a * 2", None],
    "with q as (select a + 1 as e from t) select e, e * 2 as f from q": ["a + 1", "e * 2"],
    "select a is distinct from c as d, case when a > 1 then b end as w from t": [
        "a is distinct from c",
        "case when a > 1 then b end",
    ],
    "select a - 1 as m, t.*, a + 1 as n from t": ["a - 1", None, None, None, None, None, None, "a + 1"],
    "select a +  -- why\n 1 as n from t": ["a + 1"],
    "with q as (select upper(b) as u, a from t), final as (select *, a * 2 as d from q) select * from final": [
        "upper(b)",
        None,
        "a * 2",
    ],
    "select * from (select a + c as s, b from t where a > 0) q order by s": ["a + c", None],
    "select q.s, r.v from (select a, sum(c) as s from t group by a) q join r using (a)": ["sum(c)", None],
    "with q as (select a + 1 as e from t) select * replace (e * 3 as e) from q": ["e * 3"],
    "with q as (select a + 1 as e from t) select * rename (e as g) from q": ["a + 1"],
    "with q as (select a + 1 as e, c from t) select e as g, n from (from q select e, n: c - 1)": [
        "a + 1",
        "c - 1",
    ],
    "with q as (select a + 1 as e from t), q2 as (with q as (select c - 1 as e from t) from q) select * from q2": [
        "c - 1",
    ],
    "with q(e) as (select a + 1 from t) select e from q": [None],
    "select x.e from (select a + 1 as e from t) x, (select c + 1 as e from t) y": ["a + 1"],
    "with recursive w as (select a + 0 as n from t union all select n + 1 from w where n < 3) select * from w": [
        "a + 0"
    ],
    "(select a + 1 as e from t) union all (select c from t)": ["a + 1"],
    "select max(a) + 1 as n, case c when 1 then b else 'z' end from t group by all": [
        "max(a) + 1",
        "case c when 1 then b else 'z' end",
    ],
    "select lag(a) over w as l from t window w as (order by c)": ["lag(a) over w"],
}


@pytest.mark.parametrize("sql", EXPRESSIONS)
def test_value_edges_show_the_text_that_makes_the_value(binder: Binder, sql: str) -> None:
    found = analysis(binder, sql)
    assert found.schema is not None
    for column, expected in zip(found.schema, EXPRESSIONS[sql], strict=True):
        texts = {e.expression for e in found.edges if e.column == column.name and e.kind is EdgeKind.VALUE}
        assert texts == {expected}


def test_a_column_without_values_tells_what_makes_it(binder: Binder) -> None:
    sql = "with q as (select b, count(*) filter (where a > 1) as n, 'x' as w, max(a) as m from t group by b) select * from q"
    assert analysis(binder, sql).expressions == (("n", "count(*) filter (where a > 1)"), ("w", "'x'"))


# Footprints

FOOTPRINTS = {
    "select a from t": Footprint(("a",), None, False),
    "select count(*) as n from t": Footprint((), None, False),
    "select 1 as one from t": Footprint((), None, False),
    "select a from t where b = 'x'": Footprint(("a",), "(\"b\" = 'x')", False),
    "select a, b from t where b = 'x'": Footprint(("a", "b"), "(\"b\" = 'x')", False),
    "select count(*) as n from t where c > 1 and c < 9": Footprint((), '("c" < 9) AND ("c" > 1)', False),
    "select a from t where d >= '2020-01-01'": Footprint(
        ("a",), "(\"d\" >= TRY_CAST('2020-01-01' AS DATE))", False
    ),
    "select a from t where b like 'x%'": Footprint(("a",), "(\"b\" LIKE 'x%')", False),
    "select a from t where upper(b) = 'X'": Footprint(("a",), '("upper"("b") = \'X\')', False),
    "select a from t where upper(b) = 'X' and c = 1": Footprint(
        ("a",), '("c" = 1) AND ("upper"("b") = \'X\')', False
    ),
    "select a from t where b::integer = 1": Footprint(("a", "b"), '(CAST("b" AS INTEGER) = 1)', False),
    "select a from t where b::integer = 1 and c = 1": Footprint(("a", "b", "c"), None, False),
    "select a from t where random() < 0.5 and c = 1": Footprint(("a", "c"), None, False),
    "select a from t where c = (select max(v) from r)": Footprint(("a", "c"), None, False),
    "select a from (select a, c + 1 as c1, c from t) where c = 1": Footprint(("a", "c"), None, False),
    "select a from (select a, c from t) where c = 1": Footprint(("a",), '("c" = 1)', False),
    "with q as (select a, c, b from t) select a from q where c = 1": Footprint(("a",), '("c" = 1)', False),
    "with q as (select a, c from t) select p.a from q p, q where p.c = 1": Footprint(("a", "c"), None, False),
    "select a from t order by c": Footprint(("a", "c"), None, False),
    "select a from t order by a limit 1": Footprint(("a",), None, False),
    "select a from t order by c limit 1": Footprint(("a", "c"), None, True),
    "select a, c from t order by c, a limit 1": Footprint(("a", "c"), None, False),
    "select a from t limit 1": Footprint(("a",), None, True),
    "select a from t where c = 1 limit 1": Footprint(("a",), '("c" = 1)', True),
    "select a, count(*) as n from t group by a order by n, a limit 1": Footprint(("a",), None, False),
    "select a, count(*) as n from t group by a order by n limit 1": Footprint(("a",), None, True),
    "select max(a) as m from t limit 1": Footprint(("a",), None, False),
    "select sum(c) as s from t": Footprint(("c",), None, False),
    "select sum(x) as s from t": Footprint(("x",), None, True),
    "select avg(c) as s from t": Footprint(("c",), None, False),
    "select max(c) as s from t": Footprint(("c",), None, False),
    "select max(x) as s from t": Footprint(("x",), None, True),  # zeros of both signs are equal
    "select list(a) as s from t": Footprint(("a",), None, True),
    "select list(a order by a) as s from t": Footprint(("a",), None, False),
    "select list(a order by b) as s from t": Footprint(("a", "b"), None, True),
    "select a, first(b) as s from t group by a": Footprint(("a", "b"), None, True),
    "select a, first(a) as s from t group by a": Footprint(("a",), None, False),
    "select arg_max(a, b) as s from t": Footprint(("a", "b"), None, True),
    "select distinct on (a) a, b from t order by a, b": Footprint(("a", "b"), None, False),
    "select distinct on (a) a, b from t": Footprint(("a", "b"), None, True),
    "select a, row_number() over (order by b) as n from t": Footprint(("a", "b"), None, True),
    "select a, row_number() over (order by a) as n from t": Footprint(("a",), None, False),
    "select a, row_number() over (order by a) as n, lag(a) over (order by a desc) as p from t": Footprint(
        ("a",), None, True
    ),
    "select a, rank() over (order by b) as n, lag(a) over (order by a, b) as p from t": Footprint(
        ("a", "b"), None, False
    ),
    "select a, rank() over (order by b) as n from t": Footprint(("a", "b"), None, False),
    "select a, sum(c) over (order by b) as n from t": Footprint(("a", "b", "c"), None, False),
    "select a, sum(c) over (order by b rows unbounded preceding) as n from t": Footprint(
        ("a", "b", "c"), None, True
    ),
    "select a from t tablesample reservoir(2 rows) repeatable (1)": Footprint(("a",), None, True),
    "select t.a from t positional join r": Footprint(("a",), None, True),
    "select t.a, e from t, unnest([c]) as u(e)": Footprint(("a", "c"), None, False),
}


@pytest.mark.parametrize("sql", FOOTPRINTS)
def test_what_is_read(binder: Binder, sql: str) -> None:
    assert footprint(binder, sql) == FOOTPRINTS[sql]


JOINS = {
    "select t.id from t join r using (a) where t.c = 1 and r.v = 2": ('("c" = 1)', '("v" = 2)'),
    "select t.id from t left join r using (a) where t.c = 1 and r.v = 2": ('("c" = 1)', None),
    "select t.id from t left join r on t.a = r.a and r.v = 2": (None, '("v" = 2)'),
    "select t.id from t left join r on t.a = r.a and t.c = 1": (None, None),
    "select r.k from t right join r using (a) where t.c = 1 and r.v = 2": (None, '("v" = 2)'),
    "select r.k from t full join r using (a) where t.c = 1 and r.v = 2": (None, None),
    "select t.id from t semi join r on t.a = r.a and r.v = 2 where t.c = 1": ('("c" = 1)', '("v" = 2)'),
    "select t.id from t anti join r on t.a = r.a where t.c = 1": ('("c" = 1)', None),
    "select t.id from t where c = 1 and a in (select a from r where v = 2)": ('("c" = 1)', '("v" = 2)'),
    "select t.id from t where c = 1 and not exists (from r where r.a = t.a and v = 2)": (
        '("c" = 1)',
        '("a" = "a") AND ("v" = 2)',
    ),
    "select t.id from t asof join r on t.a >= r.a where t.c = 1 and r.v = 2": (None, None),
    "select t.id from t, r where t.c = 1 or r.v = 2": (None, None),
    "select t.id from t join r on t.b::integer = r.a where t.c = 1": (None, None),
}


@pytest.mark.parametrize("sql", JOINS)
def test_row_filters_pass_joins_only_where_they_keep_their_meaning(binder: Binder, sql: str) -> None:
    assert (footprint(binder, sql, "t").predicate, footprint(binder, sql, "r").predicate) == JOINS[sql]


def test_filters_of_several_reads_are_joined_by_or_and_their_columns_are_read(binder: Binder) -> None:
    sql = "select a from t where c = 1 union all select a from t where c = 2"
    assert footprint(binder, sql) == Footprint(("a", "c"), '(("c" = 1)) OR (("c" = 2))', False)


def test_one_read_without_a_filter_reads_all_rows(binder: Binder) -> None:
    sql = "select a from t where c = 1 union all select id from t"
    assert footprint(binder, sql) == Footprint(("a", "c", "id"), None, False)


def test_an_unused_column_that_may_fail_is_read(binder: Binder) -> None:
    assert footprint(binder, "with q as (select a, b::integer as i from t) select a from q").columns == (
        "a",
        "b",
    )
    assert footprint(binder, "with q as (select a, upper(b) as u from t) select a from q").columns == ("a",)


def test_predicates_can_be_evaluated_on_the_upstream_alone(binder: Binder) -> None:
    con = duckdb.connect()
    con.execute("create table t (id integer, a integer, b varchar, c integer, d date, x double)")
    con.execute(
        "insert into t values (null, null, null, null, null, null), (1, 1, 'x', 1, '2020-01-01', 'nan')"
    )
    conditions = [
        "b = 'it''s' and d < '2020-01-02' and x > 1.5 and x < 2 and c <> -1",
        "a = 3000000000 and c between 1 and 2 and b in ('x', '') and not (a = c or b is null)",
        "d > 'nonsense' and a is not distinct from c and b not like '%''%' and id = null",
        "x >= 1e300 and a > 1 and b > 'é' and (c = 1) = true and x in (1, 2.5)",
    ]
    for condition in conditions:
        predicate = footprint(binder, f"select a from t where {condition}").predicate
        assert predicate is not None
        con.execute(f"select count(*) from t where {predicate}").fetchall()


# False fresh: what a new column upstream does

SEES_A_NEW_COLUMN = [
    "select * from t",
    "select distinct * from t",
    "select count(*) as n from (select distinct * from t)",
    "select count(*) as n from (from t group by all)",
    "select count(*) as n from (from t union from t)",
    "select count(*) as n from (from t except from t)",
    "select count(*) as n from (from t intersect all from t)",
    "with q as (select distinct * from t) select a from q",
    "with q as (from t union select * from t) select a from q",
    "select t.* exclude (a) from t",
    "select columns('.*') from t",
    "select t from t",
    "select max(t) as m from t",
    "describe t",
    "summarize t",
]


@pytest.mark.parametrize("sql", SEES_A_NEW_COLUMN)
def test_a_new_column_that_a_star_reads_is_seen(binder: Binder, sql: str) -> None:
    before, after = analysis(binder, sql), analysis(binder, sql, with_column("t"))
    assert before.binding != after.binding


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) as n from (select distinct * from t)",
        "select count(*) as n from (from t group by all)",
        "with q as (select distinct * from t) select a from q",
        "with q as (from t union from t) select a from q",
        "with q as (from t except from t) select a from q",
    ],
)
def test_rows_compared_by_all_columns_read_all_columns(binder: Binder, sql: str) -> None:
    assert footprint(binder, sql).columns == tuple(sorted(c.name for c in SCHEMAS["t"]))


def test_a_natural_join_joins_by_a_new_common_column(binder: Binder) -> None:
    sql = "select t.id from t natural join r"
    before, after = analysis(binder, sql), analysis(binder, sql, with_column("t", "k"))
    assert before.binding != after.binding
    assert dict(before.footprints)["r"].columns == ("a",)
    assert dict(after.footprints)["r"].columns == ("a", "k")


@pytest.mark.parametrize(
    "sql",
    [
        "select a, b from t where c > 1 order by a limit 3",
        "select count(*) as n from t",
        "select t.id, r.v from t join r using (a)",
        "with q as (select a, b from t) select distinct a from q",
        "select a, row_number() over (order by a) as n from t",
        "select id, (select max(v) from r where r.a = t.a) as m from t",
    ],
)
@pytest.mark.parametrize("at", [0, 3])
def test_a_new_column_that_nobody_reads_changes_nothing(binder: Binder, sql: str, at: int) -> None:
    before, after = analysis(binder, sql), analysis(binder, sql, with_column("t", at=at))
    assert before == after


def test_a_new_column_can_capture_a_name(binder: Binder) -> None:
    sql = "select id, (select max(v) from r where k = b) as m from t"
    before, after = analysis(binder, sql), analysis(binder, sql, with_column("r", "b"))
    assert before.binding != after.binding


def test_another_type_of_a_read_column_changes_the_binding(binder: Binder) -> None:
    other = {
        **SCHEMAS,
        "t": tuple(Column(c.name, "BIGINT" if c.name == "a" else c.type) for c in SCHEMAS["t"]),
    }
    assert analysis(binder, "select a from t").binding != analysis(binder, "select a from t", other).binding
    assert analysis(binder, "select b from t").binding == analysis(binder, "select b from t", other).binding


# The binding

SAME_BINDING = [
    ("select t.a from t", "select z.a from t as z"),
    ("select a from t", "with q as (select a from t) select a from (select a from t)"),
    (
        "with q as (select a, b from t) select a from q",
        "with p as (select a, b from t) select zz.a from p zz",
    ),
    ("select t.id, r.v from t join r using (a)", "select l.id, q.v from t l join r q using (a)"),
    ("select a + 1 as n from t where c > 1", "select (a + 1) as n from t as q where (q.c > 1)"),
    ("select a from t where a > 1 and c > 1", "select a from t where (a > 1) and (c > 1) -- x"),
]


@pytest.mark.parametrize(("one", "other"), SAME_BINDING[:1] + SAME_BINDING[2:])
def test_aliases_and_parentheses_do_not_show_in_the_binding(binder: Binder, one: str, other: str) -> None:
    assert analysis(binder, one).binding == analysis(binder, other).binding


OTHER_BINDING = [
    ("select a from t", "select c as a from t"),
    ("select a from t", "select a as b from t"),
    ("select a from t where c > 1", "select a from t where c >= 1"),
    ("select a from t where c > 1", "select a from t where c > 2"),
    ("select a::bigint as v from t", "select try_cast(a as bigint) as v from t"),
    ("select string_agg(b, ',') as s from t", "select string_agg(b, ';') as s from t"),
    ("select quantile_cont(a, 0.5) as s from t", "select quantile_cont(a, 0.25) as s from t"),
    ("select list_sort([a, c], 'ASC') as s from t", "select list_sort([a, c], 'DESC') as s from t"),
    (
        "select list_transform([a], lambda e: e + c) as s from t",
        "select list_transform([a], lambda e: e - c) as s from t",
    ),
    ("select {'p': a} as s from t", "select {'q': a} as s from t"),
    ("select strftime(d, '%Y') as s from t", "select strftime(d, '%m') as s from t"),
    ("select a from t order by a limit 1", "select a from t order by a desc limit 1"),
    ("select a from t order by a nulls first limit 1", "select a from t order by a nulls last limit 1"),
    ("select a from t limit 1", "select a from t limit 1 offset 1"),
    ("select t.id from t join r on t.a = r.a", "select t.id from t left join r on t.a = r.a"),
    ("select t.id from t join r on t.a = r.a", "select t.id from t join r on t.a = r.v"),
    ("select a from t union select v from r", "select a from t union all select v from r"),
    (
        "select a from t tablesample reservoir(2 rows) repeatable (1)",
        "select a from t tablesample reservoir(2 rows) repeatable (2)",
    ),
    ("select sum(c) as s from t", "select sum(distinct c) as s from t"),
    ("select sum(c) filter (where a > 1) as s from t", "select sum(c) as s from t"),
    (
        "select sum(c) over (order by a rows 1 preceding) as s from t",
        "select sum(c) over (order by a rows 2 preceding) as s from t",
    ),
    ("select lag(c) over (order by a) as s from t", "select lead(c) over (order by a) as s from t"),
    ("select a from t group by rollup (a)", "select a from t group by a"),
    ("select year(d) as p from t", "select month(d) as p from t"),
    ("select extract(year from d) as p from t", "select extract(month from d) as p from t"),
    ("select a from t", "select a from (select distinct a from t)"),
    ("select interval 1 day as i", "select interval 1 month as i"),
    ("select 1 as n", "select 1.0 as n"),
    ("select i from range(3) as g(i)", "select i from range(4) as g(i)"),
]


@pytest.mark.parametrize(("one", "other"), OTHER_BINDING)
def test_another_meaning_has_another_binding(binder: Binder, one: str, other: str) -> None:
    assert analysis(binder, one).binding != analysis(binder, other).binding


# Volatility and what is opaque

VOLATILE = {
    "select current_date as d from t": Volatility("current_date", "day"),
    "select today() as d from t": Volatility("today", "day"),
    "select age(d::timestamp) as g from t": Volatility("age", "day"),
    "select now() as n": Volatility("now", "build"),
    "select current_timestamp as n": Volatility("get_current_timestamp", "build"),
    "select localtimestamp as n": Volatility("current_localtimestamp", "build"),
    "select a from t where random() < 0.5": Volatility("random", "build"),
    # DuckDB has worked these out before it shows the plan.
    "select date_trunc('day', now()) as n": Volatility("now", "build"),
    "select strftime(current_timestamp, '%Y') as n": Volatility("get_current_timestamp", "build"),
    "select a from t where d > current_date - 7": Volatility("current_date", "day"),
    "select year(current_date) as y": Volatility("current_date", "day"),
    "select year(age(timestamp '2020-01-01')) as y": Volatility("age", "day"),
    "with w as (select hour(localtime) as h) select h from w": Volatility("current_localtime", "build"),
    "select uuid() as u": Volatility("uuid", "build"),
    "select current_setting('threads') as s": Volatility("current_setting", "build"),
    "select getvariable('v') as s": Volatility("getvariable", "build"),
    "select a from t tablesample 10%": Volatility("tablesample", "build"),
    "select a from t order by random() limit 1": Volatility("random", "build"),
    "select max(random()) as m from t": Volatility("random", "build"),
    "select max(a) filter (where random() < 0.5) as m from t": Volatility("random", "build"),
    "select sum(a + random()) over () as m from t": Volatility("random", "build"),
    "select list_transform([a], lambda e: e + random()) as m from t": Volatility("random", "build"),
    "select t.a from t join r on t.a = r.a + random()::integer": Volatility("random", "build"),
    "pivot (select a, random() as n from t) on a": Volatility("random", "build"),
    "from postgres_scan('x', 'y', 'z')": Volatility("postgres_scan", "build"),
}


@pytest.mark.parametrize("sql", VOLATILE)
def test_volatile_functions_are_named(binder: Binder, sql: str) -> None:
    assert analysis(binder, sql).volatile == (VOLATILE[sql],)


@pytest.mark.parametrize(
    "sql",
    [
        "select age(d::timestamp, d::timestamp) as g from t",
        "select hash(a), md5(b), date_trunc('day', d) from t",
        "select now from (select a as now from t) as x",
        'select x.current_date from (select d as "current_date" from t) as x',
    ],
)
def test_steady_functions_are_not(binder: Binder, sql: str) -> None:
    assert analysis(binder, sql).volatile == ()


def test_a_dynamic_pivot_is_opaque_with_its_cause(binder: Binder) -> None:
    found = analysis(binder, "with q as (pivot t on b using sum(c)) select * from q join r using (a)")
    assert found.schema is None
    assert found.footprints == (("r", WHOLE), ("t", WHOLE))
    assert found.opaque == (Opaque("PIVOT without a list of values: the columns depend on the data"),)
    assert found.binding


def test_what_duckdb_can_not_show_is_opaque_and_has_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    # Which plans DuckDB can't serialize differs from release to release: its answer is played here.
    binder = Binder()
    refusal = '{"error": true, "error_type": "not implemented", "error_message": "no such plan"}'
    monkeypatch.setattr(binder, "_one", lambda *_: refusal)
    found = analysis(binder, "select t.a, r.v as n from t join r using (a)")
    assert found.schema == schema("a INTEGER, n INTEGER")
    assert dict(found.footprints) == {"t": WHOLE, "r": WHOLE}
    assert found.opaque == (Opaque("DuckDB can't show the plan: no such plan"),)
    for kind in EdgeKind:
        edges = {(e.upstream, e.upstream_column, e.column) for e in found.edges if e.kind is kind}
        assert edges == {
            (key, source, name)
            for key in ("t", "r")
            for source in (*(column.name for column in SCHEMAS[key]), None)
            for name in ("a", "n", None)
        }
    binder.close()


def test_a_type_that_can_not_be_bound_is_opaque(binder: Binder) -> None:
    found = analysis(binder, "select a from odd", {"odd": (Column("a", "NO_SUCH_TYPE"),)})
    assert found.opaque
    assert dict(found.footprints) == {"odd": WHOLE}


# What is wrong

DIAGNOSES = {
    "select delya from staging.flights": (
        "unknown-column",
        8,
        "upstream staging.flights has no column 'delya'",
        "'delay'",
    ),
    "select f.carier from staging.flights f": (
        "unknown-column",
        8,
        "upstream staging.flights has no column 'carier'",
        "'carrier'",
    ),
    "select staging.flights.mont from staging.flights": (
        "unknown-column",
        8,
        "upstream staging.flights has no column 'mont'",
        "'month'",
    ),
    "select t.id from t join r using (k)": (
        "unknown-column",
        None,
        'Column "k" does not exist on left side',
        None,
    ),
    "select id, vv from t join r using (a)": ("unknown-column", 12, "no upstream has a column 'vv'", "'v'"),
    "select q.a from t": ("unknown-table", 8, 'Referenced table "q" not found!', None),
    "select a from staging.flight": (
        "unknown-table",
        15,
        "there is no asset or source 'staging.flight'",
        "'staging.flights'",
    ),
    "select b + d from t": ("type-error", 10, "No function matches", None),
    "select a from t where sum(a) > 1": ("sql-binding", 23, "WHERE clause cannot contain aggregates!", None),
    "select a, sum(c) from t": ("sql-binding", 8, 'column "a" must appear in the GROUP BY clause', None),
    "select uper(b) from t": ("unknown-function", 8, "there is no function 'uper'", "'upper'"),
    "select rowid from t": ("unknown-column", 8, "upstream t has no column 'rowid'", None),
    "select a from t union select a, k from r": ("sql-binding", None, "same number", None),
    "select 'é' as é, delya from staging.flights": ("unknown-column", 18, "no column 'delya'", "'delay'"),
}


@pytest.mark.parametrize("sql", DIAGNOSES)
def test_what_does_not_bind_gets_a_diagnosis_in_the_words_of_the_project(binder: Binder, sql: str) -> None:
    code, column, message, hint = DIAGNOSES[sql]
    found = binder.analyze(parsed(sql), SCHEMAS)
    assert isinstance(found, Diagnosis), found
    assert found.code == code, found
    assert message in found.message
    assert hint is None or (found.hint is not None and hint in found.hint), found
    if column is not None:
        assert found.place == Place("assets/q.sql", 4, column)
        assert found.excerpt is not None
        assert found.excerpt.split("\n")[1].index("^") == len("4 | ") + column - 1


def test_a_diagnosis_in_a_deep_key_points_into_the_users_text(binder: Binder) -> None:
    deep = {"x.y.z": schema("k INTEGER")}
    found = binder.analyze(parsed("select x.y.z.k,\n       x.y.z.kk\nfrom x.y.z"), deep)
    assert isinstance(found, Diagnosis)
    assert found.place == Place("assets/q.sql", 5, 8)
    assert found.message == "upstream x.y.z has no column 'kk'"


# The binder itself


def test_an_upstream_with_a_new_schema_is_bound_again(binder: Binder) -> None:
    assert analysis(binder, "from changing", {"changing": schema("a INTEGER")}).schema == schema("a INTEGER")
    assert analysis(binder, "from changing", {"changing": schema("b VARCHAR")}).schema == schema("b VARCHAR")


def test_upstreams_of_other_projects_are_not_seen(binder: Binder) -> None:
    analysis(binder, "from seen", {"seen": schema("a INTEGER")})
    assert isinstance(binder.analyze(parsed("from seen"), {}), Diagnosis)


def test_column_names_are_data(binder: Binder) -> None:
    odd: dict[Key, Schema] = {
        "odd": (Column('a"b; drop table t --', "INTEGER"), Column("é x", 'STRUCT("p q" INTEGER)'))
    }
    found = analysis(binder, 'from odd where "a""b; drop table t --" > 1', odd)
    assert found.schema == odd["odd"]
    ((_, read),) = found.footprints
    assert read.predicate == '("a""b; drop table t --" > 1)'


@pytest.mark.parametrize("type_", ["INTEGER, b INTEGER", "INTEGER); drop table t; --", "INTEGER;"])
def test_a_type_is_no_sql(binder: Binder, type_: str) -> None:
    found = analysis(binder, "from odd", {"odd": (Column("a", type_),)})
    assert found.opaque


def test_threads_share_a_binder(binder: Binder) -> None:
    queries = [f"select a + {n} as v from t where c > {n % 3}" for n in range(24)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda sql: analysis(binder, sql), queries))
    assert together == [analysis(binder, sql) for sql in queries]


def test_a_source_file_is_bound_by_its_schema(binder: Binder) -> None:
    query = parsed("select x.a, b from 'data/x.csv' where b > 1")
    key = query.files[0].key
    found = binder.analyze(query, {key: schema("a INTEGER, b INTEGER, c VARCHAR")})
    assert isinstance(found, Analysis)
    assert found.footprints == ((key, Footprint(("a", "b"), '("b" > 1)', False)),)


def test_a_column_of_another_upstream_is_not_said_to_be_nowhere() -> None:
    """Nor is its own name offered for it."""
    schemas = {"a": (Column("x", "INTEGER"),), "b": (Column("carrier", "VARCHAR"),)}
    query = parse_query("with one as (select carrier from a) select * from one join b using (carrier)")
    assert isinstance(query, Query)
    found = Binder().analyze(query, schemas)
    assert isinstance(found, Diagnosis)
    assert found.message == "there is no column 'carrier' where this is read"
    assert found.hint is None
    assert found.facts == ("a has: x", "b has: carrier")
