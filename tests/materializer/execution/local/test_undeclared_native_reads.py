"""What a recipe has a library read, or only asks about, counts although Python opens nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from upriver.assets.loading.native_reads import _UNNAMED, literals
from upriver.materializer.model import Outcome
from upriver.materializer.session import Session

MODULE = """
import os
import sys
from pathlib import Path

import polars as pl

from upriver.assets import asset

ROOT = Path(__file__).parent.parent


def frame(value: object) -> pl.DataFrame:
    return pl.DataFrame({"value": [str(value)]})


# -- DuckDB
@asset
def duck_from() -> pl.DataFrame:
    import duckdb
    return frame(duckdb.sql("select rate from 'data/rates.csv'").fetchall())


@asset
def duck_connection() -> pl.DataFrame:
    from duckdb import connect
    with connect() as connection:
        return frame(connection.execute('select max(rate) from "data/rates.parquet"').fetchall())


@asset
def duck_reader() -> pl.DataFrame:
    import duckdb
    return frame(duckdb.read_csv("data/rates.csv").fetchall())


@asset
def duck_relation() -> pl.DataFrame:
    import duckdb
    return frame(duckdb.sql("select 1 as x").query("one", "select rate from one, 'data/rates.csv'").fetchall())


@asset
def duck_parameter() -> pl.DataFrame:
    import duckdb
    return frame(duckdb.connect().execute("from read_csv(?)", [str(ROOT / "data" / "rates.csv")]).fetchall())


@asset
def duck_pattern() -> pl.DataFrame:
    import duckdb
    return frame(duckdb.sql("select sum(rate) from read_csv(['data/ra*.csv'])").fetchall())


@asset
def duck_database() -> pl.DataFrame:
    import duckdb
    with duckdb.connect("data/rates.duckdb", read_only=True) as connection:
        return frame(connection.execute("from rates").fetchall())


@asset
def duck_attached() -> pl.DataFrame:
    import duckdb
    return frame(duckdb.connect().execute("attach 'data/rates.duckdb' as d (read_only); from d.rates").fetchall())


@asset
def duck_function() -> pl.DataFrame:
    import duckdb
    return frame(duckdb.table_function("read_csv", ["data/rates.csv"]).fetchall())


@asset
def duck_parsed() -> pl.DataFrame:
    import duckdb
    connection = duckdb.connect()
    return frame(connection.execute(connection.extract_statements("from 'data/rates.csv'")[0]).fetchall())


@asset
def duck_filter() -> pl.DataFrame:
    import duckdb
    one = duckdb.sql("select unnest([1, 22]) as x")
    return frame(one.filter("x = (select max(rate) from 'data/rates.csv')").fetchall())


@asset
def duck_expression() -> pl.DataFrame:
    import duckdb
    one = duckdb.sql("select 1 as x")
    return frame(one.select(duckdb.SQLExpression("(select max(rate) from 'data/rates.csv')").alias("y")).fetchall())


# -- SQL of Polars
@asset
def polars_sql() -> pl.DataFrame:
    return frame(pl.sql("select * from read_csv('data/rates.csv')").collect().rows())


@asset
def polars_context() -> pl.DataFrame:
    return frame(pl.SQLContext().execute("select * from read_csv('data/rates.csv')").collect().rows())


# -- code that is read as a text
@asset
def read_code() -> pl.DataFrame:
    return frame((ROOT / "data" / "rates.py").read_text())


# -- Arrow
@asset
def arrow_table() -> pl.DataFrame:
    import pyarrow.parquet as pq
    return frame(pq.read_table("data/rates.parquet").to_pylist())


@asset
def arrow_file() -> pl.DataFrame:
    from pyarrow.parquet import ParquetFile
    return frame(ParquetFile(ROOT / "data/rates.parquet").read().to_pylist())


@asset
def arrow_dataset() -> pl.DataFrame:
    import pyarrow.dataset as ds
    return frame(ds.dataset("data", exclude_invalid_files=True, format="parquet").count_rows() and
                 ds.dataset("data/rates.parquet").to_table().to_pylist())


@asset
def arrow_csv() -> pl.DataFrame:
    from pyarrow import csv
    return frame(csv.read_csv("data/rates.csv").to_pylist())


@asset
def arrow_feather() -> pl.DataFrame:
    import pyarrow.feather
    return frame(pyarrow.feather.read_table(source="data/rates.feather").to_pylist())


@asset
def arrow_mapped() -> pl.DataFrame:
    import pyarrow as pa
    return frame(pa.memory_map("data/rates.csv").read())


# -- only asking
@asset
def size() -> pl.DataFrame:
    return frame(os.path.getsize("data/rates.csv"))


@asset
def time() -> pl.DataFrame:
    return frame((ROOT / "data" / "rates.csv").stat().st_mtime_ns)


@asset
def newest() -> pl.DataFrame:
    found = max((entry for entry in os.scandir("data") if entry.name.endswith(".csv")), key=lambda e: e.stat().st_mtime)
    return frame((found.name, os.stat(found.path).st_size))


# -- is it there?
@asset
def exists() -> pl.DataFrame:
    return frame(os.path.exists("flags/on"))


@asset
def is_file() -> pl.DataFrame:
    return frame((ROOT / "flags" / "on").is_file())


@asset
def accessible() -> pl.DataFrame:
    return frame(os.access("flags/on", os.R_OK))


@asset
def tried() -> pl.DataFrame:
    try:
        return frame(Path("flags/on").read_text())
    except FileNotFoundError:
        return frame("off")


# -- nothing to notice
@asset
def writes() -> "pa.Table":
    import pyarrow as pa
    (ROOT / "left.txt").write_text("here")
    with open("appended.txt", "a") as file:
        file.write("once more")
    return pa.table({"value": ["written"]})


@asset
def plain() -> pl.DataFrame:
    import duckdb
    text = duckdb.sql("select 'data' || '/' as \\"not a file\\", count(*) from range(3)").fetchall()
    sums = duckdb.sql("select 6/data*2 as x, 'a*b/c*' as t from (select 3 as data)").filter("x/1*2 > 1").fetchall()
    return frame((text, sums, Path("/etc").exists(), Path(__file__).resolve().parent))


@asset
def unnamed() -> pl.DataFrame:
    import duckdb
    return frame(duckdb.sql("from read_csv('data/' || 'rates' || '.csv')" .replace("'data/'", "lower('DATA/')")).fetchall())
"""

READ = frozenset(
    {
        "duck_from", "duck_connection", "duck_reader", "duck_relation", "duck_parameter", "duck_pattern",
        "duck_database", "duck_attached", "arrow_table", "arrow_file", "arrow_dataset", "arrow_csv", "arrow_feather",
        "arrow_mapped", "size", "time", "newest", "duck_function", "duck_parsed", "duck_filter", "duck_expression",
        "polars_sql", "polars_context", "read_code",
    }
)  # fmt: skip
WHETHER = frozenset({"exists", "is_file", "accessible", "tried"})


def _write(root: Path, rate: int) -> None:
    data = root / "data"
    data.mkdir(exist_ok=True)
    (data / "rates.csv").write_text(f"rate\n{rate}\n")
    (data / "rates.py").write_text(f"RATE = {rate}\n")
    table = pa.table({"rate": [rate]})
    pq.write_table(table, data / "rates.parquet")
    pyarrow.feather.write_feather(table, str(data / "rates.feather"))
    (data / "rates.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(data / "rates.duckdb")) as connection:
        connection.execute(f"create table rates as select {rate} as rate")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "upriver.toml").write_text('[project]\nname = "native"\n[build]\nisolation = "observed"\n')
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "m.py").write_text(MODULE)
    (tmp_path / "flags").mkdir()
    _write(tmp_path, 1)
    session = Session(tmp_path)
    yield session
    session.close()


def _built(session: Session) -> set[str]:
    result = session.build()
    assert not [one.error for one in result.assets if one.error]
    return {one.asset for one in result.assets if one.action is Outcome.BUILT}


def test_what_libraries_read_and_what_is_asked_of_files_counts(project: Session) -> None:
    assert _built(project) == READ | WHETHER | {"plain", "writes", "unnamed"}
    assert _built(project) == {"unnamed"}, "it can't be known what it reads"

    _write(project.root, 22)
    assert _built(project) == READ | {"unnamed"}
    for key in READ - {"size", "time", "newest", "arrow_mapped"}:
        assert "22" in str(project.preview(key, limit=1).rows[0][0]), key

    (project.root / "flags" / "on").write_text("on")
    assert _built(project) == WHETHER | {"unnamed"}
    assert project.preview("exists", limit=1).rows[0][0] == "True"


def test_a_touched_file_matters_only_to_who_asks_for_its_time(project: Session) -> None:
    _built(project)
    os.utime(project.root / "data" / "rates.csv", ns=(1, 1))
    assert _built(project) == {"time", "size", "newest", "unnamed"}


@pytest.mark.parametrize("key", ["writes", "plain"])
def test_nothing_is_said_of_what_is_only_written_or_no_file_at_all(project: Session, key: str) -> None:
    result = project.build([key])
    assert not [line.text for line in project.log(result.run_id) if line.stream == "warning"]


def test_who_asks_is_told_so(project: Session) -> None:
    result = project.build(["exists", "duck_from", "unnamed"])
    said = "\n".join(line.text for line in project.log(result.run_id) if line.stream == "warning")
    assert "asks whether flags/on is there, which is not declared as a source" in said
    assert "reads data/rates.csv, which is not declared as a source" in said
    assert "has a query read files whose names are not written in it" in said


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("from read_csv('a.csv')", True),
        ("from read_csv(['a.csv', 'b.csv'], header = true)", True),
        ("from read_parquet(?)", True),
        ("from read_json($file, format = 'array')", True),
        ('from "a.csv"', True),
        ("from read_csv('a' || '.csv')", False),
        ("from read_csv([lower('A.CSV')])", False),
        ("from READ_CSV (getvariable('file'))", False),
        ("select * from glob(concat('a', '*'))", False),
    ],
)
def test_it_is_told_when_a_query_does_not_name_what_it_reads(statement: str, named: bool) -> None:
    assert (_UNNAMED.search(statement) is None) is named


def test_whatever_is_in_quotes_may_name_a_file() -> None:
    assert literals("""from 'a''b.csv', "c""d.csv" where x = ''""") == ["a'b.csv", 'c"d.csv', ""]
