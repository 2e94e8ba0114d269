"""Slicing: a slice's query over the rows that its mapping names equals that slice of the full result."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from upriver.assets.model import Column, Schema
from upriver.assets.partitions.model import Dimension, Grain, Partitioning
from upriver.lineage.model import Analysis, Slicing
from upriver.lineage.partitions.keys import key_of_row
from upriver.lineage.partitions.ranges import rows_of
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

SCHEMAS: dict[str, Schema] = {
    "t": (
        Column("ts", "TIMESTAMP"), Column("moment", "TIMESTAMP WITH TIME ZONE"), Column("d", "DATE"),
        Column("c", "VARCHAR"), Column("n", "INTEGER"), Column("x", "DOUBLE"), Column("s", "VARCHAR"),
    ),
    "u": (Column("d", "DATE"), Column("c", "VARCHAR"), Column("v", "BIGINT")),
    "w": (Column("c", "VARCHAR"), Column("name", "VARCHAR")),
}  # fmt: skip
DAY = (Dimension("k", Grain.DAY),)
MONTH = (Dimension("k", Grain.MONTH),)
NEW_YORK = (Dimension("k", Grain.HOUR, "America/New_York"),)
VALUE = (Dimension("k"),)
BOTH = (Dimension("k", Grain.DAY, start="2024-03-09", until="2024-03-11"), Dimension("c"))

SLICED = [
    ("select d as k, * from t where n > 1", DAY),
    ("select ts::date as k, c, count(*) n, sum(n) s from t group by all", DAY),
    ("select date_trunc('day', ts) as k, n from t", DAY),
    ("select date_trunc('day', ts) as k, n from t", MONTH),
    ("select date_trunc('month', ts)::date as k, max(n) m from t group by 1", DAY),
    ("select moment as k, n from t", NEW_YORK),
    ("select timezone('America/New_York', moment)::date as k, count(*) from t group by 1", DAY),
    ("select t.d as k, w.name, t.n from t join w on t.c = w.c", DAY),
    ("select t.d as k, u.v, t.n from t join u on t.d = u.d and t.c = u.c", DAY),
    ("select u.d as k, u.v, t.n from t join u on t.ts::date = u.d", DAY),
    ("select t.d as k, u.v from t left join u on t.d = u.d", DAY),
    ("select u.d as k, t.n from t right join u on t.d = u.d", DAY),
    ("select d as k, n from t where d in (select d from u where v > 1)", DAY),
    ("select d as k, n from t where d not in (select d from u where v > 1)", DAY),
    ("select d as k, n from t where exists (select 1 from u where u.d = t.d)", DAY),
    ("select d as k, n from t where n > (select avg(v) from u)", DAY),
    ("select d as k, n from t semi join u using (d)", DAY),
    ("select d as k, n from t anti join u using (d)", DAY),
    ("select d as k, n, row_number() over (partition by d order by n, c, s, x, ts, moment) r from t", DAY),
    ("select d as k, c, rank() over (partition by c, d order by n) r from t", DAY),
    ("select distinct d as k, c from t", DAY),
    ("select distinct on (d, n) d as k, n from t order by d, n", DAY),
    ("select d as k, c from t union all select d, c from u", DAY),
    ("select d as k, c from t union select d, c from u", DAY),
    ("select d as k, c from t except select d, c from u", DAY),
    ("select d as k, c from t intersect select d, c from u", DAY),
    ("with a as (select d, sum(n) s from t group by d), b as (select d, s from a) select a.d as k, b.s from a join b on a.d = b.d", DAY),
    ("select k, s from (select d as k, c as s, n from t where n < 5) order by n", DAY),
    ("select c as k, sum(n) from t group by 1", VALUE),
    ("select upper(c) as k, n from t", VALUE),
    ("select t.c as k, w.name from t join w using (c)", VALUE),
    ("select n as k, c from t", VALUE),
    ("select n + 1 as k, c from t", VALUE),
    ("select try_cast(s as date) as k, n from t", DAY),
    ("select s::date as k, n from t where s like '20%'", DAY),
    ("select d as k, c, count(*) from t group by all", BOTH),
    ("select t.d as k, t.c, u.v from t left join u on u.d = t.d", BOTH),
    ("select d as k, unnest([n, n + 1]) as m from t", DAY),
]  # fmt: skip
WHOLE = [
    ("select d as k, n from t limit 5", DAY, "LIMIT"),
    ("select d as k, n / sum(n) over () from t", DAY, "window"),
    ("select max(d) as k from t", DAY, "aggregate"),
    ("select u.d as k, t.n from t left join u on t.d = u.d", DAY, "outer join"),
    ("select coalesce(t.d, u.d) as k from t full join u on t.d = u.d", DAY, ""),
    ("select r::date as k, n from range(date '2024-01-01', date '2024-02-01', interval 1 day) g(r) left join t on r = t.d", DAY, "table function"),
    ("select date '2024-01-01' as k, n from t", DAY, "constant"),
    ("select d as k, n from t union all select date '2024-01-01', 1", DAY, ""),
    ("select d as k, random() from t", DAY, "random"),
    ("select d as k, c, count(*) from t group by rollup (d, c)", DAY, "ROLLUP"),
    ("select t.d as k, w.c from t cross join w", BOTH, "both sides"),
    ("select d as k from t using sample 3 rows", DAY, ""),
]  # fmt: skip


def analysis(sql: str, dimensions: tuple[Dimension, ...]) -> tuple[Analysis, Query]:
    """The analysis of a query that is right."""
    query = parse_query(sql)
    assert isinstance(query, Query)
    schemas = {key: SCHEMAS[key] for key in set(query.keys())}
    found = BINDER.analyze(query, schemas, cut_by=tuple(one.by for one in dimensions))
    assert isinstance(found, Analysis), found
    return found, query


BINDER = Binder()


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of SCHEMAS with random rows, nulls and clock changes among them."""
    draw = random.Random(7)
    with duckdb.connect(config={"threads": "2"}) as found:
        found.execute("set TimeZone = 'UTC'")
        for key, schema in SCHEMAS.items():
            found.execute(f"create table {key} ({', '.join(f'{one.name} {one.type}' for one in schema)})")
            rows = [tuple(value(draw, one) for one in schema) for _ in range(90)]
            found.executemany(f"insert into {key} values ({', '.join('?' * len(schema))})", rows)
        yield found


def value(draw: random.Random, column: Column) -> Any:
    """Some value of a column, null now and then."""
    if draw.random() < 0.08:
        return None
    moment = f"2024-0{draw.choice('33345')}-{draw.choice(['09', '10', '11', '28'])} 0{draw.randrange(10)}:{draw.randrange(60):02}:00"
    match column.type:
        case "TIMESTAMP":
            return moment
        case "TIMESTAMP WITH TIME ZONE":
            return f"{moment}+00"
        case "DATE":
            return moment[:10]
        case "VARCHAR":
            return draw.choice(["a", "b", "a/b", "~null", "", moment[:10] if column.name == "s" else "ä"])
        case "DOUBLE":
            return draw.choice([0.0, -0.0, 1.5, float("nan")])
        case _:
            return draw.randrange(7)


def keys_of(connection: duckdb.DuckDBPyConnection, relation: str, text: str) -> set[str]:
    return {str(key) for (key,) in connection.execute(f"select distinct {text} from {relation}").fetchall()}


@pytest.mark.parametrize(("sql", "dimensions"), SLICED)
def test_a_slice_of_the_result_needs_no_more_than_the_rows_that_its_mapping_names(
    connection: duckdb.DuckDBPyConnection, sql: str, dimensions: tuple[Dimension, ...]
) -> None:
    """Otherwise a slice would be made wrong, or called fresh when it is not."""
    found, query = analysis(sql, dimensions)
    slicing = found.slicing
    assert isinstance(slicing, Slicing)
    assert slicing.whole is None
    partition = Partitioning(dimensions)
    output = key_of_row(dimensions, slicing.types, [one.by for one in dimensions])
    keys: set[str] = set()
    for one in slicing.carriers:
        text = key_of_row(dimensions, slicing.types, [f"({each})" for each in one.expressions])
        keys |= keys_of(connection, one.upstream, text)
    assert keys_of(connection, f"({sql}) r", output) <= keys, "a slice that no carrier tells"
    universe = sorted(keys)
    for wanted in [*([key] for key in {*universe[:3], *universe[-3:]}), universe[1::2], universe]:
        for read in slicing.reads:
            condition = rows_of(read, partition, slicing.types, universe, wanted) or "true"
            connection.execute(
                f"create or replace view only_{read.upstream} as select * from {read.upstream} where {condition}"
            )
        listed = ", ".join("'" + key.replace("'", "''") + "'" for key in wanted)
        restricted = query.bound_text(lambda key: f"only_{key}")
        columns = ", ".join(f'"{column.name}"' for column in found.schema or ())
        counted = "select {c}, count(*) from ({q}) r({c}) where {o} in ({l}) group by all order by all"
        whole = connection.execute(counted.format(c=columns, q=sql, o=output, l=listed)).fetchall()
        part = connection.execute(counted.format(c=columns, q=restricted, o=output, l=listed)).fetchall()
        assert repr(part) == repr(whole), wanted


@pytest.mark.parametrize(("sql", "dimensions", "operator"), WHOLE)
def test_what_needs_other_slices_is_computed_as_a_whole(
    sql: str, dimensions: tuple[Dimension, ...], operator: str
) -> None:
    """And it is said what needs them."""
    found, _ = analysis(sql, dimensions)
    assert found.slicing is not None
    assert found.slicing.whole is not None
    assert operator in found.slicing.whole


def test_an_equality_restricts_the_other_side_of_a_join() -> None:
    """Rows of other slices can't match."""
    found, _ = analysis("select t.d as k, u.v from t left join u on t.d = u.d", DAY)
    assert found.slicing is not None
    assert [one.expressions for one in found.slicing.reads] == [('"d"',), ('"d"',)]


def test_a_null_among_all_rows_decides_not_in() -> None:
    """So every slice reads all that is compared with."""
    found, _ = analysis("select d as k from t where d not in (select d from u)", DAY)
    assert found.slicing is not None
    assert [one.whole for one in found.slicing.reads] == [False, True]


def test_a_rounded_column_is_restricted_on_itself() -> None:
    """DuckDB reads only the row groups that a range on the column leaves."""
    found, _ = analysis("select date_trunc('day', ts)::date as k, n from t", DAY)
    assert found.slicing is not None
    (read,) = found.slicing.reads
    condition = rows_of(read, Partitioning(DAY), ("DATE",), ["2024-03-09", "2024-03-10"], ["2024-03-10"])
    assert (
        condition
        == "((\"ts\" >= timestamp '2024-03-10 00:00:00' and \"ts\" < timestamp '2024-03-11 00:00:00'))"
    )
