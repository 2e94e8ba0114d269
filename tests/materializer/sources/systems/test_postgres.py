"""PostgreSQL as a source: what changed is noticed, whatever timestamps say, and nothing is read as something else."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from tests.heavy import reason
from tests.materializer.sources.systems.conftest import Shop, opened
from tests.servers.postgres import PostgresServer

from upriver.assets.errors import UsageError

pytest.importorskip("psycopg", reason=reason("postgres"))
pytest.importorskip("adbc_driver_postgresql", reason=reason("postgres"))

import psycopg

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(postgres_server: PostgresServer, shop: Shop) -> Iterator[psycopg.Connection]:
    """A database with orders, and a project that counts them."""
    address = postgres_server.database()
    shop.config(f'[connections.shop]\nurl = "{address}"\n')
    shop.sources('source("raw.orders", connection="shop", table="orders")')
    shop.write("assets/total.sql", "select count(*) as n, sum(amount) as amount from raw.orders\n")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create table orders (id int, amount numeric(10, 2), updated_at timestamptz)")
        connection.execute("insert into orders select i, i, '2024-01-01' from generate_series(1, 100) i")
        yield connection


def test_a_table_is_read_and_unchanged_wakes_nobody(server: psycopg.Connection, shop: Shop) -> None:
    """A vacuum and an update that changes nothing are no change."""
    assert shop.built() == {"total": "built"}
    assert shop.rows("from total") == [(100, Decimal("5050.00"))]
    server.execute("update orders set amount = amount where id < 10")
    server.execute("vacuum full orders")
    assert shop.built() == {"total": "fresh"}


CHANGES: dict[str, str] = {
    "with a new time": "update orders set amount = 0, updated_at = now() where id = 5",
    "that leaves the time": "update orders set amount = 0 where id = 6",
    "by deleting": "delete from orders where id = 7",
    "by replacing a row under its old time": "delete from orders where id = 7; insert into orders values (8, 7, '2024-01-01')",
    "of two values exchanged": "update orders set amount = case id when 1 then 2 else 1 end where id in (1, 2)",
    "of a row twice for another": "update orders set id = 1, amount = 1 where id = 2",
    "by emptying": "truncate orders; insert into orders values (1, 1, null)",
    "of a type": "alter table orders alter amount type numeric(12, 2)",
    "of a name": "alter table orders rename updated_at to changed_at",
}


def test_every_change_of_content_is_seen(server: psycopg.Connection, shop: Shop) -> None:
    """Also those that timestamps, counts and transaction numbers miss."""
    shop.write("assets/everything.sql", "from raw.orders\n")
    shop.built("everything")
    for change, statements in CHANGES.items():
        for statement in statements.split("; "):
            server.execute(statement.encode())
        assert shop.built("everything") == {"everything": "built"}, change


def test_a_commit_of_an_older_transaction_is_seen(server: psycopg.Connection, shop: Shop) -> None:
    """A high-water mark would have passed it."""
    with psycopg.connect(server.info.dsn) as older:
        older.execute("insert into orders values (0, 1000, '2020-01-01')")
        shop.built()
        older.commit()
    assert shop.built() == {"total": "built"}
    assert shop.rows("select n from total") == [(101,)]


def test_tables_of_one_build_are_of_one_moment(server: psycopg.Connection, shop: Shop) -> None:
    """Money is moved between two tables all the time, and is never seen twice or not at all."""
    server.execute("create table moved (amount int); insert into moved values (0)")
    server.execute("create table kept (amount int); insert into kept values (1000)")
    shop.sources(
        *(f'source("raw.{name}", connection="shop", table="{name}")' for name in ("kept", "moved", "orders"))
    )
    shop.write(
        "assets/sum_of_both.sql", "select a.amount + b.amount as amount from raw.kept a, raw.moved b\n"
    )
    # The look at the first table waits for a lock; the money moves before the second is looked at.
    server.execute(
        "create function slow(a int) returns int language plpgsql volatile as 'begin perform pg_sleep(0.05); return a; end'"
    )
    server.execute(
        "alter table kept rename to kept_rows; create view kept as select slow(amount) as amount from kept_rows"
    )
    with psycopg.connect(server.info.dsn, autocommit=True) as other:
        stop: list[bool] = []

        def move() -> None:
            while not stop:
                with other.transaction():
                    other.execute("update kept_rows set amount = amount - 1")
                    other.execute("update moved set amount = amount + 1")

        thread = threading.Thread(target=move)
        thread.start()
        try:
            for _ in range(3):
                shop.built("sum_of_both")
                assert shop.rows("from sum_of_both") == [(1000,)]
        finally:
            stop.append(True)
            thread.join()


def test_status_asks_nothing_and_says_when_it_was_seen(server: psycopg.Connection, shop: Shop) -> None:
    """A change is not known before a build has looked; the look's age is shown."""
    assert shop.status()["raw.orders"].state == "missing"
    shop.built()
    before = server.execute(
        "select sum(calls) from (select count(*) as calls from pg_stat_activity) s"
    ).fetchone()
    server.execute("delete from orders")
    server.execute("drop table orders cascade")
    status = shop.status()
    assert before is not None
    assert status["raw.orders"].state == "fresh"
    assert status["raw.orders"].observed_at is not None
    assert status["total"].state == "fresh"
    action, _ = shop.build()["total"]
    assert action.value == "failed"


def test_an_observation_counts_for_as_long_as_it_is_declared_to(
    server: psycopg.Connection, shop: Shop
) -> None:
    shop.sources('source("raw.orders", connection="shop", table="orders", observe_every="1h")')
    shop.built()
    server.execute("delete from orders")
    assert shop.built() == {"total": "fresh"}
    shop.sources('source("raw.orders", connection="shop", table="orders", observe_every="0s")')
    assert shop.built() == {"total": "built"}


TYPES: dict[str, tuple[str, object]] = {
    "true": ("BOOLEAN", True),
    "1::int2": ("SMALLINT", 1),
    "1::int4": ("INTEGER", 1),
    "9223372036854775807": ("BIGINT", 2**63 - 1),
    "4294967295::oid": ("VARCHAR", "4294967295"),
    "0.1::float8": ("DOUBLE", 0.1),
    "0.5::float4": ("FLOAT", 0.5),
    "1.50::numeric(10, 2)": ("DECIMAL(10,2)", Decimal("1.50")),
    "99999999999999999999999999999999999999::numeric(38)": ("DECIMAL(38,0)", Decimal(10**38 - 1)),
    "1.500::numeric": ("VARCHAR", "1.500"),
    "1::numeric(50, 2)": ("VARCHAR", "1.00"),
    "'x'::text": ("VARCHAR", "x"),
    "'ab'::char(5)": ("VARCHAR", "ab   "),
    r"'\x00ff'::bytea": ("BLOB", b"\x00\xff"),
    "date '2024-02-29'": ("DATE", dt.date(2024, 2, 29)),
    "timestamp '2024-02-29 12:00:00.000001'": ("TIMESTAMP", dt.datetime(2024, 2, 29, 12, 0, 0, 1)),
    "timestamptz '2024-02-29 12:00+02'": (
        "TIMESTAMP WITH TIME ZONE",
        "2024-02-29 10:00:00+00",
    ),
    "time '23:59:59.999999'": ("TIME", dt.time(23, 59, 59, 999999)),
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid": ("UUID", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    """'{"a": 1}'::jsonb""": ("VARCHAR", '{"a": 1}'),
    "array[1, null]": ("INTEGER[]", [1, None]),
    "array['a']": ("VARCHAR[]", ["a"]),
    "'[1,3)'::int4range": ("VARCHAR", "[1,3)"),
    "'10.0.0.1'::inet": ("VARCHAR", "10.0.0.1/32"),
    "1.5::numeric::money": ("VARCHAR", "$1.50"),
    "timetz '12:00+02'": ("VARCHAR", "12:00:00+02"),
    "null::int4": ("INTEGER", None),
}


def test_types_are_read_as_what_they_are(server: psycopg.Connection, shop: Shop) -> None:
    """What a table here can't hold as it is comes as the text that the server writes for it."""
    listed = ", ".join(f"{expression} as c{number}" for number, expression in enumerate(TYPES))
    shop.sources(f"source('raw.types', connection='shop', query={('select ' + listed)!r})")
    shop.write("assets/total.sql", "from raw.types\n")
    shop.built()
    types = [str(row[1]) for row in shop.rows("describe total")]
    (values,) = shop.rows("from total")
    found = dict(
        zip(
            TYPES,
            zip(
                types, (str(v) if t == "UUID" else v for t, v in zip(types, values, strict=True)), strict=True
            ),
            strict=True,
        )
    )
    assert found == TYPES


REFUSED: dict[str, str] = {
    "'infinity'::timestamptz": "infinity",
    "'-infinity'::date": "infinity",
    "timestamp '294276-12-31 23:59:59'": "after the year 294246",
    "'{{1,2},{3,4}}'::int[]": "several dimensions",
    "'[5:6]={1,2}'::int[]": "several dimensions",
    "'NaN'::numeric(10, 2)": "NaN",
    "time '24:00'": "24:00",
}


def test_values_that_no_table_can_keep_are_refused_by_column(server: psycopg.Connection, shop: Shop) -> None:
    """The driver would have read another value."""
    for number, value in enumerate(REFUSED):
        query = f"select {value} as strange, 1 as amount"
        shop.write(
            f"assets/s{number}.py",
            f"from upriver.assets import source\nsource('raw.s{number}', connection='shop', query={query!r})\n",
        )
        shop.write(f"assets/total_{number}.sql", f"from raw.s{number}\n")
    done = shop.build("total_*")
    for number, told in enumerate(REFUSED.values()):
        action, error = done[f"total_{number}"]
        assert action.value == "failed"
        assert told in str(error)
        assert "column strange" in str(error)


FAULTS: dict[str, tuple[Callable[[str], str], str]] = {
    "no such server": (lambda address: "postgresql://up@127.0.0.1:1/x", "connection shop"),
    "no such database": (lambda address: address.replace("/made_", "/nowhere_"), "does not exist"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_system_that_can_not_be_asked_blocks_what_reads_it(
    fault: str, server: psycopg.Connection, shop: Shop
) -> None:
    """Nothing is called fresh because nobody answered; the last artifact stays."""
    shop.built()
    change, told = FAULTS[fault]
    text = (shop.root / "upriver.toml").read_text()
    address = text.split('"')[1]
    shop.config(text.replace(address, change(address)))
    done, error = shop.build()["total"]
    assert done.value == "failed"
    assert told in str(error)
    assert shop.rows("select n from total") == [(100,)]


def test_a_password_is_hidden_in_what_the_driver_says(
    server: psycopg.Connection, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the error is shown or kept."""
    monkeypatch.setenv("SHOP_PASSWORD", "pa ss/geheim'9%")
    shop.config(
        '[connections.shop]\nurl = "postgresql://up@/nowhere?host=/no/such/folder"\npassword = {secret = "SHOP_PASSWORD"}\n'
        'sslmode = "no such mode: pa ss/geheim\'9%"\n'
    )
    _, error = shop.build()["total"]
    assert "connection shop" in str(error)
    assert "geheim" not in str(error)
    assert not [
        path
        for path in shop.root.rglob("*")
        if path.is_file() and path.name != "upriver.toml" and b"geheim" in path.read_bytes()
    ]


def test_a_table_that_is_not_there_is_told_with_what_was_meant(
    server: psycopg.Connection, shop: Shop
) -> None:
    shop.sources('source("raw.orders", connection="shop", table="order")')
    done, error = shop.build()["total"]
    assert done.value == "failed"
    assert "there is no table order of shop" in str(error)


def test_hostile_names_are_data(server: psycopg.Connection, shop: Shop) -> None:
    """In tables, columns and values."""
    server.execute(
        """create schema "a'b"; create table "a'b"."o""; drop" ("x "" y'" int); insert into "a'b"."o""; drop" values (3)"""
    )
    shop.sources('''source("raw.orders", connection="shop", table="""a'b.o"; drop""")''')
    shop.write("assets/total.sql", 'select "x "" y\'" as n from raw.orders\n')
    shop.built()
    assert shop.rows("from total") == [(3,)]


def test_trust_says_how_a_table_is_known(server: psycopg.Connection, shop: Shop) -> None:
    """By its hash; with an opted-in hint by less, and never shown as proven."""
    shop.built()
    with opened(shop.root) as session:
        (trust,) = session.trust()
    assert [(edge.source, edge.trust.value) for edge in trust.edges] == [("raw.orders", "content")]
    assert "hash of all 100 rows" in trust.edges[0].detail
    text = (shop.root / "upriver.toml").read_text()
    shop.config(text + 'trust = "hint"\n')
    shop.built()
    shop.built()
    with opened(shop.root) as session:
        (trust,) = session.trust()
    assert trust.trust is not None
    assert trust.trust.value == "time"


def test_a_connection_tells_who_answers_and_what_is_there(server: psycopg.Connection, shop: Shop) -> None:
    server.execute(
        "create schema sales; create table sales.lines (a int); create view open_orders as select * from orders"
    )
    with opened(shop.root) as session:
        (entry,) = session.connections(test=True)
        found = session.objects("shop")
        some = session.objects("shop", "sales.*")
        with pytest.raises(UsageError, match="did you mean"):
            session.objects("shopp")
    assert entry.error is None
    assert str(entry.answer).startswith("PostgreSQL ")
    assert entry.sources == ("raw.orders",)
    assert [(one.name, one.kind) for one in found] == [
        ("open_orders", "view"),
        ("orders", "table"),
        ("sales.lines", "table"),
    ]
    assert [one.name for one in some] == ["sales.lines"]
