"""Types that DuckDB's don't tell, by the footer of a Parquet file: Arrow, Polars and pandas write their own into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upriver.lineage.sql.names import literal
from upriver.materializer.engines.types import escaped

if TYPE_CHECKING:
    import duckdb


def logical_types(connection: duckdb.DuckDBPyConnection, file: str) -> dict[str, str]:
    """What DuckDB's types don't tell of the columns of a Parquet *file*, by name: Arrow, Polars and pandas write it."""
    found = connection.execute(
        f"select decode(value) from parquet_kv_metadata({literal(escaped(file))})"
        " where decode(key) = 'ARROW:schema'"
    ).fetchone()
    if found is None:
        return {}
    from upriver.lineage.arrow_fields import fields_beyond_duckdb, schema_of_message

    return fields_beyond_duckdb(schema_of_message(str(found[0])))
