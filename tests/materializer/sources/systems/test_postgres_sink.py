"""Tables written to PostgreSQL: whole or not at all, once, and nothing that it can't keep."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.heavy import reason
from tests.materializer.sources.systems.conftest import Shop, opened
from tests.servers.postgres import PostgresServer

pytest.importorskip("psycopg", reason=reason("postgres"))
pytest.importorskip("adbc_driver_postgresql", reason=reason("postgres"))

import psycopg

pytestmark = pytest.mark.postgres


@pytest.fixture
def target(postgres_server: PostgresServer, shop: Shop) -> Iterator[psycopg.Connection]:
    """An empty database, and a project that writes to it."""
    address = postgres_server.database()
    shop.config(f'[connections.shop]\nurl = "{address}"\n')
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def daily(shop: Shop, query: str, sink: str = "mode: replace") -> None:
    """Write the asset ``daily`` with a sink."""
    shop.write(
        "assets/daily.sql", f"/* upriver:\nsink: {{connection: shop, table: daily, {sink}}}\n*/\n{query}\n"
    )


def rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    """The rows of *query*."""
    return [tuple(row) for row in connection.execute(query.encode()).fetchall()]


def test_a_table_is_replaced_below_its_views_and_written_once(target: psycopg.Connection, shop: Shop) -> None:
    """Views, indexes and grants stay; the same content again writes nothing."""
    daily(shop, "select range as id, range * 1.5 as amount from range(3)")
    assert shop.built() == {"daily": "built"}
    target.execute("create view seen as select * from daily; create index by_id on daily (id)")
    inserted = rows(target, "select xmin::text, id from daily order by id")
    assert shop.built() == {"daily": "fresh"}
    assert rows(target, "select xmin::text, id from daily order by id") == inserted
    daily(shop, "select range as id, range * 2.5 as amount from range(4)")
    assert shop.built() == {"daily": "built"}
    assert rows(target, "select count(*), sum(amount) from seen") == [(4, 15)]
    daily(shop, "select range as id, range * 1.5 as amount from range(3)")
    assert shop.built() == {"daily": "reused"}
    assert rows(target, "select count(*) from daily") == [(3,)]


def test_rows_are_appended_once_for_each_content(target: psycopg.Connection, shop: Shop) -> None:
    daily(shop, "select 1 as id", "mode: append")
    shop.built()
    shop.built()
    daily(shop, "select 2 as id", "mode: append")
    shop.built()
    assert rows(target, "select id from daily order by 1") == [(1,), (2,)]


def test_rows_are_put_in_the_place_of_those_with_their_key(target: psycopg.Connection, shop: Shop) -> None:
    """Others stay; a row that does not differ is not touched."""
    upsert = "mode: upsert, key: [id]"
    daily(shop, "select * from (values (1, 'a'), (2, 'b')) as t(id, name)", upsert)
    shop.built()
    untouched = rows(target, "select xmin::text from daily where id = 2")
    daily(shop, "select * from (values (1, 'x'), (2, 'b'), (3, null)) as t(id, name)", upsert)
    shop.built()
    assert rows(target, "select * from daily order by id") == [(1, "x"), (2, "b"), (3, None)]
    assert rows(target, "select xmin::text from daily where id = 2") == untouched
    for query, told in (
        ("select * from (values (1, 'x'), (1, 'y')) as t(id, name)", "have the same key (id): (1)"),
        ("select * from (values (null::int, 'y')) as t(id, name)", "has no value in its key"),
    ):
        daily(shop, query, upsert)
        action, error = shop.build()["daily"]
        assert action.value == "failed"
        assert told in str(error)
    assert rows(target, "select count(*) from daily") == [(3,)]


KEPT = """select true as a, 1::tinyint as b, 255::utinyint as c, 32767::smallint as d, 65535::usmallint as e, 1 as f,
    4294967295::uinteger as g, 9223372036854775807 as h, 18446744073709551615::ubigint as i,
    99999999999999999999999999999999999999::hugeint as j, 0.5::float as k, 0.1::double as l, 1.50::decimal(10, 2) as m,
    'Zürich' as n, '\\x00\\xff'::blob as o, date '2024-02-29' as p, time '23:59:59.999999' as q,
    timestamp '2024-02-29 12:00:00.000001' as r, timestamptz '2024-02-29 12:00:00+02' as s,
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as t, 'M'::enum('S', 'M') as u, null::integer as v"""


def test_every_type_that_is_kept_comes_back_as_it_was(target: psycopg.Connection, shop: Shop) -> None:
    """Also numbers that the driver would write as negative ones."""
    daily(shop, KEPT)
    shop.sources('source("raw.back", connection="shop", table="daily")')
    shop.built("daily")
    shop.write("assets/again.sql", "from raw.back\n")
    shop.built("again")
    shown = "select columns(*)::varchar from {}"
    assert shop.rows(shown.format("again")) == shop.rows(shown.format("daily"))


def test_what_can_not_be_kept_is_refused_by_column_before_a_row_moves(
    target: psycopg.Connection, shop: Shop
) -> None:
    daily(shop, "select 1 as id")
    shop.built()
    target.execute("alter table daily add column name varchar(3), add column amount numeric(6, 1)")
    for query, told in {
        "select {'a': 1} as id": "id (STRUCT(",
        "select 1 as id, 'abcd' as name": "value too long",
        "select 1 as id, 1.25::decimal(6, 2) as amount": "amount: a DECIMAL(6,2) does not fit into its numeric(6,1)",
        "select 9223372036854775807 as id": "id: a BIGINT does not fit into its integer",
        "select 1 as id, 2 as other": "other: daily has no such column",
        "select 1 as id, chr(0) as name": "a NUL character, which column name holds",
        "select timestamp_ns '2024-01-01 00:00:00.000000001' as id": "id (TIMESTAMP_NS)",
        "select date 'infinity' as id": "infinity, which column id holds",
    }.items():
        daily(shop, query)
        action, error = shop.build()["daily"]
        assert action.value == "failed", query
        assert told in str(error), error
    assert rows(target, "select id from daily") == [(1,)]


def test_edits_by_others_are_found_where_that_is_wanted(target: psycopg.Connection, shop: Shop) -> None:
    """And written over, where the table is replaced; else they are left to a person."""
    daily(shop, "select 1 as id", "mode: replace, verify: true")
    shop.built()
    target.execute("update daily set id = 7")
    shop.built()
    assert rows(target, "select id from daily") == [(1,)]
    daily(shop, "select 2 as id", "mode: append, verify: true")
    shop.built()
    target.execute("update daily set id = 7 where id = 2")
    daily(shop, "select 3 as id", "mode: append, verify: true")
    action, error = shop.build()["daily"]
    assert action.value == "failed"
    assert "edited by others" in str(error)


KILLED = """
import os, sys
from pathlib import Path
from adbc_driver_postgresql import dbapi
from upriver.materializer.session import Session
from upriver.materializer.sources.systems import postgres_sink

place = sys.argv[2]
kept = postgres_sink._write_directly
if place == "before rows":
    postgres_sink._write_directly = lambda *given: os._exit(9)
elif place == "before commit":
    postgres_sink._write_directly = lambda *given: (kept(*given), os._exit(9))
elif place == "after commit":
    deliver = postgres_sink.deliver
    postgres_sink.deliver = lambda *given: (deliver(*given), os._exit(9))
session = Session(Path(sys.argv[1]))
session.build()
"""


def test_a_kill_between_two_systems_writes_nothing_twice_and_nothing_half(
    target: psycopg.Connection, shop: Shop
) -> None:
    """Wherever it strikes; the next build does what is left."""
    for number, place in enumerate(("before rows", "before commit", "after commit"), 1):
        daily(shop, f"select {number} as id from range(3)", "mode: append")
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(shop.root), place], cwd=Path(__file__).parents[4]
        )
        assert done.returncode == 9, place
        there = rows(target, f"select count(*) from daily where id = {number}") if number > 1 else []
        assert there in ([], [(0,)], [(3,)])
        shop.built()
        assert rows(target, "select id, count(*) from daily group by id order by id") == [
            (one, 3) for one in range(1, number + 1)
        ]
    with opened(shop.root) as session:
        assert session.status()[0].state == "fresh"


def test_a_sink_that_can_not_be_is_told_at_its_place(shop: Shop) -> None:
    shop.config('[connections.shop]\nurl = "postgresql://h/b"\n')
    shop.write("assets/a.sql", "/* upriver:\nsink: {connection: shp, table: t}\n*/\nselect 1 as x\n")
    shop.write(
        "assets/b.sql", "/* upriver:\nsink: {connection: shop, table: t, mode: merge}\n*/\nselect 1 as x\n"
    )
    shop.write(
        "assets/c.sql", "/* upriver:\nsink: {connection: shop, table: t, mode: upsert}\n*/\nselect 1 as x\n"
    )
    said = {key: status.diagnoses[0] for key, status in shop.status().items()}
    assert "no connection 'shp'" in said["a"].message
    assert said["a"].hint == "did you mean 'shop'?"
    assert "replace or append or upsert" in said["b"].message
    assert str(said["b"].place).startswith("assets/b.sql:2:")
    assert "needs the columns of its key" in said["c"].message
