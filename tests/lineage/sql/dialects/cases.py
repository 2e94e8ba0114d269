"""The table of queries in other dialects: what they have to give, read from ``cases/``."""

from __future__ import annotations

import datetime
import decimal
import json
from pathlib import Path
from typing import Any

import duckdb

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column, Schema, Value
from upriver.lineage.sql.dialects.translation import translate

HERE = Path(__file__).parent / "cases"
DIALECTS = sorted(path.stem for path in HERE.glob("*.sql"))
SCHEMA: Schema = (
    Column("a", "INTEGER"),
    Column("b", "DECIMAL(10,2)"),
    Column("s", "VARCHAR"),
    Column("d", "DATE"),
    Column("ts", "TIMESTAMP"),
    Column("x", "DOUBLE"),
)
ROWS = (
    "(7, 2.50, 'ab  ', '2024-12-01', '2024-12-01 13:05:09.250', 2.5)",
    "(-7, -2.50, '', '2024-02-29', '2024-12-30 00:00:00', -2.5)",
    "(null, null, null, null, null, null)",
    "(0, 0.005, 'Äb_c%d', '2021-01-03', '2021-01-03 12:00:00', 3.5)",
    "(3, 1.005, 'xxaxx', '2020-12-31', '2020-12-31 23:59:59.999999', 0.125)",
)


class Case(Value, frozen=True):
    """A query, its answer as JSON (None where an engine is asked), and the word at which it is refused."""

    dialect: str
    sql: str
    answer: str | None = None
    refused: str | None = None
    reference: str | None = None


def cases(dialect: str) -> list[Case]:
    """The blocks of one file."""
    found = []
    for block in (HERE / f"{dialect}.sql").read_text("utf-8").strip().split("\n\n"):
        marked = dict.fromkeys(("-- ", "=> ", "refused: ")) | {
            mark: line.removeprefix(mark)
            for line in block.splitlines()
            for mark in ("-- ", "=> ", "refused: ")
            if line.startswith(mark)
        }
        sql = "\n".join(
            line for line in block.splitlines() if not line.startswith(("-- ", "=> ", "refused: "))
        )
        found.append(Case(dialect, sql, marked["=> "], marked["refused: "], marked["-- "]))
    return found


def database() -> duckdb.DuckDBPyConnection:
    """DuckDB with the table ``t``."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"create table t ({', '.join(f'{c.name} {c.type}' for c in SCHEMA)})")
    for row in ROWS:
        connection.execute(f"insert into t values {row}")
    return connection


def translated(sql: str, dialect: str) -> str | Diagnosis:
    """*sql* in DuckDB's SQL, with the schema of ``t`` known."""
    found = translate(sql, dialect, "a.sql", 1, {"t": SCHEMA})
    return found if isinstance(found, Diagnosis) else found.text


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """What *sql* gives, comparable with what other engines give."""
    return [comparable(row) for row in connection.execute(sql).fetchall()]


def comparable(row: Any) -> tuple[Any, ...]:
    """A row whose numbers compare by value to 12 digits, and whose dates by their text."""
    return tuple(_value(value) for value in row)


def _value(value: Any) -> Any:
    if isinstance(value, bool | int | float | decimal.Decimal):
        return float(f"{float(value):.12g}") + 0.0
    if isinstance(value, datetime.date | datetime.datetime):
        return str(value).removesuffix("+00:00")
    return value


def expected(answer: str) -> tuple[Any, ...]:
    """The row that an answer in JSON stands for."""
    return comparable(
        value.removesuffix("+00") if isinstance(value, str) else value for value in json.loads(answer)
    )
