"""Whether two projects hold the same: tables as bags of rows, files byte by byte."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
from tests.acceptance.command import Project


def differences(one: Project, other: Project, files: Iterable[str] = ()) -> list[str]:
    """The tables and sources of *other*, and of *files*, that hold something else in *one*.

    Tables are read as any DuckDB client reads them.
    """
    found = []
    with duckdb.connect() as db:
        for name, project in (("one", one), ("other", other)):
            db.execute(f"attach '{project.warehouse}' as {name} (read_only)")
        views = db.execute(
            """select format('"{}"."{}"', schema_name, view_name) from duckdb_views()
            where database_name = 'other' and not internal order by all"""
        ).fetchall()
        assert views, "the warehouse holds no views"
        for (view,) in views:
            columns = [db.execute(f"describe {name}.{view}").fetchall() for name in ("one", "other")]
            if (
                columns[0] != columns[1]
                or db.execute(
                    f"""(from one.{view} except all from other.{view})
                union all (from other.{view} except all from one.{view}) limit 1"""
                ).fetchone()
            ):
                found.append(view.replace('"', ""))
    return found + [key for key in files if one.file(key) != other.file(key)]
