"""Types survive from recipe to recipe: what one receives is what a scan of the other's frame gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from upriver.assets.errors import AssetError
from upriver.assets.model import Column, Frame, Schema
from upriver.lineage.polars.dtypes import schema_of
from upriver.materializer.execution.local.frames import Observer, write
from upriver.materializer.execution.local.messages import JobInput
from upriver.materializer.sources.reading import SourceReader

NOON = dt.datetime(2024, 7, 1, 12, 30)
POLARS: dict[str, pl.Series] = {
    str(one.dtype): one
    for one in (
        *(pl.Series([1, None], dtype=t) for t in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128)),
        *(pl.Series([1, None], dtype=t) for t in (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128)),
        *(pl.Series([1.5, None], dtype=t) for t in (pl.Float16, pl.Float32, pl.Float64)),
        pl.Series([True, None]),
        pl.Series(["a", None]),
        pl.Series([b"a", None]),
        pl.Series([None, None], dtype=pl.Null),
        pl.Series([NOON.date(), None]),
        pl.Series([NOON.time(), None]),
        *(pl.Series([NOON, None], dtype=pl.Datetime(unit)) for unit in ("ms", "us", "ns")),
        *(
            pl.Series([NOON, None]).dt.cast_time_unit(unit).dt.replace_time_zone(zone)
            for unit in ("ms", "us", "ns")
            for zone in ("UTC", "Europe/Paris", "Asia/Kathmandu")
        ),
        *(pl.Series([dt.timedelta(seconds=5), None], dtype=pl.Duration(unit)) for unit in ("ms", "us", "ns")),
        pl.Series(["M", None, "S"], dtype=pl.Enum(["S", "M", "L"])),
        pl.Series(["M", None, "S"], dtype=pl.Categorical),
        pl.Series([Decimal("1.25"), None], dtype=pl.Decimal(20, 2)),
        pl.Series([Decimal(10**37), None], dtype=pl.Decimal(38, 0)),
        pl.Series([[1, 2], None], dtype=pl.List(pl.Int64)),
        pl.Series([[1, 2], None], dtype=pl.Array(pl.Int64, 2)),
        pl.Series([["S"], None], dtype=pl.List(pl.Enum(["S", "M"]))),
        pl.Series([{"a": 1, "b": "x"}, None]),
        pl.Series(
            [{"z": NOON, "d": dt.timedelta(1)}],
            dtype=pl.Struct({"z": pl.Datetime("us"), "d": pl.Duration("ms")}),
        ),
    )
}
PYARROW: dict[str, pa.Array] = {
    str(one.type): one
    for one in (
        pa.array([None, None], pa.null()),
        *(
            pa.array([1, None], t)
            for t in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32())
        ),
        *(
            pa.array([1, None], t)
            for t in (pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64())
        ),
        *(pa.array(["a", None], t) for t in (pa.string(), pa.large_string(), pa.string_view())),
        *(
            pa.array([b"abc", None], t)
            for t in (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3))
        ),
        pa.array([True, None]),
        *(pa.array([NOON.date(), None], t) for t in (pa.date32(), pa.date64())),
        *(
            pa.array([NOON.time(), None], t)
            for t in (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"))
        ),
        *(
            pa.array([NOON.replace(tzinfo=dt.UTC if zone else None), None], pa.timestamp(unit, zone))
            for unit in ("s", "ms", "us", "ns")
            for zone in (None, "UTC", "Europe/Paris", "+02:00")
        ),
        *(pa.array([dt.timedelta(seconds=5), None], pa.duration(unit)) for unit in ("s", "ms", "us", "ns")),
        *(
            pa.array([Decimal("1.25"), None], t)
            for t in (pa.decimal32(5, 2), pa.decimal64(12, 2), pa.decimal128(38, 2))
        ),
        pa.array([Decimal("1.25"), None], pa.decimal256(20, 2)),
        pa.array([[1, None], None], pa.list_(pa.int64())),
        pa.array([["a"], None], pa.large_list(pa.string())),
        pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
        pa.array(
            [{"a": 1, "b": dt.timedelta(1)}, None], pa.struct([("a", pa.int64()), ("b", pa.duration("us"))])
        ),
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
        pa.array(["a", None], pa.dictionary(pa.int8(), pa.string())),
        pa.array(["b", None], pa.dictionary(pa.int8(), pa.large_string(), ordered=True)),
        pa.array([5, None], pa.dictionary(pa.int32(), pa.int64())),
        pa.array([["x"], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    )
}
WRITERS: dict[str, Callable[[pl.DataFrame], Any]] = {
    "LazyFrame": lambda frame: frame.lazy(),
    "DataFrame": lambda frame: frame,
    "Table": lambda frame: frame.to_arrow(),
    "RecordBatchReader": lambda frame: frame.to_arrow().to_reader(),
}


def recorded(target: Path, logical: dict[str, str]) -> Schema:
    """The schema that a build records."""
    with duckdb.connect() as connection:
        rows = connection.execute(f"describe select * from '{target}'").fetchall()
    return tuple(Column(str(row[0]), str(row[1]), logical.get(str(row[0]), "")) for row in rows)


def received(target: Path, schema: Schema, frame: Frame) -> Any:
    return Observer().receive(JobInput("x", "up", frame, (str(target),), schema))


@pytest.mark.parametrize(
    ("dtype", "writer"),
    # Arrow has no integers of 128 bits.
    [(d, w) for d in POLARS for w in WRITERS if "128" not in d or w.endswith("Frame")],
)
def test_a_polars_type_is_received_as_a_scan_gives_it(dtype: str, writer: str, tmp_path: Path) -> None:
    """Whatever kind of frame the recipe returned; and a plan on empty frames sees the same type."""
    frame = POLARS[dtype].alias("x").to_frame()
    frame.write_parquet(tmp_path / "own.parquet")
    expected = pl.read_parquet(tmp_path / "own.parquet")
    target = tmp_path / "t.parquet"
    schema = recorded(target, write(WRITERS[writer](frame), target, file_asset=False))
    if writer in ("LazyFrame", "DataFrame"):
        assert schema_of(frame.schema)[0].logical == schema[0].logical
    lazy = received(target, schema, Frame.LAZY)
    assert lazy.collect_schema() == expected.schema
    assert lazy.collect().equals(expected, null_equal=True)
    assert received(target, schema, Frame.EAGER).schema == expected.schema


@pytest.mark.parametrize("type", PYARROW)
def test_an_arrow_type_is_received_as_it_was_written(type: str, tmp_path: Path) -> None:
    """By Arrow and by Polars."""
    table = pa.table({"x": PYARROW[type]})
    target, own = tmp_path / "t.parquet", tmp_path / "own.parquet"
    schema = recorded(target, write(table, target, file_asset=False))
    arrow = received(target, schema, Frame.ARROW)
    assert arrow.column("x").to_pylist() == table.column("x").to_pylist()
    assert received(target, schema, Frame.READER).read_all().schema == arrow.schema
    if type not in ("date64[ms]", "decimal256(20, 2)"):  # kept as what holds the same values
        pq.write_table(table, own)
        assert arrow.schema == pq.read_table(own).schema
        expected = pl.read_parquet(own)
        lazy = received(target, schema, Frame.LAZY)
        assert lazy.collect_schema() == expected.schema
        assert lazy.collect().equals(expected, null_equal=True)


@pytest.mark.parametrize("type", PYARROW)
def test_an_arrow_type_of_a_parquet_source_is_received_as_a_scan_gives_it(type: str, tmp_path: Path) -> None:
    """What is read in place is described with its types."""
    own = tmp_path / "own.parquet"
    pq.write_table(pa.table({"x": PYARROW[type]}), own)
    schema, _ = SourceReader().describe_parquet((str(own),))
    expected = pl.read_parquet(own)
    lazy = received(own, schema, Frame.LAZY)
    if type != "date64[ms]":
        assert lazy.collect_schema() == expected.schema
        assert lazy.collect().equals(expected, null_equal=True)
    assert received(own, schema, Frame.ARROW).schema == pq.read_table(own).schema


REFUSED: dict[str, pa.Array] = {
    "decimal256": pa.array([Decimal("1.25")], pa.decimal256(60, 2)),
    "interval": pa.array([pa.MonthDayNano([1, 2, 3])]),
    "negative scale": pa.array([Decimal(100)], pa.decimal128(5, -2)),
    "runs": pa.nulls(2, pa.run_end_encoded(pa.int32(), pa.int64())),
    "union": pa.nulls(2, pa.dense_union([pa.field("a", pa.int64())])),
    "view": pa.array([[1]], pa.list_view(pa.int64())),
    "within": pa.array([{"a": pa.MonthDayNano([1, 2, 3])}]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_type_that_cannot_be_kept_is_refused_by_name(case: str, tmp_path: Path) -> None:
    """Before anything is written that a reader would take for another."""
    table = pa.table({"fine": pa.nulls(len(REFUSED[case]), pa.int64()), "odd": REFUSED[case]})
    with pytest.raises(AssetError, match="the column 'odd' has the type"):
        write(table, tmp_path / "t.parquet", file_asset=False)


def test_duckdb_types_survive_a_relation(tmp_path: Path) -> None:
    """An enum of DuckDB keeps its order on the way to Polars."""
    target = tmp_path / "t.parquet"
    with duckdb.connect() as connection:
        relation = connection.sql("select 'M'::enum('S', 'M') as e, 5::hugeint as h, interval 1 day as i")
        assert write(relation.project("e, h"), target, file_asset=False) == {}
    schema = (Column("e", "ENUM('S', 'M')"), Column("h", "HUGEINT"))
    assert received(target, schema, Frame.LAZY).collect_schema() == pl.Schema(
        {"e": pl.Enum(["S", "M"]), "h": pl.Decimal(38, 0)}
    )
