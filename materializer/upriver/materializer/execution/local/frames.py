"""Frames that a Python recipe receives and may return. Runs in worker processes only."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from upriver.assets.errors import AssetError
from upriver.assets.model import Frame, Key
from upriver.lineage.model import WHOLE, Analysis, Footprint
from upriver.materializer.engines.parquet import copy_to, may_need_settling, settle
from upriver.materializer.engines.types import from_stored, to_stored
from upriver.materializer.execution.local.arrow_files import table_of, write_arrow, written_by_arrow
from upriver.materializer.execution.local.messages import JobInput


class Observer:
    """Hands upstreams to a recipe and learns what is read of them."""

    def __init__(self) -> None:
        self._whole: set[Key] = set()
        self._recorders: dict[Key, Any] = {}
        self._keep: list[Any] = []

    def receive(self, one: JobInput) -> Any:
        """The upstream of *one* as the frame that its parameter asks for."""
        match one.frame:
            case Frame.LAZY | Frame.ANY:
                return self._lazy(one)
            case Frame.EAGER:
                return self._take_whole(one, self._lazy(one)).collect()
            case Frame.ARROW:
                return self._take_whole(one, self._arrow(one))
            case Frame.PANDAS:
                return self._take_whole(one, self._arrow(one)).to_pandas()
            case Frame.READER:
                if written_by_arrow(one.files):
                    return self._take_whole(one, self._dataset(one)).scanner().to_reader()
                return self._take_whole(one, self._relation(one)).to_arrow_reader()
            case Frame.RELATION:
                return self._take_whole(one, self._relation(one))
            case Frame.PATH | Frame.BYTES:
                self._whole.add(one.key)
                return _one_path(one) if one.frame is Frame.PATH else _one_path(one).read_bytes()

    def _take_whole(self, one: JobInput, frame: Any) -> Any:
        self._whole.add(one.key)
        return frame

    def _lazy(self, one: JobInput) -> Any:
        from upriver.lineage.polars.observe import Recorder, observed_scan

        if not one.schema:
            raise AssetError(f"{one.key} is a file, not a table: annotate {one.parameter} as pathlib.Path")
        recorder = self._recorders.setdefault(one.key, Recorder(one.key))
        return observed_scan(one.files, recorder, one.schema)

    def _arrow(self, one: JobInput) -> Any:
        """As it was written, where Arrow's types were written with it; else as DuckDB reads it."""
        return (
            self._dataset(one).to_table()
            if written_by_arrow(one.files)
            else self._relation(one).to_arrow_table()
        )

    def _dataset(self, one: JobInput) -> Any:
        from pyarrow import dataset

        return dataset.dataset(list(one.files), format="parquet")

    def _relation(self, one: JobInput) -> Any:
        import duckdb

        if not one.schema:
            raise AssetError(f"{one.key} is a file, not a table: annotate {one.parameter} as pathlib.Path")
        connection = duckdb.connect(":memory:")
        connection.execute("set global TimeZone = 'UTC'")  # as for SQL assets
        self._keep.append(connection)
        return connection.sql(from_stored(one.files, one.schema))

    def analyse(self, returned: Any, *, order_promised: bool) -> Analysis | None:
        """Column lineage of a lazy result; None for anything else."""
        import sys

        polars = sys.modules.get("polars")
        if polars is None or not isinstance(returned, polars.LazyFrame):
            return None
        from upriver.lineage.polars.plan_lineage import analyze_lazyframe

        analysis: Analysis = analyze_lazyframe(returned, self._recorders, order_promised=order_promised)
        return analysis

    def footprints(self) -> tuple[tuple[Key, Footprint], ...]:
        """What was read of each upstream, after the result was written."""
        found = {key: recorder.footprint() for key, recorder in self._recorders.items()}
        found.update(dict.fromkeys(self._whole, WHOLE))
        return tuple(sorted(found.items()))


def _one_path(one: JobInput) -> Path:
    if len(one.files) != 1:
        raise AssetError(
            f"{one.key} has {len(one.files)} files, so {one.parameter} can't be one path: annotate it as pl.LazyFrame"
        )
    return Path(one.files[0])


def write(returned: Any, target: Path, *, file_asset: bool) -> dict[str, str]:
    """Write what a recipe returned to *target*: a file's bytes, or a table as Parquet. Returns what DuckDB's types
    don't tell of its columns, by name. Raises AssetError.
    """
    if file_asset:
        _write_file(returned, target)
        return {}
    module = type(returned).__module__.partition(".")[0]
    match module, type(returned).__name__:
        case "polars", "LazyFrame" | "DataFrame":
            from upriver.lineage.polars.dtypes import schema_of, storable

            schema = returned.collect_schema()
            _check_columns({name: str(dtype) for name, dtype in schema.items()})
            columns = schema_of(schema)
            stored = storable(returned.lazy())
            if type(returned).__name__ == "LazyFrame":
                stored.sink_parquet(target)
            else:
                stored.collect().write_parquet(target)
            return {column.name: column.logical for column in columns if column.logical}
        case "pyarrow", "Table" | "RecordBatchReader":
            _check_columns({field.name: str(field.type) for field in returned.schema})
            return write_arrow(returned, target)
        case _, "DuckDBPyRelation":
            _write_relation(returned, target)
        case "pandas", "DataFrame":
            _check_columns(dict.fromkeys(map(str, returned.columns), ""))
            return write_arrow(table_of(returned), target)
        case _:
            kind = (
                "nothing (None)"
                if returned is None
                else f"a {type(returned).__module__}.{type(returned).__name__}"
            )
            raise AssetError(
                f"the recipe returned {kind}; a table is a Polars LazyFrame or DataFrame, an Arrow table or reader, "
                "a pandas DataFrame, or a DuckDB relation. For a file, annotate the result as bytes or pathlib.Path."
            )
    return {}


def write_found(returned: Any, target: Path) -> str | None:
    """Write the rows that a check has found to offend to *target*. Returns its message (empty: all is well) where it
    told one, which is written as a row. Raises AssetError.
    """
    message: str | None = None
    if isinstance(returned, str):
        message = returned.strip()
    elif isinstance(returned, bool) or type(returned).__name__ in ("bool", "bool_"):
        message = "" if returned else "it does not hold"
    elif returned is None:
        raise AssetError(
            "the check returned nothing (None): it returns the rows that offend, or whether all is well (a bool), "
            "or what is wrong (a text)"
        )
    if message is None:
        write(returned, target, file_asset=False)
        return None
    import pyarrow as pa

    write_arrow(pa.table({"message": pa.array([message] if message else [], pa.string())}), target)
    return message


def _check_columns(types: Mapping[str, str]) -> None:
    """Refuse what no table file can hold, in words of our own: those of the writers name no column."""
    if not types:
        raise AssetError(
            "the recipe returned a table without columns; a table has at least one, also when it has no rows: "
            'pl.DataFrame(schema={"id": pl.Int64})'
        )
    if objects := [name for name, type_ in types.items() if re.search(r"\bObject\b", type_)]:
        raise AssetError(
            f"column {objects[0]!r} holds Python objects (pl.Object), which can't be stored; "
            "turn them into text, numbers or structs, or return bytes for a file"
        )


def _write_relation(relation: Any, target: Path) -> None:
    import duckdb

    from upriver.assets.model import Column

    schema = tuple(Column(str(n), str(t)) for n, t in zip(relation.columns, relation.types, strict=True))
    relation.query("result", copy_to(to_stored("from result", schema), target))
    if may_need_settling(schema):
        with duckdb.connect() as connection:
            settle(connection, target)


def _write_file(returned: Any, target: Path) -> None:
    if isinstance(returned, bytes | bytearray | memoryview):
        target.write_bytes(returned)
    elif isinstance(returned, Path):
        if not returned.is_file():
            raise AssetError(f"the recipe returned the path {returned}, where there is no file")
        shutil.copyfile(returned, target)
    else:
        raise AssetError(f"a file asset returns bytes or a pathlib.Path, not {type(returned).__name__}")
