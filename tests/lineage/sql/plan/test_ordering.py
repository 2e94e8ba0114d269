"""Which queries may give something else when their input comes in another order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from upriver.assets.model import Column
from upriver.lineage.model import Analysis
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

_T = {
    "id": "INTEGER",
    "a": "INTEGER",
    "b": "VARCHAR",
    "c": "INTEGER",
    "d": "DATE",
    "x": "DOUBLE",
    "i": "INTERVAL",
    "f": "FLOAT",
}
_S = {
    "n": "DECIMAL(9,2)",
    "st": "STRUCT(u INTERVAL, v INTEGER)",
    "li": "INTERVAL[]",
    "ok": "STRUCT(u INTEGER)",
    "e": "ENUM('a','b')",
    "ln": "INTEGER[]",
    "k": "INTEGER",
}
SCHEMAS = {
    key: tuple(Column(name, type) for name, type in columns.items())
    for key, columns in (("t", _T), ("s", _S))
}

IN_ORDER = [
    "select list(case when c > 1 then 1 end order by a) m from t",
    "select row_number() over (order by a) r, row_number() over (order by b) q, row_number() over (order by c) p from t",
    "select sum(x) s from t",
    "select sum(f) s from t",
    "select avg(x) s from t",
    "select min(i) m from t",
    "select max(x) m from t",
    "select max(f, 2) m from t",
    "select quantile_disc(x, 0.5) m from t",
    "select histogram(x) m from t",
    "select list(x order by x) m from t",
    "select distinct x from t",
    "select distinct [x] m from t",
    "select {'x': x} m from t group by all",
    "select x from t order by x limit 1",
    "select first_value(x) over (order by x) m from t",
    "select x from t union select f from t",
    "select x from t except select f from t",
    "with recursive r as (select i from t union select i from r) select i from r",
    "select median(i) m from t",
    "select min(st) m from s",
    "select min(li) m from s",
    "select min(b collate nocase) m from t",
    "select first(a) m from t",
    "select any_value(a) m from t",
    "select list(a) m from t",
    "select list(a order by c) m from t",
    "select list(distinct a) m from t",
    "select first(a order by c) m from t",
    "select string_agg(b, ',' order by c) m from t",
    "select string_agg(b, ',') m from t",
    "select string_agg(b || 'x', ',' order by b) m from t",
    "select a, first(c) m from t group by a",
    "select a, list(distinct a) m from t group by a",
    "select a, arg_max(b, c) m from t group by a",
    "select first(m) m from (select a, max(c) m from t group by a)",
    "select list(m order by a) m from (select a, c, max(c) m from t group by a, c)",
    "select stddev(x) m from t",
    "select stddev(a) m from t",
    "select row_number() over () m from t",
    "select sum(x) over () m from t",
    "select sum(a) over (order by b rows unbounded preceding) m from t",
    "select sum(a) over (order by b rows between current row and unbounded following) m from t",
    "select first_value(a) over (order by b) m from t",
    "select lag(a) over (order by b) m from t",
    "select lag(m) over (order by m) m from (select a, max(c) m from t group by a)",
    "select row_number() over (order by a) r, m from (select a, c, max(b) m from t group by a, c)",
    "select row_number() over (order by a, c, b) r, a, b, c, d, x, id, i, f from t",
    "select row_number() over (order by a) r, row_number() over (order by b) q from t",
    "select row_number() over (partition by a order by b) r, row_number() over (partition by a order by b desc) q from t",
    "select list(a order by a) over () m from t",
    "select first_value(a order by a) over () m from t",
    "select distinct on (a) b from t",
    "select distinct i from t",
    "select i, count(*) n from t group by i",
    "select st, count(*) n from s group by st",
    "select a from t limit 1",
    "select a, b from t order by a limit 1",
    "select median(st) m from s",
    "select mode(li) m from s",
    "select first(q order by m) f from (select a, max(c) m, min(b) q from t group by a)",
    "select first(q order by a) f from (select a, c, max(d) m, min(b) q from t group by a, c)",
    "select row_number() over (order by a) r, row_number() over (order by a desc) q from (select a, c, max(b) m from t group by a, c)",
    "select row_number() over (order by a) r, row_number() over (order by m) q from (select a, c, max(b) m from t group by a, c)",
    "select row_number() over (partition by a) r, row_number() over (partition by b) q from t",
    "select row_number() over (order by a) r, row_number() over (order by a) q, row_number() over (order by b) p from t",
    "select row_number() over (order by a) r, rank() over (order by b) q from t",
    "select row_number() over (order by a) r, row_number() over (order by a nulls first) q from t",
    "select list(a + 1 order by a) m from t",
    "select list(a order by a + 1) m from t",
    "select list(distinct a order by a) m, list(distinct a) n from t",
    "select arg_max(b, c order by c) m from t",
    "select arg_max(a, a) m from t",
    "select li, count(*) c from s group by li",
    "select nth_value(a, 2) over (order by b) m from t",
    "select b, lead(a) over (order by a) m from t",
    "select b, row_number() over (order by a) m from t",
    "select c, count(*) over (order by b rows unbounded preceding) m from t",
    "select b, first_value(a) over (order by a) m from t",
    "select c, min(a) over (order by a rows unbounded preceding) m from t",
]

AS_A_BAG = [
    "select a, first(a order by a) m from t group by a",
    "select first_value(a) over (partition by a order by a) m from t",
    "select count(*) n from t",
    "select sum(a) s from t",
    "select avg(a) s from t",
    "select sum(n) s from s",
    "select min(a) m from t",
    "select max(b) m from t",
    "select min(ok) m from s",
    "select min(e) m from s",
    "select min(ln) m from s",
    "select list(a order by a) m from t",
    "select list(distinct a order by a) m from t",
    "select list(a order by a, c) m from t",
    "select first(a order by a) m from t",
    "select string_agg(b, ',' order by b) m from t",
    "select a, first(a) m from t group by a",
    "select a, first(c order by c) m from t group by a",
    "select a, list(a) m from t group by a",
    "select arg_max(b, c order by b, c) m from t",
    "select n.a, first(n.m) m from (select a, max(c) m from t group by a) n group by n.a",
    "select first(m order by a) m from (select a, max(c) m from t group by a)",
    "select first(m order by a, m) m from (select a, max(c) m from t group by a)",
    "select first(m order by m) m from (select a, max(c) m from t group by a)",
    "select list(m order by a, c) m from (select a, c, max(b) m from t group by a, c)",
    "select row_number() over (order by a) m from t",
    "select row_number() over (partition by a) m from t",
    "select a, row_number() over (order by a) m from t",
    "select a, b, row_number() over (partition by a order by b) m from t",
    "select rank() over (order by a) m from t",
    "select dense_rank() over (order by a) m from t",
    "select sum(a) over () m from t",
    "select sum(a) over (order by b) m from t",
    "select lag(m) over (order by a) m from (select a, max(c) m from t group by a)",
    "select lag(m) over (partition by a) m from (select a, max(c) m from t group by a)",
    "select lag(m) over (order by a, m) m from (select a, max(c) m from t group by a)",
    "select lag(m) over (partition by a order by c) m from (select a, c, max(c) m from t group by a, c)",
    "select row_number() over (order by a, c) r, m from (select a, c, max(b) m from t group by a, c)",
    "select row_number() over (order by a) r, row_number() over (order by a) q from t",
    "select row_number() over (order by a) r from (select distinct a from t)",
    "select distinct a from t",
    "select a, count(*) n from t group by a",
    "select e, count(*) n from s group by e",
    "select a from t order by a limit 1",
    "select ntile(2) over (order by a) n from t",
    "select percent_rank() over (order by a) n from t",
    "select cume_dist() over (order by a) n from t",
    "select first(q order by a, m) f from (select a, max(c) m, min(b) q from t group by a)",
    "select row_number() over (order by a, c) r, row_number() over (order by a desc, c) q from (select a, c, max(b) m from t group by a, c)",
    "select row_number() over (order by a, c, m) r, row_number() over (order by a desc, c, m) q from (select a, c, max(b) m from t group by a, c)",
    "select row_number() over (partition by a order by c) r, row_number() over (partition by c order by a) q from (select a, c, max(b) m from t group by a, c)",
    "select list(a order by a) m, count(*) n from t",
    "select first(1 order by a) m from t",
    "select first(1) m from t",
    "select list(1) m from t",
    "select string_agg(b, ',' order by b, c) m from t",
    "select string_agg(b, ',' order by a) m from (select a, max(b) b from t group by a)",
    "select arg_max(a, 1 order by a) m from t",
    "select min(b) m from t",
    "select b, count(*) n from t group by b",
    "select ok, count(*) n from s group by ok",
    "select n, count(*) c from s group by n",
    "select ln, count(*) c from s group by ln",
    "select first_value(a) over (partition by a) m from t",
    "select first_value(a) over (order by a) m from t",
    "select last_value(c) over (partition by a order by c) m from t",
    "select lead(a) over (order by a) m from t",
    "select lead(a) over (order by a, b) m from t",
    "select sum(a) over (order by b range between 1 preceding and current row) m from (select a, c as b from t)",
    "select sum(a) over (order by b groups between 1 preceding and current row) m from t",
    "select count(*) over (order by b rows unbounded preceding) m from t",
    "select min(a) over (order by a rows unbounded preceding) m from t",
    "select b, arg_max(a, 1 order by a) m from t group by b",
]


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    binder = Binder()
    yield binder
    binder.close()


def ordered(binder: Binder, sql: str) -> bool:
    query = parse_query(sql, path="q.sql", first_line=1)
    assert isinstance(query, Query)
    found = binder.analyze(query, SCHEMAS)
    assert isinstance(found, Analysis)
    ((_, footprint),) = found.footprints
    return footprint.ordered


@pytest.mark.parametrize("sql", IN_ORDER)
def test_where_equal_or_unsorted_rows_decide_the_order_counts(sql: str, binder: Binder) -> None:
    assert ordered(binder, sql)


@pytest.mark.parametrize("sql", AS_A_BAG)
def test_where_any_order_gives_the_same_it_does_not_count(sql: str, binder: Binder) -> None:
    assert not ordered(binder, sql)
