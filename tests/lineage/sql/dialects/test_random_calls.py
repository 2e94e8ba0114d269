"""Whatever is translated of PostgreSQL's functions, operators and casts, put together at random, gives PostgreSQL's answer."""

from __future__ import annotations

import math
from collections.abc import Iterator

import duckdb
import pytest
from tests.heavy import reason
from tests.lineage.sql.dialects.cases import ROWS, comparable, database, rows, translated
from tests.lineage.sql.dialects.random_calls import Expressions
from tests.servers.postgres import PostgresServer

from upriver.assets.errors import Diagnosis

pytest.importorskip("psycopg", reason=reason("postgres"))

import psycopg

pytestmark = pytest.mark.postgres
_EACH = 1500


@pytest.fixture(scope="module")
def postgres(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """A PostgreSQL with the table ``t``."""
    with psycopg.connect(postgres_server.database(), autocommit=True) as connection:
        connection.execute("create table t (a int, b numeric(10, 2), s text, d date, ts timestamp, x float8)")
        for row in ROWS:
            connection.execute(f"insert into t values {row}".encode())
        connection.execute("set statement_timeout = 2000")
        yield connection


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_expressions_give_what_they_give_in_postgresql(
    seed: int, postgres: psycopg.Connection
) -> None:
    duck, expressions, compared = database(), Expressions(seed), 0
    for sql in dict.fromkeys(expressions.query() for _ in range(_EACH)):
        found = translated(sql, "postgres")
        if isinstance(found, Diagnosis):
            continue
        try:
            wanted = [comparable(row) for row in postgres.execute(sql.encode()).fetchall()]
            got = rows(duck, found)
        except (psycopg.Error, duckdb.Error):
            continue  # it fails on one side: nothing is taken for something else
        compared += 1
        assert alike(sorted(got, key=repr), sorted(wanted, key=repr)), (sql, found, got, wanted)
    duck.close()
    assert compared > _EACH / 30


def alike(some: list[tuple[object, ...]], others: list[tuple[object, ...]]) -> bool:
    """Whether rows of one value are equal, numbers up to what is lost in a double."""
    if some == others:
        return True
    numbers = [[row[0] for row in rows if row[0] is not None] for rows in (some, others)]
    if len(some) != len(others) or len(numbers[0]) != len(numbers[1]):
        return False
    return all(
        isinstance(one, float)
        and isinstance(other, float)
        and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
        for one, other in zip(*(sorted(one, key=repr) for one in numbers), strict=True)
    )
