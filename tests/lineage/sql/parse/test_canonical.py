"""Equal fingerprints mean equal meaning; unequal writing of one meaning should be equal where it is safe."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lineage.sql.cases import cases

from upriver.assets.errors import Diagnosis
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.text.tokens import tokens

SAME = {
    "comments": ("select a, b from t", "select a, -- the first\n  b /* the /* nested */ second */ from t"),
    "space": ("select a,b from t where a>1", "select\n\ta ,\n b\nfrom t\n\n where  a > 1 ;"),
    "keyword case": ("select a from t where a is not null", "SELECT a FROM t WHERE a IS NOT NULL"),
    "function case": ("select sum(a) as s from t", "select SUM(a) as s from t"),
    "identifier case": ("select a, t.b from t where c > 1", "select A, t.b from T where C > 1"),
    "redundant quotes": ('select "a" from "t" where "c" > 1', "select a from t where c > 1"),
    "type case": ("select a::integer as i from t", "select CAST(a AS INTEGER) as i from t"),
    "type alias": ("select a::int as i from t", "select a::INTEGER as i from t"),
    "parentheses in where": (
        "select a from t where a > 1 and b = 2",
        "select a from t where ((a > 1) and (b = 2))",
    ),
    "parentheses in select": ("select a + b as s from t", "select ((a) + (b)) as s from t"),
    "parentheses of precedence": ("select a + b * c as s from t", "select a + (b * c) as s from t"),
    "parentheses around a query": ("select a from t", "(select a from t)"),
    "semicolon": ("select a from t", "select a from t;"),
    "optional as": ("select a as x from t as u", "select a x from t u"),
    "alias case in table": ("select u.a as x from t as u", "select U.a as x from t as U"),
    "join word": (
        "select t.a as a from t join r on t.a = r.a",
        "select t.a as a from t inner join r on t.a = r.a",
    ),
    "cte name": (
        "with q as (select a from t) select a from q",
        "with other as (select a from t) select a from other",
    ),
    "two cte names": (
        "with q as (select a from t), p as (select a from q) select a from p",
        "with one as (select a from t), two as (select a from one) select a from two",
    ),
    "the name of a recursive cte": (
        "with recursive q(a) as (select 1 union all select a + 1 from q where a < 3) select a from q",
        "with recursive p(a) as (select 1 union all select a + 1 from p where a < 3) select a from p",
    ),
    "the name of a recurring table": (
        "with recursive q(a, b) using key (a) as (select 1, 2 union select a + 1, b from recurring.q) select a, b from q",
        "with recursive p(a, b) using key (a) as (select 1, 2 union select a + 1, b from recurring.p) select a, b from p",
    ),
    "from first": ("from t select a", "select a from t"),
    "not equal": ("select a from t where a <> 1", "select a from t where a != 1"),
}

DIFFERENT = {
    "comment-like string": ("select '--x' as a from t", "select '' as a from t"),
    "block comment in a string": ("select '/* x */' as a from t", "select '' as a from t"),
    "a table in a schema called like a file": (
        'select a from "x.csv".t',
        'select a from "x.csv".u',
    ),
    "a table in a schema called like a cte": (
        "with q as (select a from t) select o.a as a from q.one as o, q",
        "with q as (select a from t) select o.a as a from q.two as o, q",
    ),
    "a table in a database called recurring": (
        "with q as (select a from t) select o.a as a from recurring.q.one as o, q",
        "with q as (select a from t) select o.a as a from recurring.q.two as o, q",
    ),
    "a table in an early schema, called like a cte": (
        "with q as (select a from t) select o.a as a from eins.q as o, q",
        "with q as (select a from t) select o.a as a from one.q as o, q",
    ),
    "a table in a late schema, called like a cte": (
        "with q as (select a from t) select o.a as a from two.q as o, q",
        "with q as (select a from t) select o.a as a from zwei.q as o, q",
    ),
    "letter case of a field": ("select s.x from t", "select s.X from t"),
    "limit": ("select a from t limit 0", "select a from t limit 1"),
    "letter case of a file": ("select a from 'data/x.csv'", "select a from 'data/X.csv'"),
    "a table in a schema, called like a cte": (
        "with q as (select a from t) select o.a as a from one.q as o, q",
        "with q as (select a from t) select o.a as a from two.q as o, q",
    ),
    "a file called like a cte": (
        "with q as (select a from t) select q.a as a from q, 'q.csv' as f",
        "with q as (select a from t) select q.a as a from q, 'p.csv' as f",
    ),
    "a recurring table": (
        "with recursive q(a) using key (a) as (select 1 union select a + 1 from recurring.q) select a from q",
        "with recursive q(a) using key (a) as (select 1 union select a + 1 from q) select a from q",
    ),
    "string case": ("select 'a' as a from t", "select 'A' as a from t"),
    "string space": ("select 'a b' as a from t", "select 'a  b' as a from t"),
    "quoted output case": ('select a as "X" from t', "select a as x from t"),
    "output name": ("select a as x from t", "select a as y from t"),
    "number form": ("select 1 as a from t", "select 1.0 as a from t"),
    "number exponent": ("select 1.0 as a from t", "select 1e0 as a from t"),
    "number precision": ("select 1.0 as a from t", "select 1.00 as a from t"),
    "blob": ("select 'ab' as a from t", "select x'ab' as a from t"),
    "escape string": (r"select 'a\n' as a from t", r"select E'a\n' as a from t"),
    "dollar": ("select $$a$$ as a from t", "select $$b$$ as a from t"),
    "minus grouping": ("select a - (b - c) as x from t", "select a - b - c as x from t"),
    "division grouping": ("select a / (b * c) as x from t", "select a / b * c as x from t"),
    "not binding": ("select (not a) = b as x from t", "select not a = b as x from t"),
    "not is null": ("select (not a) is null as x from t", "select not (a is null) as x from t"),
    "and or": (
        "select a from t where a = 1 or b = 2 and c = 3",
        "select a from t where (a = 1 or b = 2) and c = 3",
    ),
    "between and": (
        "select a from t where a between 1 and 2 and b",
        "select a from t where a between 1 and (2 and b)",
    ),
    "unary minus power": ("select -2 ^ 2 as x from t", "select -(2 ^ 2) as x from t"),
    "concat arrow": ("select j -> 'a' || 'b' as x from t", "select (j -> 'a') || 'b' as x from t"),
    "comparison chain": ("select (a = b) is null as x from t", "select a = (b is null) as x from t"),
    "set operation grouping": (
        "select a from t union (select b from t except select c from t)",
        "(select a from t union select b from t) except select c from t",
    ),
    "union all": ("select a from t union select b from t", "select a from t union all select b from t"),
    "limit in a branch": (
        "select a from t union all (select b from t limit 1)",
        "(select a from t union all select b from t) limit 1",
    ),
    "nulls first": (
        "select a from t order by a nulls first limit 1",
        "select a from t order by a nulls last limit 1",
    ),
    "distinct": ("select a from t", "select distinct a from t"),
    "count distinct": ("select count(a) as n from t", "select count(distinct a) as n from t"),
    "materialized": (
        "with q as materialized (select random() as a) select * from q, q p",
        "with q as not materialized (select random() as a) select * from q, q p",
    ),
    "cte or table": (
        "with q as (select a from t) select a from q",
        "with q as (select a from t) select a from p",
    ),
    "swapped ctes": (
        "with q as (select 1 as a), p as (select 2 as a) select a from q",
        "with q as (select 1 as a), p as (select 2 as a) select a from p",
    ),
    "shadowed cte": (
        "with q as (select a from t) select * from (with p as (select a from r) select a from q) z",
        "with q as (select a from t) select * from (with q as (select a from r) select a from q) z",
    ),
    "recursive start": (
        "with q as (select 1 as a), w as (select 2 as a) select * from w union all select * from q",
        "with q as (select 1 as a), w as (select 2 as a) select * from q union all select * from w",
    ),
    "row or parenthesis": ("select (a, b) as x from t", "select (a) as x from t"),
    "struct field case": ("select {'a': a} as x from t", "select {'A': a} as x from t"),
    "whole row name": ("select T from t", "select t from t"),
    "unnamed expression case": ("select A + 1 from t", "select a + 1 from t"),
    "file case": ("from 'X.csv'", "from 'x.csv'"),
    "file or column": ("select a from 'x.csv'", "select a from 'y.csv'"),
    "sample seed": (
        "select a from t using sample reservoir(3 rows) repeatable (1)",
        "select a from t using sample reservoir(3 rows) repeatable (2)",
    ),
    "interval unit": ("select d + interval 1 day as x from t", "select d + interval 1 month as x from t"),
    "cast": ("select a::integer as x from t", "select try_cast(a as integer) as x from t"),
    "decimal scale": ("select a::decimal(10,2) as x from t", "select a::decimal(10,3) as x from t"),
    "frame": (
        "select sum(a) over (order by b rows between 1 preceding and current row) as x from t",
        "select sum(a) over (order by b rows between 2 preceding and current row) as x from t",
    ),
    "frame unit": (
        "select sum(a) over (order by b rows between 1 preceding and current row) as x from t",
        "select sum(a) over (order by b range between 1 preceding and current row) as x from t",
    ),
    "ignore nulls": (
        "select last_value(a) over (order by b) as x from t",
        "select last_value(a ignore nulls) over (order by b) as x from t",
    ),
    "exclude": ("select * exclude (a) from t", "select * exclude (b) from t"),
    "grouping sets": ("select a, b from t group by rollup (a, b)", "select a, b from t group by cube (a, b)"),
    "join side": ("select t.a from t left join r using (a)", "select t.a from t right join r using (a)"),
    "using or on": ("select * from t join r using (a)", "select * from t join r on t.a = r.a"),
    "by name": (
        "select a from t union all by name select b from r",
        "select a from t union all select b from r",
    ),
    "lambda": (
        "select list_transform(l, lambda x: x + a) as y from t",
        "select list_transform(l, lambda x: x - a) as y from t",
    ),
    "dynamic pivot": ("pivot t on a using sum(b)", "pivot t on a using max(b)"),
}


def parsed(sql: str) -> Query:
    """The query, which must parse."""
    query = parse_query(sql)
    assert isinstance(query, Query), query
    return query


@pytest.mark.parametrize("name", SAME)
def test_the_same_meaning_written_otherwise_has_the_same_fingerprint(name: str) -> None:
    one, other = map(parsed, SAME[name])
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_meaning_has_another_fingerprint(name: str) -> None:
    one, other = map(parsed, DIFFERENT[name])
    assert one.fingerprint != other.fingerprint


def test_a_fingerprint_is_128_bits_in_hex() -> None:
    fingerprint = parsed("select 1").fingerprint
    assert len(fingerprint) == 32
    assert int(fingerprint, 16) >= 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_comments_and_space_between_any_two_tokens_change_nothing(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(cases("house")))
    texts = [token.text for token in tokens(case.sql)]
    gaps = st.sampled_from([" ", "\n", "\t ", " /* x */ ", " -- y\n", "/*'*/ ", "  "])
    words = list(tokens(case.sql))
    pieces = []
    for index, token in enumerate(words):
        glued = index + 1 < len(words) and words[index + 1].start == token.end
        pieces.append(texts[index] + ("" if glued else data.draw(gaps)))
    assert parsed("".join(pieces)).fingerprint == parsed(case.sql).fingerprint


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_token_dropped_doubled_or_replaced_is_seen_or_means_nothing(data: st.DataObject) -> None:
    """Whatever still parses after the change and has the same fingerprint gives the same columns and plan."""
    case = data.draw(st.sampled_from(cases("house")))
    words = list(tokens(case.sql))
    at = data.draw(st.integers(0, len(words) - 1))
    token = words[at]
    other = data.draw(st.sampled_from(words))
    replacement = data.draw(
        st.sampled_from(
            ["", token.text + " " + token.text, other.text, f"({token.text})", "not " + token.text]
        )
    )
    changed = case.sql[: token.start] + replacement + case.sql[token.end :]
    before, after = parse_query(case.sql), parse_query(changed)
    if (
        isinstance(after, Diagnosis)
        or isinstance(before, Diagnosis)
        or before.fingerprint != after.fingerprint
    ):
        return
    assert _meaning(case.sql) == _meaning(changed)


def _meaning(sql: str) -> object:
    """The text regenerated by DuckDB from its tree, without case: enough to see that nothing was lost."""
    con = duckdb.connect()
    row = con.execute("select json_deserialize_sql(json_serialize_sql(?))", [sql]).fetchone()
    con.close()
    assert row is not None
    return str(row[0]).lower()
