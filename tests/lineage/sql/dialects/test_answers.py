"""A query in another dialect gives what it gives there, or is refused at the word that has no equal."""

from __future__ import annotations

import re
from collections.abc import Iterator

import apsw
import duckdb
import pytest
from tests.lineage.sql.dialects.cases import (
    DIALECTS,
    ROWS,
    Case,
    cases,
    comparable,
    database,
    expected,
    rows,
    translated,
)
from tests.servers.postgres import PostgresServer

from upriver.assets.errors import Diagnosis

_DOCUMENTED = [one for dialect in DIALECTS for one in cases(dialect) if dialect not in ("postgres", "sqlite")]


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """The engine that runs translations."""
    connection = database()
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def postgres(postgres_server: PostgresServer) -> Iterator[object]:
    """A PostgreSQL with the table ``t``."""
    import psycopg

    with psycopg.connect(postgres_server.database(), autocommit=True) as connection:
        connection.execute("create table t (a int, b numeric(10, 2), s text, d date, ts timestamp, x float8)")
        for row in ROWS:
            connection.execute(f"insert into t values {row}")
        yield connection


@pytest.fixture(scope="module")
def sqlite() -> Iterator[apsw.Connection]:
    """An SQLite with the table ``t``; its dates are texts."""
    connection = apsw.Connection(":memory:")
    connection.execute("create table t (a integer, b real, s text, d text, ts text, x real)")
    for row in ROWS:
        connection.execute(f"insert into t values {row}")
    yield connection
    connection.close()


def named(case: Case) -> str:
    """A short name for a case."""
    return f"{case.dialect}: {case.sql[:60]}"


def check(case: Case, duck: duckdb.DuckDBPyConnection, wanted: list[tuple[object, ...]] | None) -> None:
    """Compare the translation of *case* with the rows that it has to give, None where it has to fail."""
    found = translated(case.sql, case.dialect)
    if case.refused is not None:
        assert isinstance(found, Diagnosis), f"translated to {found}"
        assert found.place is not None
        assert found.place.column is not None
        line = case.sql.splitlines()[found.place.line - 1]
        assert line[found.place.column - 1 :].lower().startswith(case.refused.lower()), str(found)
        assert found.hint
        assert found.excerpt
        return
    assert isinstance(found, str), str(found)
    if wanted is None:
        with pytest.raises(duckdb.Error):
            duck.execute(found).fetchall()
        return
    got = rows(duck, found)
    ordered = "order by" in re.sub(r"\(.*?\)", "", case.sql.lower())
    if not ordered:
        got, wanted = sorted(got, key=repr), sorted(wanted, key=repr)
    assert got == wanted, found


@pytest.mark.postgres
@pytest.mark.parametrize("case", cases("postgres"), ids=named)
def test_postgresql_answers_for_itself(case: Case, duck: duckdb.DuckDBPyConnection, postgres: object) -> None:
    import psycopg

    assert isinstance(postgres, psycopg.Connection)
    try:
        wanted = [comparable(row) for row in postgres.execute(case.sql.encode()).fetchall()]
    except psycopg.Error:
        wanted = None
    check(case, duck, None if case.answer == "error" else wanted)


@pytest.mark.parametrize("case", cases("sqlite"), ids=named)
def test_sqlite_answers_for_itself(
    case: Case, duck: duckdb.DuckDBPyConnection, sqlite: apsw.Connection
) -> None:
    check(case, duck, [comparable(row) for row in sqlite.execute(case.sql).fetchall()])


@pytest.mark.parametrize("case", _DOCUMENTED, ids=named)
def test_other_engines_answer_as_documented(case: Case, duck: duckdb.DuckDBPyConnection) -> None:
    assert case.answer is not None
    assert case.reference is not None
    found = translated(case.sql, case.dialect)
    wanted = None if case.answer == "error" else expected(case.answer)
    if case.refused is None and isinstance(found, str) and wanted is not None:
        assert rows(duck, found)[0] == wanted, found
        return
    check(case, duck, None)


def test_the_table_covers_every_dialect() -> None:
    counts = {dialect: len(cases(dialect)) for dialect in DIALECTS}
    assert len(counts) == 9
    assert min(counts.values()) >= 10
    assert sum(counts.values()) >= 150
