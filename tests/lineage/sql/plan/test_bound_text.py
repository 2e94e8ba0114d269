"""The executable text under other relation names binds to the same columns as before."""

from __future__ import annotations

import duckdb
import pytest

from upriver.lineage.sql.names import quote, relation_name, relation_parts
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query

TABLES = {
    "t": "a integer, s struct(f integer)",
    "staging.flights": "a integer, x integer, s struct(f integer, g struct(h integer))",
    "x.y.z": "k integer",
    "other.flights": "b integer",
    "with space.odd": "a integer",
}
QUERIES = [
    "select a from t",
    "select t.a, t.s.f, s.f as f2 from t",
    "select t from t",
    "select T.A from T as t",
    "select u.a from t u",
    "from staging.flights where flights.x > 1",
    "select staging.flights.x from staging.flights",
    "select staging.flights.s.g.h, flights.s.f, s.f as sf from staging.flights",
    "select Staging.Flights.X from STAGING.FLIGHTS",
    'select "staging"."flights".x from "staging"."flights"',
    "select flights.* from staging.flights",
    "select flights from staging.flights",
    "select staging.flights.a, other.flights.b from staging.flights, other.flights",
    "select staging.flights.a, other.flights.b from staging.flights join other.flights on staging.flights.a = other.flights.b",
    "select flights.a, flights.b from staging.flights, other.flights",
    "select f.a, flights.b from staging.flights f, other.flights",
    "select a from staging.flights where exists (select 1 from other.flights where flights.b = staging.flights.a)",
    "with flights as (select * from staging.flights) select flights.x from flights",
    "with t as (select a from t) select t.a from t",
    "with q as (select staging.flights.a from staging.flights) select q.a, flights.b from q, other.flights",
    "select a from t union all select staging.flights.a from staging.flights order by a",
    "select t.a, (select max(flights.x) from staging.flights where staging.flights.a = t.a) as m from t",
    "select * from t semi join staging.flights using (a)",
    "select columns(t.*) from t",
    "select t.* exclude (s), flights.x from t, staging.flights",
    "summarize staging.flights",
    "table t",
    "pivot (select a, x from staging.flights) on a in (1, 2) using sum(x)",
    "select 'staging.flights' as staging, staging.flights.a from staging.flights -- staging.flights",
    "select sum(staging.flights.a) over (partition by staging.flights.x order by flights.x) as w from staging.flights",
    "select * from t tablesample reservoir(3 rows) repeatable (1)",
    "select é.a as ü from staging.flights as é where 'ü' <> 'é' and é.x > 0",
]
SPREAD_OUT = [
    "select x.y.z.k from x.y.z",
    "select z.k from x.y.z",
    "select x.y.z.k, t.a from x.y.z join t on x.y.z.k = t.a",
]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    """Every table under the name of its key's view, and under a name that tells nothing."""
    con = duckdb.connect()
    con.execute("create schema stub")
    for number, (key, columns) in enumerate(TABLES.items()):
        con.execute(f"create schema if not exists {quote(relation_parts(key)[0])}")
        con.execute(f"create table {relation_name(key)} ({columns})")
        con.execute(f"create table stub.q{number} ({columns})")
    return con


def parsed(sql: str) -> Query:
    """The query, which must parse."""
    query = parse_query(sql)
    assert isinstance(query, Query), query
    return query


def stub(key: str) -> str:
    """A name with nothing of the key in it."""
    return f"stub.q{list(TABLES).index(key)}"


def same_name_elsewhere(key: str) -> str:
    """Another schema, the same last part."""
    return f'"{relation_parts(key)[0]}"."{key.rpartition(".")[2]}"'


@pytest.mark.parametrize("sql", QUERIES)
def test_names_stay_as_they_are_where_the_view_is_called_the_same(sql: str) -> None:
    assert parsed(sql).bound_text(relation_name) == parsed(sql).executable


@pytest.mark.parametrize("sql", QUERIES)
def test_a_replaced_name_binds_to_the_same_columns(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    before = connection.execute(f"describe {sql}").fetchall()
    text = parsed(sql).bound_text(stub)
    after = connection.execute(f"describe {text}").fetchall()
    assert [row[1] for row in after] == [row[1] for row in before]
    if "max(" not in sql and "sum(" not in sql:
        assert [row[0] for row in after] == [row[0] for row in before]


@pytest.mark.parametrize("sql", SPREAD_OUT)
@pytest.mark.parametrize("relation_of", [relation_name, stub])
def test_deep_keys_bind(sql: str, relation_of: object, connection: duckdb.DuckDBPyConnection) -> None:
    assert callable(relation_of)
    described = connection.execute(f"describe {parsed(sql).bound_text(relation_of)}").fetchall()
    assert described[0][0] == "k"


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select x.a from 'd/x.csv'", ["a"]),
        ("select t.a from 'd/x.csv' t", ["a"]),
        ("select read_csv.a from read_csv('x.csv', delim = ';')", ["a"]),
        ("select q, p from read_csv('x.csv', delim = ';') as t(p, q)", ["q", "p"]),
        ("from 'd/*.csv'", ["a", "s"]),
    ],
)
def test_a_file_read_becomes_its_sources_view(
    sql: str, names: list[str], connection: duckdb.DuckDBPyConnection
) -> None:
    text = parsed(sql).bound_text(lambda key: 'main."t"')
    assert ".csv" not in text
    assert [row[0] for row in connection.execute(f"describe {text}").fetchall()] == names


def test_positions_lead_back_to_the_users_text() -> None:
    query = parsed("select ü.nope from staging.flights as ü where nope2")
    bound = query.bound(lambda key: '"somewhere"."else entirely"')
    for word in ("select", "ü.nope", "as ü", "nope2"):
        assert bound.origin(bound.text.index(word)) == query.executable.index(word)
    assert bound.origin(bound.text.index("else entirely")) == query.executable.index("staging")
    at = bound.text.index("nope2")
    assert bound.from_byte(len(bound.text[:at].encode())) == at
