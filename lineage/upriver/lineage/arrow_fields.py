"""Arrow fields as text: types that DuckDB's do not tell, kept in the recorded schema of a table.

A field is written as its Arrow IPC schema message in base64 (https://arrow.apache.org/docs/format/Columnar.html).
Any Arrow library reads it back with the field's metadata: Polars keeps the categories of an enum there. PyArrow is
imported when there is something to write or to read.
"""

from __future__ import annotations

import base64
from typing import Any

_BEYOND = "polars:"
"""Begins the name of a Polars type that Arrow has not."""


def encoded(field: Any) -> str:
    """A ``pyarrow.Field`` as text. Its name is no part of it: the column has one."""
    import pyarrow as pa

    message = pa.schema([field.with_name("")]).serialize().to_pybytes()
    return base64.b64encode(message).decode()


def decoded(text: str) -> Any:
    """The ``pyarrow.Field`` behind :func:`encoded`."""
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))).field(0)


def beyond_arrow(name: str) -> str:
    """The text for the Polars type *name*, which Arrow has not."""
    return f"{_BEYOND}{name}"


def polars_name(text: str) -> str | None:
    """The name behind :func:`beyond_arrow`, None for an Arrow field."""
    return text.removeprefix(_BEYOND) if text.startswith(_BEYOND) else None


def schema_of_message(text: str) -> Any:
    """The ``pyarrow.Schema`` that a Parquet file holds as ``ARROW:schema``."""
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def fields_beyond_duckdb(schema: Any) -> dict[str, str]:
    """Those fields of a ``pyarrow.Schema`` of which DuckDB's type does not tell all, as text, by name."""
    return {field.name: encoded(field) for field in schema if not told_by_duckdb(field.type)}


def told_by_duckdb(type: Any) -> bool:
    """Whether DuckDB's type for a column of the ``pyarrow.DataType`` *type* tells all that a reader sees of it."""
    from pyarrow import types

    if types.is_timestamp(type):
        return type.tz in (None, "UTC") and type.unit in ("us", "ns")
    if types.is_list(type) or types.is_large_list(type):
        return told_by_duckdb(type.value_type)
    if types.is_struct(type):
        return all(told_by_duckdb(type.field(i).type) for i in range(type.num_fields))
    if types.is_map(type):
        return told_by_duckdb(type.key_type) and told_by_duckdb(type.item_type)
    return not (
        types.is_dictionary(type)
        or types.is_duration(type)
        or types.is_fixed_size_list(type)
        or types.is_null(type)
        or types.is_float16(type)
        or isinstance(type, _extension())
    )


def _extension() -> type:
    import pyarrow as pa

    found: type = pa.BaseExtensionType
    return found
