"""Data in a folder is told apart into tables, each with its files, types and probable key."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from upriver.assets.errors import UsageError
from upriver.assets.model import Column
from upriver.lineage.project.derive import derive
from upriver.materializer.sources.found import FoundTable, find_tables
from upriver.materializer.sources.found_project import project_files


def write(folder: Path, files: dict[str, str]) -> Path:
    """The data folder with *files*."""
    for path, text in files.items():
        target = folder / "data" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder / "data"


def tables(folder: Path) -> dict[str, FoundTable]:
    """What is found, by name."""
    return {one.name: one for one in find_tables(folder, folder / "data").tables}


def test_files_of_one_folder_with_the_same_columns_are_one_table(tmp_path: Path) -> None:
    """Named by the folder; what differs in its columns is a table of its own."""
    write(
        tmp_path,
        {
            "orders/2026-01.csv": "order_id,amount\n1,3.5\n2,4\n",
            "orders/2026-02.csv": "order_id,amount\n3,1\n4,2\n",
            "sales_1.csv": "a,b\n1,2\n",
            "sales_2.csv": "a,b\n3,4\n",
            "mixed/1.csv": "a\n1\n",
            "mixed/2.csv": "b\n1\n",
        },
    )
    found = tables(tmp_path)
    assert {name: one.paths for name, one in found.items()} == {
        "orders": ("data/orders/*.csv",),
        "sales": ("data/sales_*.csv",),
        "_1": ("data/mixed/1.csv",),
        "_2": ("data/mixed/2.csv",),
    }
    assert found["orders"].rows == 4


def test_folders_that_other_tools_write_are_one_table(tmp_path: Path) -> None:
    """A folder named as a Parquet file, and folders that hold a column's value."""
    (tmp_path / "data" / "big.parquet").mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy (from range(9)) to '{tmp_path}/data/big.parquet/part-0.parquet'")
        connection.execute(
            f"copy (select range as n, range % 2 as day from range(9)) to '{tmp_path}/data/events' "
            "(format parquet, partition_by (day))"
        )
    (tmp_path / "data" / "big.parquet" / "_SUCCESS").touch()
    found = tables(tmp_path)
    assert {name: (one.paths, one.rows) for name, one in found.items()} == {
        "big": (("data/big.parquet/*.parquet",), 9),
        "events": (("data/events/day=*/*.parquet",), 9),
    }
    assert {column.name for column in found["events"].columns} == {"n", "day"}


def test_each_table_of_a_database_is_one(tmp_path: Path) -> None:
    """Of SQLite and of DuckDB."""
    (tmp_path / "data").mkdir()
    base = sqlite3.connect(tmp_path / "data" / "a.sqlite")
    base.executescript(
        "create table people (id integer, name text); insert into people values (1, 'x'), (2, 'y')"
    )
    base.close()
    with duckdb.connect(tmp_path / "data" / "b.duckdb") as connection:
        connection.execute(
            "create table fees as select 1 as code; create schema s; create table s.u as select 2 as v"
        )
    found = tables(tmp_path)
    assert {name: (one.paths, one.table) for name, one in found.items()} == {
        "people": (("data/a.sqlite",), "people"),
        "fees": (("data/b.duckdb",), "fees"),
        "s_u": (("data/b.duckdb",), "s.u"),
    }
    assert found["people"].key == ("id",)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name,id\na,1\na,2\n", ("id",)),
        ("order_id,id\n1,5\n2,6\n", ("id",)),
        ("day,amount\n2026-01-01,3\n2026-01-02,3\n", ("day",)),
        ("shop_id,day,amount\n1,2026-01-01,3\n1,2026-01-02,3\n2,2026-01-01,3\n", ("shop_id", "day")),
        ("id,v\n1,1\n1,1\n", ()),
        ("id,v\n1,1\n,2\n", ()),
        ("id,v\n1,1\n", ()),
        ("share,v\n0.5,1\n0.25,1\n", ()),
    ],
)
def test_a_key_is_what_tells_the_rows_apart(tmp_path: Path, text: str, key: tuple[str, ...]) -> None:
    """Columns that look like identifiers first; never null, never twice; of one row nothing is concluded."""
    write(tmp_path, {"t.csv": text})
    assert tables(tmp_path)["t"].key == key


def test_text_in_which_every_value_is_a_date_is_cast(tmp_path: Path) -> None:
    """Only where writing the date out gives the same text again."""
    (tmp_path / "data").mkdir()
    base = sqlite3.connect(tmp_path / "data" / "a.sqlite")
    base.executescript(
        "create table t (d text, at text, other text, code text);"
        "insert into t values ('2026-01-02', '2026-01-02 10:00:00', '2026-1-2', '007'), (null, null, 'x', '008')"
    )
    base.close()
    found = tables(tmp_path)["t"]
    assert found.casts == (Column("d", "DATE"), Column("at", "TIMESTAMP"))
    assert 'cast("at" as timestamp) as "at"' in project_files([found])["assets/staging/t.sql"]


def test_what_is_no_table_is_named_with_the_reason(tmp_path: Path) -> None:
    """Nothing is left out in silence."""
    data = write(
        tmp_path, {"a.xlsx": "x", "b.txt": "x", "c.csv.zip": "x", "d.parquet": "x", ".hidden.csv": "a\n1\n"}
    )
    found = find_tables(tmp_path, data)
    assert found.tables == ()
    why = {Path(one.path).name: one.why for one in found.left_out}
    assert sorted(why) == ["a.xlsx", "b.txt", "c.csv.zip", "d.parquet"]
    assert "unpack it" in why["c.csv.zip"]


def test_any_name_gives_a_project_in_which_nothing_is_wrong(tmp_path: Path) -> None:
    """Keywords, brackets, spaces, columns that are equal but for their case."""
    write(
        tmp_path,
        {
            "[x] daily.csv": "a b,select,Über,aB,id\n1,2,3,4,5\n2,3,4,5,6\n",
            "class.csv": "id,ID2\n1,2\n2,3\n",
            "source.csv": "id\n1\n2\n",
            "sub/class.csv": "id,ID2\n1,2\n2,3\n",
        },
    )
    (tmp_path / "upriver.toml").touch()
    for path, text in project_files(tables(tmp_path).values()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    project = derive(tmp_path)
    assert project.diagnoses == ()
    assert sorted(project.assets) == ["staging.class", "staging.class_2", "staging.source", "staging.x_daily"]


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(UsageError, match="is not there"):
        find_tables(tmp_path, tmp_path / "data")
