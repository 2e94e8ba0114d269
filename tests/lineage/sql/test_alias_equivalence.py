"""Two queries that differ only in what they call their tables, and those that only seem to."""

from __future__ import annotations

import duckdb
import pytest

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column
from upriver.lineage.model import Analysis
from upriver.lineage.sql.alias_equivalence import only_aliases_differ
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

TABLE = (
    Column("x", "INTEGER"),
    Column("k", "INTEGER"),
    Column("s", "STRUCT(y INTEGER)"),
    Column("t", "STRUCT(y INTEGER)"),
    Column("l", "INTEGER[]"),
)
SCHEMAS = {
    "m.a": TABLE,
    "m.b": TABLE,
    "m.c": (Column("y", "INTEGER"), Column("s", "STRUCT(y INTEGER)"), Column("z", "INTEGER")),
}

RENAMED = {
    "one table": ("select o.x from m.a o", "select p.x from m.a p"),
    "with comments": ("select o.x from m.a o", "select p.x -- the x\nfrom m.a   p"),
    "with AS, and quoted": ("select o.x from m.a as o", 'select "P".x from m.a as "P"'),
    "exchanged": (
        "select o.x, p.k from m.a o join m.b p on o.k = p.k",
        "select p.x, o.k from m.a p join m.b o on p.k = o.k",
    ),
    "a star": ("select o.*, o.x + 1 as y from m.a o", "select q.*, q.x + 1 as y from m.a q"),
    "a subquery": ("select q.x from (select x from m.a) q", "select r.x from (select x from m.a) r"),
    "correlated": (
        "select o.x from m.a o where exists (select 1 from m.b i where i.k = o.k)",
        "select o.x from m.a o where exists (select 1 from m.b inner_ where inner_.k = o.k)",
    ),
    "an unnested list": ("select u.e from m.a, unnest(l) u(e)", "select v.e from m.a, unnest(l) v(e)"),
}

QUALIFIED = {
    "by an alias that was there": ("select x, k from m.a e where k > 1", "select e.x, e.k from m.a e where e.k > 1"),
    "by a new alias": ("select x from m.a where k > 1", "select e.x from m.a as e where e.k > 1"),
    "by the table's own name": ("select x from m.a", "select a.x from m.a"),
    "some of them": ("select x, e.k from m.a e", "select e.x, k from m.a e"),
    "a field": ("select s.y as c from m.a e", "select e.s.y as c from m.a e"),
    "a star": ("select *, x + 1 as z from m.a e", "select e.*, e.x + 1 as z from m.a e"),
    "in a subquery": ("select x from (select x, k from m.a) where k > 1",
                      "select q.x from (select i.x, i.k from m.a i) q where q.k > 1"),
    "with AS in front of its alias": ("select x from m.a e", "select e.x from m.a as e"),
    "with AS in front of others": (
        "select x c, sum(k) n from m.a e group by x",
        "select e.x as c, sum(k) as n from m.a e group by e.x",
    ),
    "and renamed": ("select o.x, k from m.a o", "select p.x, p.k from m.a p"),
    "of a common table expression": ("with q as (from m.a) select x from q", "with q as (from m.a) select q.x from q"),
    "in every clause": (
        "select k, sum(x) as n from m.a group by k having min(x) > 0 order by k",
        "select a.k, sum(a.x) as n from m.a group by a.k having min(a.x) > 0 order by a.k",
    ),
}  # fmt: skip

OTHERWISE = {
    "nothing": ("select o.x from m.a o", "select o.x from m.a o"),
    "a literal as well": ("select o.x + 1 as x from m.a o", "select p.x + 2 as x from m.a p"),
    "a column": ("select o.x as c from m.a o", "select o.k as c from m.a o"),
    "an output name": ("select o.x as c from m.a o", "select o.x as d from m.a o"),
    "a function": ("select min(o.x) as c from m.a o", "select max(o.x) as c from m.a o"),
    "a table": ("select o.x from m.a o", "select o.x from m.b o"),
    "the row as a whole": ("select o from m.a o", "select p from m.a p"),
    "the row as an argument": ("select count(o) as n, o.x from m.a o group by all",
                               "select count(p) as n, p.x from m.a p group by all"),
    "one word more": ("select o.x from m.a o", "select p.x from m.a p limit 1"),
    "one word less": ("select o.x from m.a o limit 1", "select p.x from m.a p"),
    "letter case as well": ("select o.x from m.a o", "select p.X from m.a p"),
    "which of two, the other way": ("select o.x from m.a o join m.b p on o.k = p.k",
                                    "select o.x from m.a p join m.b o on p.k = o.k"),
    "one of two made the other": ("select o.x, p.k from m.a o join m.b p on o.k = p.k",
                                  "select o.x, o.k from m.a o join m.b p on o.k = p.k"),
    "one of two made a third": ("select o.x, o.k from m.a o join m.b p on o.k = p.k",
                                "select z.x, b.k from m.a z join m.b p on z.k = p.k"),
    "one of two made an earlier": ("select o.x, o.k from m.a o join m.b p on o.k = p.k",
                                   "select b.x, z.k from m.a b join m.b p on b.k = p.k"),
    "which of two": ("select o.x from m.a o join m.b p on o.k = p.k", "select p.x from m.a o join m.b p on o.k = p.k"),
    "a name of a parameter": ("select list_transform(l, lambda o: o + 1) as c from m.a o",
                              "select list_transform(l, lambda p: p + 1) as c from m.a p"),
    "a field": ("select o.s.y as c from m.a o", "select o.t.y as c from m.a o"),
    "a common table expression": ("with o as (from m.a) select o.x from o", "with p as (from m.a) select p.x from p"),
    "two made one": ("select o.x, p.k from m.a o join m.b p using (k)", "select o.x, o.k from m.a o join m.b o using (k)"),
    "no query": ("select o.x from m.a o", "selekt p.x from m.a p"),
}  # fmt: skip


def query(text: str) -> Query:
    found = parse_query(text)
    assert isinstance(found, Query), found
    return found


def bound(text: str) -> str | Diagnosis:
    """The digest of what a query means, or why it can't be bound."""
    binder = Binder()
    parsed = query(text)
    found = binder.analyze(parsed, {key: SCHEMAS[key] for key in parsed.keys()})  # noqa: SIM118
    binder.close()
    return found.binding if isinstance(found, Analysis) else found


def binding(text: str) -> str:
    found = bound(text)
    assert isinstance(found, str), found
    return found


@pytest.mark.parametrize("name", RENAMED)
def test_another_alias_is_no_difference_and_binds_to_the_same(name: str) -> None:
    one, other = RENAMED[name]
    assert query(one).fingerprint != query(other).fingerprint
    assert only_aliases_differ(one, other)
    assert only_aliases_differ(other, one)
    assert binding(one) == binding(other)


@pytest.mark.parametrize("name", QUALIFIED)
def test_a_column_with_its_table_in_front_is_no_difference_and_binds_to_the_same(name: str) -> None:
    one, other = QUALIFIED[name]
    assert query(one).fingerprint != query(other).fingerprint
    assert only_aliases_differ(one, other)
    assert only_aliases_differ(other, one)
    assert binding(one) == binding(other)


CAPTURED = {
    "a field of a column of that name": ("select y as c from m.c i", "select s.y as c from m.c i"),
    "a column of the outer query": (
        "select x from m.a o where exists (select 1 from m.c i where z = x)",
        "select x from m.a o where exists (select 1 from m.c i where z = i.x)",
    ),
    "the other of two tables": (
        "select o.x from m.a o join m.c i on i.z = k", "select o.x from m.a o join m.c i on i.z = i.k",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CAPTURED)
def test_a_qualifier_that_means_another_column_is_told_by_what_is_bound(name: str) -> None:
    one, other = CAPTURED[name]
    found = [bound(one), bound(other)]
    assert found[0] != found[1]


@pytest.mark.parametrize("name", OTHERWISE)
def test_whatever_else_differs_is_a_difference(name: str) -> None:
    one, other = OTHERWISE[name]
    assert not only_aliases_differ(one, other)
    assert not only_aliases_differ(other, one)


def test_a_field_of_a_column_that_an_alias_hid_is_told_by_what_is_bound() -> None:
    """The table has no column ``y``: then ``s.y`` is a field of its column ``s``, whatever the table is called."""
    one, other = "select s.y as c from m.a s", "select t.y as c from m.a t"
    with duckdb.connect() as connection:
        connection.execute("create schema m")
        connection.execute("create table m.a as select {'y': 1} as s, {'y': 2} as t")
        assert connection.sql(one).fetchall() != connection.sql(other).fetchall()
    assert only_aliases_differ(one, other)
    assert binding(one) != binding(other)


def test_an_output_named_by_its_expression_is_told_by_what_is_bound() -> None:
    assert binding("select o.x + 1 from m.a o") != binding("select p.x + 1 from m.a p")
