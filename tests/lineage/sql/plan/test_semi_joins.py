"""Semi-joins as row filters: which there are, and of which upstream's keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from upriver.assets.model import Column, Key, Schema
from upriver.lineage.model import Analysis, KeyFilter
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder


def _columns(**types: str) -> Schema:
    return tuple(Column(name, type_) for name, type_ in types.items())


SCHEMAS: dict[Key, Schema] = {
    "t": _columns(k="INTEGER", a="INTEGER", s="VARCHAR", b="BIGINT", d="DOUBLE"),
    "u": _columns(k="INTEGER", c="INTEGER", s="VARCHAR", b="BIGINT"),
    "r": _columns(c="INTEGER", z="VARCHAR"),
}


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    binder = Binder()
    yield binder
    binder.close()


def found(binder: Binder, sql: str) -> set[KeyFilter]:
    query = parse_query(sql)
    assert isinstance(query, Query), query
    analysis = binder.analyze(query, {key: SCHEMAS[key] for key in set(query.keys())})
    assert isinstance(analysis, Analysis), analysis
    assert not analysis.opaque
    return set(analysis.key_filters)


K = KeyFilter("t", '"k"', "INTEGER", "u", "k")
K_OR_NULL = KeyFilter("t", '"k"', "INTEGER", "u", "k", nulls=True)

FILTERS = {
    "select a from t where k in (select k from u where c > 1)": {K},
    "select a from t semi join u using (k)": {K},
    "select a from t where k = any (select k from u)": {K},
    "select a from t where exists (select 1 from u where u.k = t.k and c > 1)": {K_OR_NULL},
    "select sum(d) from t where k in (select k from u) and a > 1": {K},
    "select a from t where k in (select distinct k from u order by k limit 5)": {K},
    "select a from t where k in (select k from u group by k having count(*) > 1)": {K},
    "select a from t where k in (select u.k from u join r using (c))": {K},
    "with w as (select k from u) select a from t where k in (from w)": {K},
    "with w as (from t) select a from w where k in (select k from u)": {K},
    "select g.a from (select a, k from t) g left join r on r.c = g.k where g.k in (select k from u)": {K},
    "select a from t where b in (select k from u)": {KeyFilter("t", '"b"', "BIGINT", "u", "k")},
    "select a from t where k in (select b from u)": {KeyFilter("t", 'CAST("k" AS BIGINT)', "BIGINT", "u", "b")},
    "select a from t semi join u using (k, s)": {K, KeyFilter("t", '"s"', "VARCHAR", "u", "s")},
    "select a from t where k in (select k from u where c in (select c from r))": {
        K,
        KeyFilter("u", '"c"', "INTEGER", "r", "c"),
    },
}  # fmt: skip


@pytest.mark.parametrize("sql", FILTERS)
def test_rows_without_a_partner_in_a_semi_join_are_not_read(binder: Binder, sql: str) -> None:
    assert found(binder, sql) == FILTERS[sql]


ALL_ROWS_MATTER = [
    "select a from t where k not in (select k from u)",
    "select a from t where not exists (from u where u.k = t.k)",
    "select a from t anti join u using (k)",
    "select a from t left join u using (k)",
    "select a, k in (select k from u) as m from t",
    "select a from t where k in (select k from u) or a > 1",
    "select a from t where (select count(*) from u where u.k = t.k) = 0",
]
KEYS_FROM_ELSEWHERE = [
    "select a from t where k in (select k from u union all select 7)",
    "select a from t where k in (select max(k) from u)",
    "select a from t where k in (select coalesce(k, 0) from u)",
    "select a from t where k in (select unnest([k]) from u)",
    "select a from t where k in (with recursive z as (select k from u union select k + 1 from z where k < 9) from z)",
    "select a from t where k in (select k from t where a > 1)",
    "select a from t where k in (values (1), (2))",
]
ROWS_READ_OTHERWISE_TOO = [
    "with w as (from t) select a from w where k in (select k from u) union all select a from w",
    "from (select k from t union all select a from t) where k in (select k from u)",
    "select a from t where k in (select k from u) and (select count(*) from t) > 1",
]
IN_DOUBT = [
    "select a from t where k in (select k from u) limit 3",
    "select a, row_number() over () as n from t where k in (select k from u)",
    "select a from t where k in (select k from u) and s::integer > 1",
    "select a from t where d in (select k from u)",
]


@pytest.mark.parametrize("sql", [*ALL_ROWS_MATTER, *KEYS_FROM_ELSEWHERE, *ROWS_READ_OTHERWISE_TOO, *IN_DOUBT])
def test_in_doubt_all_rows_are_read(binder: Binder, sql: str) -> None:
    assert not found(binder, sql)
