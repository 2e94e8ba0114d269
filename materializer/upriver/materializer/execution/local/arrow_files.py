"""Arrow tables, and pandas frames by way of them, as Parquet that keeps their types. Runs in worker processes only.

What can't be kept is refused by the name of its column: a type that Parquet has not, or one that a reader would take
for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from upriver.assets.errors import AssetError
from upriver.lineage.arrow_fields import fields_beyond_duckdb

_MOST_DIGITS = 38


def _unkept() -> Any:
    from pyarrow import types

    # Polars reads no views of lists, Parquet holds none of the others.
    return (
        types.is_union,
        types.is_run_end_encoded,
        types.is_interval,
        types.is_list_view,
        types.is_large_list_view,
    )


def written_by_arrow(files: Sequence[str]) -> bool:
    """Whether Arrow's own types were written into the Parquet *files*: by Polars, Arrow or pandas, not by DuckDB."""
    import pyarrow.parquet as pq

    return bool(files) and all(b"ARROW:schema" in (pq.read_metadata(file).metadata or {}) for file in files)


def write_arrow(returned: Any, target: Path) -> dict[str, str]:
    """Write a ``pyarrow.Table`` or ``RecordBatchReader``; what DuckDB's types don't tell of its columns, by name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([_storable(field) for field in returned.schema], returned.schema.metadata)
    if isinstance(returned, pa.Table):
        pq.write_table(returned if schema == returned.schema else returned.cast(schema), target)
    else:
        with pq.ParquetWriter(target, schema) as writer:
            for batch in returned:
                writer.write_batch(batch if schema == returned.schema else batch.cast(schema))
    return fields_beyond_duckdb(schema)


def _storable(field: Any) -> Any:
    """*field* as it is written. Raises AssetError, with its name, for a type that can't be kept."""
    return field.with_type(_storable_type(field.type, field.name))


def _storable_type(type: Any, name: str) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if isinstance(type, pa.BaseExtensionType):
        if type.extension_name.startswith("arrow."):
            return type
    elif types.is_date64(type):
        return pa.date32()  # Parquet has but one date, and Polars would take this for a time
    elif types.is_decimal(type):
        if type.precision <= _MOST_DIGITS and type.scale >= 0:
            return pa.decimal128(type.precision, type.scale) if types.is_decimal256(type) else type
    elif types.is_dictionary(type):
        text = types.is_string(type.value_type) or types.is_large_string(type.value_type)
        return type if text else _storable_type(type.value_type, name)
    elif types.is_struct(type):
        return pa.struct([_storable_in(type.field(i), name) for i in range(type.num_fields)])
    elif types.is_map(type):
        return pa.map_(_storable_type(type.key_type, name), _storable_in(type.item_field, name))
    elif types.is_fixed_size_list(type):
        return pa.list_(_storable_in(type.value_field, name), type.list_size)
    elif types.is_large_list(type):
        return pa.large_list(_storable_in(type.value_field, name))
    elif types.is_list(type):
        return pa.list_(_storable_in(type.value_field, name))
    elif not any(is_(type) for is_ in _unkept()):
        return type
    raise AssetError(
        f"the column {name!r} has the type {type}, which a table can't keep: cast it, or leave it out"
    )


def _storable_in(field: Any, name: str) -> Any:
    return field.with_type(_storable_type(field.type, name))


def table_of(frame: Any) -> Any:
    """A ``pandas.DataFrame`` as a ``pyarrow.Table``: a named index becomes columns, one that only counts goes.

    Raises AssetError, with the name of the column, for what can't be kept.
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(frame.columns, pd.MultiIndex):
        raise AssetError(
            f"the columns have {frame.columns.nlevels} levels, the first is {frame.columns[0]!r}: a table's columns "
            "have one name each. Join the levels, such as with frame.columns = frame.columns.map('_'.join)"
            if len(frame.columns)
            else "the columns have several levels: a table's columns have one name each"
        )
    frame = _without_index(frame)
    for name in frame.columns:
        if not isinstance(name, str):
            raise AssetError(f"the column {name!r} is not named by text: rename it, such as to {str(name)!r}")
    for name, count in frame.columns.value_counts().items():
        if count > 1:
            raise AssetError(f"{count} columns are called {name!r}")
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)) or dtype.kind == "c":
            raise AssetError(
                f"the column {name!r} has the type {dtype}, which a table can't keep: convert it first"
                + (", such as with .dt.to_timestamp()" if isinstance(dtype, pd.PeriodDtype) else "")
            )
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise AssetError(f"the frame can't be kept as a table: {'; '.join(map(str, error.args))}") from error


def _without_index(frame: Any) -> Any:
    import pandas as pd

    index = frame.index
    names = list(index.names)
    if names == [None]:
        if isinstance(index, pd.RangeIndex) or pd.api.types.is_integer_dtype(index.dtype):
            return frame.reset_index(drop=True)
        raise AssetError(
            f"the index holds {index.dtype} values and has no name, so that it can't become a column: name it with "
            "frame.rename_axis('name'), or drop it with frame.reset_index(drop=True)"
        )
    for level, name in enumerate(names):
        if name is None:
            raise AssetError(f"level {level} of the index has no name: name it with frame.rename_axis([...])")
        if name in frame.columns:
            raise AssetError(f"a level of the index and a column are both called {name!r}")
    return frame.reset_index()
