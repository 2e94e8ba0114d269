"""SQLite and DuckDB files behind a connection: looked at as files are, read by table or query."""

from __future__ import annotations

from pathlib import Path

import apsw
import duckdb
import pytest
from tests.materializer.sources.systems.conftest import Shop


def write(engine: str, path: Path, statement: str) -> None:
    """Run *statement* in the database at *path*."""
    connection = apsw.Connection(str(path)) if engine == "sqlite" else duckdb.connect(str(path))
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
@pytest.mark.parametrize(
    "what", ['table="orders"', 'query="select id, id + 1 as next from orders where id > 1;"']
)
def test_a_database_file_is_a_connection(engine: str, what: str, shop: Shop) -> None:
    """`status` sees a change at once: looking at a file costs nothing."""
    path = shop.root / "shop.base"
    write(engine, path, "create table orders (id integer); ")
    write(engine, path, "insert into orders values (1), (2), (3)")
    shop.config(f'[connections.shop]\nurl = "{engine}:///shop.base"\n')
    shop.sources(f'source("raw.orders", connection="shop", {what})')
    shop.write("assets/largest.sql", "select max(columns(*)) from raw.orders\n")
    assert shop.built() == {"largest": "built"}
    assert shop.rows("from largest") == ([(3,)] if "table" in what else [(3, 4)])
    assert shop.built() == {"largest": "fresh"}
    write(engine, path, "insert into orders values (4)")
    assert shop.status()["largest"].state == "stale"
    assert shop.built() == {"largest": "built"}


def test_a_query_of_a_file_reads_no_other_file(shop: Shop) -> None:
    write("duckdb", shop.root / "a.duckdb", "create table t as select 1 as x")
    write("sqlite", shop.root / "a.db", "create table t (x)")
    shop.write("secret.csv", "a\n1\n")
    shop.config('[connections.d]\nurl = "duckdb:a.duckdb"\n[connections.s]\nurl = "sqlite:a.db"\n')
    shop.sources(
        """source("raw.d", connection="d", query="from 'secret.csv'")""",
        """source("raw.s", connection="s", query="attach 'a.duckdb' as x")""",
    )
    shop.write("assets/d.sql", "from raw.d\n")
    shop.write("assets/s.sql", "from raw.s\n")
    for key, (action, error) in shop.build().items():
        assert action.value == "failed", key
        assert error


CONFIGS: dict[str, tuple[str, str]] = {
    "no url": ("[connections.shop]\n", "has no url"),
    "a password in the url": (
        '[connections.shop]\nurl = "postgresql://a:geheim@h/b"\n',
        "it holds a password",
    ),
    "a password as a parameter": (
        '[connections.shop]\nurl = "postgresql://h/b?password=geheim"\n',
        "it holds a password",
    ),
    "a plain password": (
        '[connections.shop]\nurl = "postgresql://h/b"\npassword = "geheim"\n',
        'password = { secret = "NAME" }',
    ),
    "no address": ('[connections.shop]\nurl = "nonsense"\n', "an address such as"),
    "a wrong secret": (
        '[connections.shop]\nurl = "postgresql://h"\npassword = {secret = 1}\n',
        "with the name of a secret",
    ),
    "a wrong trust": ('[connections.shop]\nurl = "postgresql://h"\ntrust = "blind"\n', '"content" or "hint"'),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_wrong_connection_is_told_without_its_secret(case: str, shop: Shop) -> None:
    text, told = CONFIGS[case]
    shop.config(text)
    shop.write("assets/a.sql", "select 1 as x\n")
    from upriver.assets.project.config import read_config

    _, problems = read_config(shop.root)
    (problem,) = problems
    assert told in problem.message
    assert "geheim" not in str(problem)


DECLARATIONS: dict[str, tuple[str, str]] = {
    "of no connection": ('source("raw.a", connection="shp", table="t")', "there is no connection 'shp'"),
    "of nothing": ('source("raw.a", connection="shop")', "what of 'shop'?"),
    "of two things": (
        'source("raw.a", connection="shop", table="t", query="select 1")',
        "table and query; which",
    ),
    "with options of files": (
        'source("raw.a", connection="shop", table="t", delimiter=";")',
        "no option 'delimiter'",
    ),
    "with a wrong span": (
        'source("raw.a", connection="shop", table="t", observe_every="soon")',
        "observe_every",
    ),
    "without a connection": ('source("raw.a", "a.csv", observe_every="1h")', "no option 'observe_every'"),
}


@pytest.mark.parametrize("case", DECLARATIONS)
def test_a_wrong_source_is_told_where_it_is_declared(case: str, shop: Shop) -> None:
    declaration, told = DECLARATIONS[case]
    shop.config('[connections.shop]\nurl = "sqlite:a.db"\n')
    shop.sources(declaration)
    status = shop.status()["raw.a"]
    assert status.state == "broken"
    (diagnosis,) = status.diagnoses
    assert told in diagnosis.message
    assert str(diagnosis.place) == "assets/sources.py:2"
