"""What every connector promises: of files, of database tables, and the fake."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.ports import MemoryConnector

from upriver.assets.errors import StoreError, UpriverError
from upriver.assets.model import FileLocation, Location, Place, Source, TableLocation
from upriver.materializer.ports import Connector, SourceMissing
from upriver.materializer.sources.registry import connector_of
from upriver.materializer.sources.tables import TableConnector

Rows: TypeAlias = Sequence[tuple[int, str]]
ROWS: Rows = ((1, "x"), (2, "y"), (3, "it's"))
OTHER: Rows = ((1, "x"), (2, "changed"))


class Case(NamedTuple):
    """A connector and its system: *hold* gives it rows, *touch* the same again, *take_away* none; *spoil* makes of them
    what can't be read. *again* is another connector of the same source.
    """

    connector: Connector
    hold: Callable[[Rows], None]
    touch: Callable[[], None]
    take_away: Callable[[], None]
    spoil: Callable[[], object]
    again: Callable[[], Connector]


def csv(path: Path, rows: Rows) -> None:
    path.write_text("a,b\n" + "".join(f'{a},"{b}"\n' for a, b in rows))


def ndjson(path: Path, rows: Rows) -> None:
    path.write_text("".join(f'{{"a": {a}, "b": "{b}"}}\n' for a, b in rows))


def table(rows: Rows) -> pa.Table:
    return pa.table({"a": pa.array([a for a, _ in rows], pa.int64()), "b": [b for _, b in rows]})


def parquet(path: Path, rows: Rows) -> None:
    pq.write_table(table(rows), path)


def arrow(path: Path, rows: Rows) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table(rows).schema) as writer:
        writer.write_table(table(rows))


def in_sqlite(path: Path, rows: Rows) -> None:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("create table t (a integer, b text)")
    connection.executemany("insert into t values (?, ?)", rows)
    connection.commit()
    connection.close()


def in_duckdb(path: Path, rows: Rows) -> None:
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t (a bigint, b varchar)")
        connection.executemany("insert into t values (?, ?)", list(rows))


REAL: dict[str, tuple[Location, Callable[[Path, Rows], None]]] = {
    "csv": (FileLocation(("data/t",), "csv"), csv),
    "ndjson": (FileLocation(("data/t",), "ndjson"), ndjson),
    "parquet": (FileLocation(("data/t",), "parquet"), parquet),
    "parquets": (FileLocation(("data/*",), "parquet"), parquet),
    "arrow": (FileLocation(("data/t",), "arrow"), arrow),
    "sqlite": (TableLocation("data/t", "sqlite", "t"), in_sqlite),
    "duckdb": (TableLocation("data/t", "duckdb", "t"), in_duckdb),
}


def real(root: Path, location: Location, hold: Callable[[Path, Rows], None]) -> Case:
    path = root / "data/t"
    path.parent.mkdir(exist_ok=True)
    source = Source("s", location, Place("assets/s.py"))

    def touch() -> None:
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))

    return Case(
        connector_of(root, source),
        lambda rows: hold(path, rows),
        touch,
        path.unlink,
        lambda: path.write_bytes(b"\xff\xfe this is nothing \x00" * 9),
        lambda: connector_of(root, source),
    )


def fake(*, in_place: bool) -> Case:
    connector = MemoryConnector("s", None, in_place=in_place)
    held: list[Rows] = []

    def hold(rows: Rows) -> None:
        held.append(rows)
        connector.hold(rows)

    return Case(
        connector,
        hold,
        lambda: connector.hold(held[-1]),
        connector.take_away,
        connector.take_away,
        lambda: connector,
    )


def made(name: str, root: Path) -> Case:
    return real(root, *REAL[name]) if name in REAL else fake(in_place=name == "fake in place")


@pytest.fixture(params=[*REAL, "fake", "fake in place"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return made(request.param, tmp_path)


def test_nothing_there_is_an_empty_observation_and_a_sentence(case: Case) -> None:
    connector = case.connector
    assert connector.observe() == ()
    assert "s" in connector.missing().split("source ")[1]
    with pytest.raises(SourceMissing) as caught:
        connector.schema(None)
    assert str(caught.value) == connector.missing()


def test_what_is_not_touched_is_observed_alike(case: Case) -> None:
    """And its content has one name, whoever looks."""
    case.hold(ROWS)
    seen = case.connector.observe()
    assert seen
    assert seen == case.connector.observe() == tuple(sorted(seen, key=lambda stamp: stamp.path))
    assert case.connector.name_content(seen) == case.connector.name_content(seen)
    again = case.again()
    assert again.observe() == seen
    assert again.name_content(seen) == case.connector.name_content(seen)
    assert again.describe() == case.connector.describe()


def test_another_content_is_another_observation_and_another_name(case: Case) -> None:
    connector = case.connector
    case.hold(ROWS)
    before, name = connector.observe(), connector.name_content(connector.observe())
    case.hold(OTHER)
    assert connector.observe() != before
    assert connector.name_content(connector.observe()) != name


def test_what_is_touched_is_another_observation_of_the_same_content(case: Case) -> None:
    """Noticing is cheap and may be wrong; the name is not."""
    connector = case.connector
    case.hold(ROWS)
    before, name = connector.observe(), connector.name_content(connector.observe())
    case.touch()
    assert connector.observe() != before
    assert connector.name_content(connector.observe()) == name


def test_what_is_taken_away_is_missing_and_comes_back(case: Case) -> None:
    connector = case.connector
    case.hold(ROWS)
    name = connector.name_content(connector.observe())
    case.take_away()
    assert connector.observe() == ()
    case.hold(ROWS)
    assert connector.observe()
    if not isinstance(connector, TableConnector):  # a database file is not the same when it is made again
        assert connector.name_content(connector.observe()) == name


def test_a_scan_copies_all_rows_in_order(case: Case, tmp_path: Path) -> None:
    case.hold(ROWS)
    seen, target = case.connector.observe(), tmp_path / "copy.parquet"
    scanned = case.connector.scan(seen, target, None)
    assert scanned.rows == len(ROWS)
    assert [column.name for column in scanned.schema] == ["a", "b"]
    assert [tuple(row.values()) for row in pq.read_table(target).to_pylist()] == list(ROWS)
    assert (scanned.shape is not None) == case.connector.shaped
    assert case.connector.observe() == seen  # looking changes nothing


def test_the_schema_ahead_is_that_of_the_scan(case: Case, tmp_path: Path) -> None:
    """Where it can be told at all without the rows."""
    case.hold(ROWS)
    scanned = case.connector.scan(case.connector.observe(), tmp_path / "copy.parquet", None)
    assert case.connector.schema(scanned.shape) in ((), scanned.schema)
    assert case.connector.schema(None) in ((), scanned.schema)


def test_a_kept_shape_reads_the_same_rows(case: Case, tmp_path: Path) -> None:
    case.hold(ROWS)
    connector, seen = case.connector, case.connector.observe()
    first = connector.scan(seen, tmp_path / "1.parquet", None)
    second = connector.scan(seen, tmp_path / "2.parquet", first.shape)
    assert (second.schema, second.rows) == (first.schema, first.rows)
    assert pq.read_table(tmp_path / "2.parquet") == pq.read_table(tmp_path / "1.parquet")


@pytest.mark.parametrize("name", ["parquet", "parquets", "fake in place"])
def test_what_is_read_in_place_is_measured_as_it_would_be_scanned(name: str, tmp_path: Path) -> None:
    """Its files lie in the folders that an engine is let into."""
    case = made(name, tmp_path)
    connector = case.connector
    assert connector.in_place
    case.hold(ROWS)
    seen = connector.observe()
    scanned = connector.scan(seen, tmp_path / "copy.parquet", None)
    assert connector.measure(seen) == (scanned.schema, scanned.rows)
    folders = [tmp_path / folder for folder in connector.folders()]
    assert all(any((tmp_path / one.path).is_relative_to(folder) for folder in folders) for one in seen)


def test_what_changes_while_it_is_read_is_seen_by_looking_again(case: Case, tmp_path: Path) -> None:
    """A connector remembers nothing: who reads compares the looks before and after."""
    case.hold(ROWS)
    before = case.connector.observe()
    case.connector.scan(before, tmp_path / "copy.parquet", None)
    case.hold(OTHER)
    assert case.connector.observe() != before


@pytest.mark.parametrize("name", REAL)
def test_what_can_not_be_read_is_an_error_of_the_source(name: str, tmp_path: Path) -> None:
    """By its key and place, not a defect of the reader's."""
    case = made(name, tmp_path)
    case.hold(ROWS)
    case.spoil()
    with pytest.raises(UpriverError, match=r"s\b.*data/"):
        case.connector.scan(case.connector.observe(), tmp_path / "copy.parquet", None)


def test_files_without_columns_are_handed_over_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/logo.png").write_bytes(b"\x89PNG")
    source = Source("s", FileLocation(("data/*.png",), "file"), Place("assets/s.py"))
    connector = connector_of(tmp_path, source)
    assert not connector.has_columns
    assert connector.schema(None) == ()
    assert [stamp.path for stamp in connector.observe()] == ["data/logo.png"]


def test_bytes_that_can_not_be_read_have_no_name(tmp_path: Path) -> None:
    case = real(tmp_path, *REAL["csv"])
    case.hold(ROWS)
    seen = case.connector.observe()
    case.take_away()
    (tmp_path / "data/t").mkdir()
    with pytest.raises(StoreError, match="data/t"):
        case.connector.name_content(seen)
