"""Queries that are deep or long in every way that DuckDB binds at its default expression depth, by name."""

from __future__ import annotations

from upriver.assets.model import Column, Schema

SCHEMA: Schema = (*(Column(f"c{i}", "INTEGER") for i in range(400)), Column("a", "INTEGER"))
"""The table ``t``."""


def _nested(before: str, middle: str, after: str, times: int) -> str:
    return before * times + middle + after * times


def _chain(definition: str, length: int) -> str:
    """So many common table expressions, each reading the one before it."""
    ctes = ", ".join(
        f"w{i} as ({definition.format(before=f'w{i - 1}' if i else 't')})" for i in range(length)
    )
    return f"with {ctes} from w{length - 1}"


DEEP = {
    "900 additions": f"select {' + '.join(['a'] * 901)} as x from t",
    "980 additions": f"select {' + '.join(['a'] * 981)} as x from t",
    "a key of 400 columns": "select md5("
    + " || '-' || ".join(f"coalesce(c{i}::varchar, '')" for i in range(400))
    + ") as k from t",
    "300 chained CTEs": _chain("select a + 1 as a from {before}", 300),
    "300 chained CTEs, filtered": _chain("select a from {before} where a <> 0", 300),
    "300 chained stars": _chain("select * from {before}", 300),
    "8 chained CTEs, read twice": _chain(
        "select l.a from {before} l join (select max(a) as a from {before}) using (a)", 8
    ),
    "900 whens": f"select case {' '.join(f'when a = {i} then c{i % 400}' for i in range(900))} else 0 end as x from t",
    "300 cases in else": "select "
    + "".join(f"case when a = {i} then c{i} else " for i in range(300))
    + f"0{' end' * 300} as x from t",
    "300 cases in when": f"select {_nested('case when ', 'a = 1', ' then 1 else 0 end = 1', 200)} as x from t",
    "900 ands": f"select a from t where {' and '.join(f'c{i % 400} <> {i}' for i in range(900))}",
    "900 ors": f"select a from t where {' or '.join(f'c{i % 400} = {i}' for i in range(900))}",
    "300 ands and ors in turn": "select a from t where "
    + "".join(f"(c{i} = 1 {'and' if i % 2 else 'or'} " for i in range(300))
    + f"true{')' * 300}",
    "400 subqueries": f"select a from {_nested('(select a from ', 't', ')', 400)}",
    "60 exists": f"select a from t where {_nested('exists (select 1 from t where ', 'a = 1', ')', 60)}",
    "40 scalar subqueries": f"select {_nested('(select max(a) + ', '0', ' from t)', 40)} as x from t",
    "900 functions": f"select {_nested('abs(', 'a', ')', 900)} as x from t",
    "900 parentheses": f"select {_nested('(', 'a', ')', 900)} as x from t",
    "900 nots": f"select a from t where {'not ' * 450} a = 1",
    "200 lists": f"select {_nested('[', 'a', ']', 200)} as x from t",
    "100 structs": "select " + _nested("{'s': ", "a", "}", 100) + " as x from t",
    "500 unions": " union all ".join(["select a from t"] * 500),
    "100 joins": "select t0.a from t t0 " + " ".join(f"join t t{i} on t{i}.a = t0.a" for i in range(1, 100)),
    "5000 values in a list": f"select a from t where a in ({', '.join(map(str, range(5000)))})",
    "200 queries in parentheses": _nested("(", "select a from t", ")", 200),
    "400 windows": "select "
    + ", ".join(f"sum(c{i}) over (order by a) as s{i}" for i in range(400))
    + " from t",
}
TOO_DEEP = {
    "1100 additions": f"select {' + '.join(['a'] * 1101)} as x from t",
    "a key of 600 columns": "select md5("
    + " || '-' || ".join(f"coalesce(c{i % 400}::varchar, '')" for i in range(600))
    + ") as k from t",
}
"""More than DuckDB binds."""
