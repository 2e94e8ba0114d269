"""Column types, from DuckDB's names to what a Polars recipe receives, and back.

Both ways go through Parquet: what is received is what Polars reads from a file that holds the DuckDB type,
and the way back is what DuckDB reads from a file that Polars wrote. ``tests/lineage/polars/test_dtypes.py``
holds both tables against the engines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl
import pyarrow as pa
from polars.datatypes import DataType, DataTypeClass

from upriver.assets.model import Column, Schema
from upriver.lineage.arrow_fields import beyond_arrow, decoded, encoded, polars_name

_PLAIN: dict[str, DataType | DataTypeClass] = {
    "TINYINT": pl.Int8,
    "SMALLINT": pl.Int16,
    "INTEGER": pl.Int32,
    "BIGINT": pl.Int64,
    "UTINYINT": pl.UInt8,
    "USMALLINT": pl.UInt16,
    "UINTEGER": pl.UInt32,
    "UBIGINT": pl.UInt64,
    "HUGEINT": pl.Decimal(38, 0),  # Polars would write its own Int128 as bytes
    "UHUGEINT": pl.Decimal(38, 0),
    "FLOAT": pl.Float32,
    "DOUBLE": pl.Float64,
    "BOOLEAN": pl.Boolean,
    "VARCHAR": pl.String,
    "BIT": pl.String,
    "BIGNUM": pl.String,
    "JSON": pl.String,
    "UUID": pl.String,
    "BLOB": pl.Binary,
    "GEOMETRY": pl.Binary,
    "DATE": pl.Date,
    "TIME": pl.Time,
    "TIME_NS": pl.Time,
    "TIMESTAMP": pl.Datetime("us"),
    "TIMESTAMP_S": pl.Datetime("us"),
    "TIMESTAMP_MS": pl.Datetime("us"),
    "TIMESTAMP_NS": pl.Datetime("ns"),
    "TIMESTAMP WITH TIME ZONE": pl.Datetime("us", "UTC"),
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
    "TIMESTAMPTZ_NS": pl.Datetime("ns", "UTC"),
    '"NULL"': pl.Int32,
}

_BACK: dict[DataTypeClass, str] = {
    pl.Int8: "TINYINT",
    pl.Int16: "SMALLINT",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.Int128: "DECIMAL(38,0)",
    pl.UInt8: "UTINYINT",
    pl.UInt16: "USMALLINT",
    pl.UInt32: "UINTEGER",
    pl.UInt64: "UBIGINT",
    pl.UInt128: "DECIMAL(38,0)",
    pl.Float16: "FLOAT",
    pl.Float32: "FLOAT",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    pl.String: "VARCHAR",
    pl.Categorical: "VARCHAR",
    pl.Enum: "VARCHAR",
    pl.Binary: "BLOB",
    pl.Date: "DATE",
    pl.Time: "TIME_NS",
    pl.Duration: "BIGINT",
    pl.Null: '"NULL"',
}

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_ENUM = re.compile(r"ENUM\((.*)\)", re.DOTALL)
_ENUM_ITEM = re.compile(r"'((?:[^']|'')*)'")
_LIST = re.compile(r"(.*)\[\d*\]", re.DOTALL)
_NESTED = re.compile(r"(STRUCT|MAP)\((.*)\)", re.DOTALL)
_FIELD = re.compile(r"\s*(\"(?:[^\"]|\"\")*\"|[^\s\"]+)\s+(.*)", re.DOTALL)


def dtype_of(name: str) -> DataType | None:
    """What a recipe receives for a column of DuckDB type *name*, None when Polars can't (INTERVAL, VARIANT)."""
    name = name.strip()
    if name in _PLAIN:
        found = _PLAIN[name]
        return found() if isinstance(found, DataTypeClass) else found
    if match := _LIST.fullmatch(name):
        inner = _inner(match[1])
        return pl.List(inner) if inner is not None else None
    if match := _DECIMAL.fullmatch(name):
        return pl.Decimal(int(match[1]), int(match[2]))
    if match := _ENUM.fullmatch(name):
        return pl.Enum([item.replace("''", "'") for item in _ENUM_ITEM.findall(match[1])])
    if match := _NESTED.fullmatch(name):
        return _nested(match[1], list(_split(match[2])))
    return None


def _inner(name: str) -> DataType | None:
    """The same inside a list or a struct, where a UUID stays the bytes that it is in Parquet."""
    return pl.Binary() if name.strip() == "UUID" else dtype_of(name)


def _nested(kind: str, parts: list[str]) -> DataType | None:
    if kind == "MAP":
        key, value = (_inner(part) for part in parts)
        return pl.Map(key, value) if key is not None and value is not None else None
    fields: dict[str, DataType] = {}
    for part in parts:
        match = _FIELD.fullmatch(part)
        inner = _inner(match[2]) if match else None
        if match is None or inner is None:
            return None
        name = match[1]
        fields[name[1:-1].replace('""', '"') if name.startswith('"') else name] = inner
    return pl.Struct(fields)


def _split(text: str) -> Iterator[str]:
    """*text* at its commas that stand outside parentheses and quotes."""
    depth, start, quote = 0, 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "(,)":
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == "," and not depth:
                yield text[start:position]
                start = position + 1
    if text:
        yield text[start:]


def type_of(dtype: DataType) -> str:
    """The DuckDB type of a column that Polars holds as *dtype* and writes, after :func:`storable`, to Parquet."""
    match dtype:
        case pl.Decimal():
            return f"DECIMAL({dtype.precision},{dtype.scale})"
        case pl.Datetime(time_unit="ns"):
            return "TIMESTAMPTZ_NS" if dtype.time_zone else "TIMESTAMP_NS"
        case pl.Datetime():
            return "TIMESTAMP WITH TIME ZONE" if dtype.time_zone else "TIMESTAMP"
        case pl.List() | pl.Array():
            return f"{type_of(_instance(dtype.inner))}[]"
        case pl.Map():
            return f"MAP({type_of(_instance(dtype.key))}, {type_of(_instance(dtype.value))})"
        case pl.Struct():
            fields = ", ".join(f"{_quoted(f.name)} {type_of(_instance(f.dtype))}" for f in dtype.fields)
            return f"STRUCT({fields})"
    return _BACK[type(dtype)]


def _instance(dtype: DataType | DataTypeClass) -> DataType:
    return dtype() if isinstance(dtype, DataTypeClass) else dtype


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def schema_of(schema: pl.Schema) -> Schema:
    """The columns of a table whose rows Polars computes."""
    return tuple(Column(name, type_of(dtype), logical_of(dtype)) for name, dtype in schema.items())


def logical_of(dtype: DataType) -> str:
    """What the DuckDB type of a column that Polars holds as *dtype* does not tell; empty when it tells all."""
    if dtype_of(type_of(dtype)) == dtype:
        return ""
    if isinstance(dtype, (pl.Int128, pl.UInt128)):
        return beyond_arrow(type(dtype).__name__)
    if _wide(dtype):
        return ""  # a nested one is stored, and received, as a decimal
    return encoded(pl.DataFrame(schema={"": dtype}).to_arrow().schema.field(0))


def _wide(dtype: DataType) -> bool:
    return any(isinstance(one, (pl.Int128, pl.UInt128)) for one in _parts(dtype))


def _parts(dtype: DataType) -> Iterator[DataType]:
    yield dtype
    match dtype:
        case pl.List() | pl.Array():
            yield from _parts(_instance(dtype.inner))
        case pl.Map():
            yield from _parts(_instance(dtype.key))
            yield from _parts(_instance(dtype.value))
        case pl.Struct():
            for field in dtype.fields:
                yield from _parts(_instance(field.dtype))


def dtype_of_column(column: Column) -> DataType | None:
    """What a recipe receives for *column*, None when Polars can't."""
    if not column.logical:
        return dtype_of(column.type)
    if (name := polars_name(column.logical)) is not None:
        found: DataType = getattr(pl, name)()
        return found
    field = decoded(column.logical)
    empty = pl.from_arrow(pa.schema([field.with_name("x")]).empty_table())
    assert isinstance(empty, pl.DataFrame)
    return empty.schema["x"]


def stored_dtype(dtype: DataType) -> DataType:
    """The type to cast a column to before Polars writes it, so that DuckDB reads the same values back.

    Polars writes 128-bit integers as bytes, which DuckDB takes for a BLOB.
    """
    match dtype:
        case pl.Int128() | pl.UInt128():
            return pl.Decimal(38, 0)
        case pl.List():
            return pl.List(stored_dtype(_instance(dtype.inner)))
        case pl.Array():
            return pl.Array(stored_dtype(_instance(dtype.inner)), dtype.size)
        case pl.Struct():
            return pl.Struct({f.name: stored_dtype(_instance(f.dtype)) for f in dtype.fields})
    return dtype


def storable(frame: pl.LazyFrame) -> pl.LazyFrame:
    """*frame* with every column cast to its :func:`stored_dtype`."""
    schema = frame.collect_schema()
    stored = {name: stored_dtype(dtype) for name, dtype in schema.items()}
    return frame.with_columns(pl.col(n).cast(d) for n, d in stored.items() if d != schema[n])
