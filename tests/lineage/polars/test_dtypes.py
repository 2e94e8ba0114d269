"""Both tables of types, held against the engines."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from upriver.assets.model import Column
from upriver.lineage.polars.dtypes import dtype_of, dtype_of_column, schema_of, storable, type_of
from upriver.lineage.polars.observe import Recorder, observed_scan

FROM_DUCKDB = [
    ("TINYINT", "1", 1),
    ("UBIGINT", "18446744073709551615", 2**64 - 1),
    ("DOUBLE", "0.5", 0.5),
    ("FLOAT", "0.5", 0.5),
    ("BOOLEAN", "true", True),
    ("VARCHAR", "'é'", "é"),
    ("BLOB", "'ab'::BLOB", b"ab"),
    ("DATE", "date '2024-02-29'", dt.date(2024, 2, 29)),
    ("TIME", "time '01:02:03.000004'", dt.time(1, 2, 3, 4)),
    ("TIMESTAMP", "timestamp '2024-01-01 01:02:03.000004'", dt.datetime(2024, 1, 1, 1, 2, 3, 4)),
    ("TIMESTAMP_MS", "timestamp_ms '2024-01-01 01:02:03.004'", dt.datetime(2024, 1, 1, 1, 2, 3, 4000)),
    ("TIMESTAMP_S", "timestamp_s '2024-01-01 01:02:03'", dt.datetime(2024, 1, 1, 1, 2, 3)),
    ("TIMESTAMP_NS", "timestamp_ns '2024-01-01 01:02:03.000004'", dt.datetime(2024, 1, 1, 1, 2, 3, 4)),
    (
        "TIMESTAMP WITH TIME ZONE",
        "timestamptz '2024-01-01 01:02:03+00'",
        dt.datetime(2024, 1, 1, 1, 2, 3, tzinfo=dt.UTC),
    ),
    ("DECIMAL(18,3)", "1.5", Decimal("1.500")),
    ("UUID", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("JSON", "'{\"a\": 1}'", '{"a": 1}'),
    ("INTEGER[]", "[1, null]", [1, None]),
    ("INTEGER[2]", "[1, 2]", [1, 2]),
    (
        "UUID[]",
        "['6ba7b810-9dad-11d1-80b4-00c04fd430c8']",
        [uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8").bytes],
    ),
    ('STRUCT(a INTEGER, "B c" VARCHAR[])', "{'a': 1, 'B c': ['x']}", {"a": 1, "B c": ["x"]}),
    ("MAP(VARCHAR, INTEGER)", "map {'k': 1}", {"k": 1}),
]


@pytest.mark.parametrize(("name", "value", "expected"), FROM_DUCKDB, ids=[case[0] for case in FROM_DUCKDB])
def test_a_recipe_receives_a_column_as_it_was_told(
    name: str, value: str, expected: object, tmp_path: Path
) -> None:
    path = tmp_path / "t.parquet"
    duckdb.sql(
        f"copy (select cast({value} as {name}) as x union all select null) to '{path}' (format parquet)"
    )
    frame = observed_scan([str(path)], Recorder("up"), (Column("x", name),))
    told = frame.collect_schema()["x"]
    assert told == dtype_of(name)
    received = frame.collect()["x"]
    assert received.dtype == told
    assert received.to_list()[0] == expected
    assert received.to_list()[1] is None


@pytest.mark.parametrize(
    ("name", "stored", "expected"),
    [
        ("HUGEINT", "170::DECIMAL(38,0)", Decimal(170)),
        ("ENUM('b', 'a''s')", "'a''s'", "a's"),
        ("BIT", "'101'", "101"),
    ],
)
def test_a_column_stored_as_another_type_is_received_as_declared(
    name: str, stored: str, expected: object, tmp_path: Path
) -> None:
    path = tmp_path / "t.parquet"
    duckdb.sql(f"copy (select {stored} as x) to '{path}' (format parquet)")
    frame = observed_scan([str(path)], Recorder("up"), (Column("x", name),))
    assert frame.collect()["x"].to_list() == [expected]
    assert frame.collect_schema()["x"] == dtype_of(name)


TO_DUCKDB: list[pl.DataType] = [
    *(
        t()
        for t in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
    ),
    *(
        t()
        for t in (
            pl.UInt128,
            pl.Float32,
            pl.Float64,
            pl.Boolean,
            pl.String,
            pl.Binary,
            pl.Date,
            pl.Time,
            pl.Null,
        )
    ),
    *(pl.Datetime(unit) for unit in ("ms", "us", "ns")),
    *(pl.Datetime(unit, "Europe/Paris") for unit in ("ms", "us", "ns")),
    pl.Duration("us"),
    pl.Categorical(),
    pl.Enum(["a"]),
    pl.Decimal(10, 2),
    pl.List(pl.Int128()),
    pl.Array(pl.Int64(), 2),
    pl.Struct({"a": pl.Int64, "B c": pl.List(pl.String), "select": pl.Int8}),
    pl.List(pl.Struct({"k": pl.String})),
]


@pytest.mark.parametrize("dtype", TO_DUCKDB, ids=str)
def test_a_result_has_the_type_in_duckdb_that_was_told(dtype: pl.DataType, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pl.LazyFrame(schema={"x": dtype})
    storable(frame).collect().write_parquet(path)
    with duckdb.connect() as connection:
        found = str(connection.read_parquet(str(path)).types[0])
    (column,) = schema_of(frame.collect_schema())
    assert (column.name, column.type) == ("x", type_of(dtype))
    assert dtype_of_column(column) == dtype or "128" in str(dtype)
    assert found.replace('"select"', "select").replace('"k"', "k") == type_of(dtype).replace(
        '"select"', "select"
    )


def test_what_polars_cannot_read_has_no_type() -> None:
    assert dtype_of("VARIANT") is None
    assert dtype_of("INTERVAL") is None
    assert dtype_of("VARIANT[]") is None
    assert dtype_of("STRUCT(a VARIANT)") is None
    assert dtype_of("MAP(VARCHAR, VARIANT)") is None
    assert dtype_of("UNION(a INTEGER, b VARCHAR)") is None


def test_nested_types_are_taken_apart_at_the_right_commas() -> None:
    assert dtype_of("STRUCT(\"a, b\" STRUCT(c DECIMAL(4,1), d ENUM('x,)')), e INTEGER[][3])") == pl.Struct(
        {
            "a, b": pl.Struct({"c": pl.Decimal(4, 1), "d": pl.Enum(["x,)"])}),
            "e": pl.List(pl.List(pl.Int32)),
        }
    )
