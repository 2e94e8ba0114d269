"""What flows into a column, and what only decides it: fields of structs, choices, offsets, joins that keep every row."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from upriver.assets.model import Column, Key, Schema
from upriver.lineage.model import Analysis, EdgeKind
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

SCHEMAS: dict[Key, Schema] = {
    "t": (
        *(Column(name, "INTEGER") for name in ("a", "b", "k")),
        Column("s", "VARCHAR"),
        Column("l", "INTEGER[]"),
        Column("ts", "TIMESTAMP"),
    ),
    "u": (Column("c", "INTEGER"), Column("k", "INTEGER"), Column("ts", "TIMESTAMP")),
}


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    binder = Binder()
    yield binder
    binder.close()


def analysed(binder: Binder, sql: str) -> Analysis:
    query = parse_query(sql)
    assert isinstance(query, Query), query
    found = binder.analyze(query, {key: SCHEMAS[key] for key in set(query.keys())})
    assert isinstance(found, Analysis), found
    assert not found.opaque
    return found


def into(found: Analysis, column: str | None, kind: EdgeKind) -> set[tuple[str, str]]:
    """The columns that bear on *column*, and how."""
    return {
        (edge.upstream_column, edge.how)
        for edge in found.edges
        if edge.column == column and edge.kind is kind and edge.upstream_column
    }


FIELDS = {
    "select z.p as o from (select {'p': a, 'q': b} as z from t)": {"a"},
    "select struct_pack(p := a, q := b).q as o from t": {"b"},
    "select {'P': a, 'q': b}.p as o from t": {"a"},
    "select z['q'] as o from (select {'p': a, 'q': b} as z from t)": {"b"},
    "select z[1] as o from (select row(a, b) as z from t)": {"a"},
    "select z.y.q as o from (select {'x': k, 'y': {'p': a, 'q': b}} as z from t)": {"b"},
    "select z.y as o from (select {'x': k, 'y': {'p': a, 'q': b}} as z from t)": {"a", "b"},
    "select u.q as o from (select unnest([{'p': a, 'q': b}, {'p': b, 'q': k}]) as u from t)": {"b", "k"},
    "select p as o from (select unnest({'p': a, 'q': b}) from t)": {"a"},
    "select [{'p': a, 'q': b}][1].p as o from t": {"a"},
    "select coalesce(z, {'p': 0, 'q': a}).p as o from (select a, {'p': b, 'q': k} as z from t)": {"b"},
    "select case when k > 0 then {'p': a, 'q': b} else {'p': 1, 'q': a} end.p as o from t": {"a"},
    "with w as (select {'p': a, 'q': b} as z from t) select x.z.p as o from w x join w y using (z)": {"a"},
    "select z.p as o from (select {'p': a, 'q': b} as z from t union all select {'p': k, 'q': k} from t)": {
        "a",
        "k",
    },
    "select z.p as o from (select max({'p': a, 'q': b}) as z from t)": {"a", "b"},
    "select z.p as o from (select {'p': a, 'q': b}::struct(p bigint, q bigint) as z from t)": {"a", "b"},
}


@pytest.mark.parametrize("sql", FIELDS)
def test_a_field_of_a_struct_comes_from_what_was_put_into_it(binder: Binder, sql: str) -> None:
    found = analysed(binder, sql)
    assert {column for column, _ in into(found, "o", EdgeKind.VALUE)} == FIELDS[sql]


def test_a_field_that_nothing_reads_is_not_read(binder: Binder) -> None:
    found = analysed(binder, "select z.p from (select {'p': a, 'q': b} as z from t)")
    assert dict(found.footprints)["t"].columns == ("a",)


def test_a_field_that_may_fail_is_read_though_nothing_takes_it(binder: Binder) -> None:
    found = analysed(binder, "select z.p from (select {'p': a, 'q': s::integer} as z from t)")
    assert dict(found.footprints)["t"].columns == ("a", "s")
    assert into(found, None, EdgeKind.INFLUENCE) == {("s", "expression")}


DECIDING = {
    "select case when a > 1 then b else k end as o from t": ({"b", "k"}, {("a", "conditional")}),
    "select if(a > 1, b, k) as o from t": ({"b", "k"}, {("a", "conditional")}),
    "select case when case when a > 1 then b else 0 end = 1 then k end as o from t": (
        {"k"},
        {("a", "conditional"), ("b", "conditional")},
    ),
    "select arg_max(s, b) as o from t": ({"s"}, {("b", "order")}),
    "select min_by(s, b) over (partition by k) as o from t": ({"s"}, {("b", "window"), ("k", "window")}),
    "select l[a] as o from t": ({"l"}, {("a", "conditional")}),
    "select list_extract(l, a) as o from t": ({"l"}, {("a", "conditional")}),
    "select l[a:b] as o from t": ({"l"}, {("a", "conditional"), ("b", "conditional")}),
    "select list_filter(l, lambda x: x > b) as o from t": ({"l"}, {("b", "filter")}),
    "select list_transform(l, lambda x: x + b) as o from t": ({"l", "b"}, set()),
    "select lag(a, b) over (order by k) as o from t": ({"a"}, {("b", "window"), ("k", "order")}),
    "select lag(a, 1, b) over (order by k) as o from t": ({"a", "b"}, {("k", "order")}),
    "select nth_value(a, b) over (order by k) as o from t": ({"a"}, {("b", "window"), ("k", "order")}),
    "select map([1], [a])[b] as o from t": ({"a"}, {("b", "conditional")}),
}


@pytest.mark.parametrize("sql", DECIDING)
def test_what_only_chooses_a_value_is_influence(binder: Binder, sql: str) -> None:
    found = analysed(binder, sql)
    values, influences = DECIDING[sql]
    assert {column for column, _ in into(found, "o", EdgeKind.VALUE)} == values
    assert into(found, "o", EdgeKind.INFLUENCE) == influences


KEEPS_EVERY_ROW = [
    "select t.a as o, u.c from t asof left join u on t.k = u.k and t.ts >= u.ts",
    "select t.a as o, x.m from t, lateral (select max(c) as m from u where u.k = t.k) x",
    "select t.a as o, x.m from t cross join lateral (select count(*) as m from u where u.k < t.k) x",
    "select t.a as o, x.m from t left join lateral (select max(c) as m from u where u.k = t.k) x on true",
    "select a as o, (select max(c) from u where u.k = t.k) as m from t",
    "select t.a as o, m from t left join (select k, max(c) as m from u group by k) g using (k)",
]


@pytest.mark.parametrize("sql", KEEPS_EVERY_ROW)
def test_a_join_that_keeps_every_row_once_does_not_decide_its_columns(binder: Binder, sql: str) -> None:
    assert into(analysed(binder, sql), "o", EdgeKind.INFLUENCE) == set()


DROPS_OR_REPEATS_ROWS = [
    "select t.a as o from t asof join u on t.k = u.k and t.ts >= u.ts",
    "select t.a as o from t, lateral (select c from u where u.k = t.k) x",
    "select t.a as o, x.m from t, lateral (select max(c) as m from u where u.k = t.k having max(c) > 1) x",
    "select t.a as o, x.m from t, lateral (select max(c) as m from u where u.k = t.k group by c) x",
    "select t.a as o from t, lateral (select max(c) as m from u where u.k = t.k) x where x.m > 1",
    "with w as (from t) select w.a as o from w join (select k from w where b > 1 group by k) r "
    "on w.k is not distinct from r.k",
    "with w as (from t) select w.a as o from w join (select k from w group by k limit 2) r "
    "on w.k is not distinct from r.k",
]


@pytest.mark.parametrize("sql", DROPS_OR_REPEATS_ROWS)
def test_a_join_that_may_drop_or_repeat_rows_decides_them(binder: Binder, sql: str) -> None:
    assert {"k"} <= {column for column, _ in into(analysed(binder, sql), "o", EdgeKind.INFLUENCE)}
