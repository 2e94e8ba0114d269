"""Sources: noticed by stamps, named by bytes, read as one content."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from tests.fakes.ports import MemoryState

from upriver.assets.errors import UpriverError
from upriver.assets.model import FileLocation, Key, Location, Place, Source, TableLocation
from upriver.assets.project.files import TRUST_AFTER
from upriver.materializer.model import Version
from upriver.materializer.ports import SourceChanging, SourceMissing
from upriver.materializer.sources import files, tables
from upriver.materializer.sources import stamps as stamping
from upriver.materializer.sources.observe import Sources
from upriver.materializer.sources.registry import connector_of, source_schema, stamps
from upriver.materializer.storage.local_store import LocalStore
from upriver.materializer.storage.locator import Locator

LONG_AFTER = 10 * TRUST_AFTER


def csv(*patterns: str, scan: str | None = None) -> FileLocation:
    return FileLocation(patterns or ("data/a.csv",), "csv", scan)


def parquet(*patterns: str) -> FileLocation:
    return FileLocation(patterns or ("data/*.parquet",), "parquet")


class Shelf:
    """A project's sources over real files, with a clock that is set by hand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = MemoryState()
        self.store = LocalStore(root / ".upriver/store")
        self.later = LONG_AFTER
        (root / "data").mkdir()

    def write(self, path: str, data: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data if isinstance(data, bytes) else data.encode())
        return target

    def write_parquet(self, path: str, query: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"copy ({query}) to '{target}' (format parquet)")
        return target

    def sources(self, location: Location, *, verify: bool = False, key: Key = "s") -> Sources:
        """As a command would open them now."""
        declared = {key: Source(key, location, Place("assets/s.py"))}
        clock = lambda: time.time() + self.later  # noqa: E731 -- one line
        return Sources(self.root, declared, self.state, self.store, clock=clock, verify=verify)

    def version(self, location: Location, *, verify: bool = False) -> Version:
        return self.sources(location, verify=verify).version("s")

    def rows(self, version: Version) -> list[tuple[object, ...]]:
        files = list(Locator(self.root, self.store).files(version))
        with duckdb.connect() as connection:
            return connection.execute("select * from read_parquet(?)", [files]).fetchall()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files were hashed in each pass over bytes."""
    passes: list[int] = []
    digest = stamping.digest_of_bytes

    def counting(root: Path, stamped: tuple[object, ...]) -> str:
        passes.append(len(stamped))
        return digest(root, stamped)  # type: ignore[arg-type]

    for connector in (files, tables):
        monkeypatch.setattr(connector, "digest_of_bytes", counting)
    return passes


# -- what is noticed -------------------------------------------------------------------------------------------
def test_an_untouched_file_is_not_read_again(shelf: Shelf, hashed: list[int]) -> None:
    shelf.write("data/a.csv", "x\n1\n")
    first = shelf.version(csv())
    assert shelf.version(csv()) == first
    assert hashed == [1]


def test_equal_stamps_are_not_believed_right_after_a_change(shelf: Shelf, hashed: list[int]) -> None:
    shelf.later = 0.0
    shelf.write("data/a.csv", "x\n1\n")
    first = shelf.version(csv())
    assert shelf.version(csv()) == first
    assert hashed == [1, 1]


def test_a_clock_that_is_set_back_makes_nobody_believe_stamps(shelf: Shelf, hashed: list[int]) -> None:
    shelf.later = -3600.0
    shelf.write("data/a.csv", "x\n1\n")
    shelf.version(csv())
    shelf.version(csv())
    assert hashed == [1, 1]


def test_a_touched_file_keeps_its_version(shelf: Shelf, hashed: list[int]) -> None:
    path = shelf.write("data/a.csv", "x\n1\n")
    first = shelf.version(csv())
    os.utime(path)
    assert shelf.version(csv()) == first
    assert hashed == [1, 1]


@pytest.mark.parametrize("location", [csv(), parquet("data/a.parquet")], ids=["snapshot", "in place"])
def test_other_bytes_with_the_same_size_and_mtime_are_noticed(shelf: Shelf, location: FileLocation) -> None:
    def put(value: int) -> Path:
        if location.format == "csv":
            return shelf.write("data/a.csv", f"x\n{value}\n")
        return shelf.write_parquet("data/a.parquet", f"select {value} as x")

    before = put(1).stat()
    first = shelf.version(location)
    path = put(2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    second = shelf.version(location)
    assert second.id != first.id
    assert shelf.rows(second) == [(2,)]


def test_verify_hashes_whatever_the_stamps_say(shelf: Shelf, hashed: list[int]) -> None:
    shelf.write_parquet("data/a.parquet", "select 1 as x")
    shelf.version(parquet())
    assert hashed == []
    shelf.version(parquet(), verify=True)
    assert hashed == [1]


def test_a_command_looks_once_until_it_is_told_to_forget(shelf: Shelf) -> None:
    shelf.write("data/a.csv", "x\n1\n")
    sources = shelf.sources(csv())
    first = sources.version("s")
    shelf.write("data/a.csv", "x\n2\n")
    assert sources.version("s") == first
    sources.forget("s")
    assert sources.version("s").id != first.id


# -- how versions are named ------------------------------------------------------------------------------------
def test_the_same_content_again_has_its_old_name(shelf: Shelf) -> None:
    shelf.write("data/a.csv", "x\n1\n")
    first = shelf.version(csv())
    shelf.write("data/a.csv", "x\n2\n")
    assert shelf.version(csv()).id != first.id
    shelf.write("data/a.csv", "x\n1\n")
    assert shelf.version(csv()) == first


def test_the_same_bytes_read_with_other_options_are_another_content(shelf: Shelf) -> None:
    shelf.write("data/a.csv", "x|y\n1|2\n")
    one = shelf.version(csv(scan="read_csv({files}, delim = '|')"))
    other = shelf.version(csv(scan="read_csv({files}, delim = ';')"))
    assert one.id != other.id
    assert shelf.rows(one) == [(1, 2)]
    assert [column.name for column in other.schema] == ["x|y"]


def test_a_snapshot_that_was_collected_is_taken_again(shelf: Shelf) -> None:
    shelf.write("data/a.csv", "x\n1\n")
    first = shelf.version(csv())
    Path(shelf.store.locate(first.artifacts[0])).unlink()
    again = shelf.version(csv())
    assert again == first
    assert shelf.rows(again) == [(1,)]


def test_a_reader_makes_a_table_of_files_that_are_none(shelf: Shelf) -> None:
    """``from read_text('notes/*.md')`` in a query."""
    shelf.write("data/a.md", "hello")
    location = FileLocation(("data/*.md",), "file", "read_text({files})")
    found = shelf.version(location)
    assert found.schema is not None
    assert "content" in [column.name for column in found.schema]
    assert [row[1] for row in shelf.rows(found)] == ["hello"]
    assert "content" in [c.name for c in source_schema(shelf.root, Source("s", location, Place("a.sql")))]
    assert shelf.version(FileLocation(("data/*.md",), "file")).schema == ()


def test_parquet_is_read_in_place_and_everything_else_from_a_snapshot(shelf: Shelf) -> None:
    shelf.write_parquet("data/b.parquet", "select 1 as x")
    shelf.write_parquet("data/a.parquet", "select 2 as x")
    shelf.write("data/a.ndjson", '{"x": 3}\n')
    assert shelf.version(parquet()).in_place == ("data/a.parquet", "data/b.parquet")
    json = shelf.version(FileLocation(("data/a.ndjson",), "ndjson"))
    assert json.in_place == ()
    assert shelf.store.exists_many(json.artifacts) == set(json.artifacts)
    assert len(json.artifacts) == 1


def test_folders_that_give_columns_are_part_of_the_content(shelf: Shelf) -> None:
    location = parquet("data/year=*/*.parquet")
    shelf.write_parquet("data/year=2023/a.parquet", "select 1 as x")
    first = shelf.version(location)
    assert sorted(column.name for column in first.schema) == ["x", "year"]
    (shelf.root / "data/year=2023").rename(shelf.root / "data/year=2024")
    second = shelf.version(location)
    assert second.id != first.id
    assert shelf.rows(second) == [(1, 2024)]


def test_files_may_join_and_leave_a_glob(shelf: Shelf) -> None:
    location = csv("data/*.csv")
    shelf.write("data/a.csv", "x\n1\n")
    first = shelf.version(location)
    shelf.write("data/b.csv", "x\n2\n")
    assert shelf.rows(shelf.version(location)) == [(1,), (2,)]
    (shelf.root / "data/b.csv").unlink()
    assert shelf.version(location) == first


def test_a_type_is_detected_from_all_rows(shelf: Shelf) -> None:
    shelf.write("data/a.csv", "x\n" + "1\n" * 30_000 + "late\n")
    assert [column.type for column in shelf.version(csv()).schema] == ["VARCHAR"]


def test_a_plain_file_has_no_schema_and_its_bytes_for_a_name(shelf: Shelf) -> None:
    location = FileLocation(("data/model.bin",), "file")
    shelf.write("data/model.bin", b"\x00\x01")
    version = shelf.version(location)
    assert (version.schema, version.rows, version.bytes) == ((), None, 2)
    assert version.in_place == ("data/model.bin",)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_a_database_table_is_read_whole_and_noticed_when_it_changes(shelf: Shelf, engine: str) -> None:
    path = shelf.root / "data/shop.db"

    def run(*statements: str) -> None:
        connection = sqlite3.connect(path) if engine == "sqlite" else duckdb.connect(str(path))
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    if engine == "sqlite":
        run("create table t (x integer, s text)", "insert into t values (1, 'a')")
    else:
        run("begin", "create table t (x integer, s text)", "insert into t values (1, 'a')")
    location = TableLocation("data/shop.db", engine, "t")
    first = shelf.version(location)
    assert shelf.rows(first) == [(1, "a")]
    run(*([] if engine == "sqlite" else ["begin"]), "insert into t values (2, 'b')")
    assert shelf.rows(shelf.version(location)) == [(1, "a"), (2, "b")]


_WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("pragma journal_mode = wal")
connection.execute("create table if not exists t (x integer)")
connection.execute("insert into t values (?)", [int(sys.argv[2])])
connection.commit()
print("written", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("opened", [False, True])
def test_a_sqlite_source_with_a_log_is_readable_closed_and_open(shelf: Shelf, opened: bool) -> None:
    """Reading leaves nothing beside it; what another process writes later is noticed."""
    path = shelf.root / "data/shop.db"
    location = TableLocation("data/shop.db", "sqlite", "t")
    writers = []
    for number in (1, 2):
        command = [sys.executable, "-c", _WRITER, str(path), str(number)]
        writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        if not opened:
            writer.communicate()
        writers.append(writer)
        assert shelf.rows(shelf.version(location)) == [(one,) for one in range(1, number + 1)]
        if not opened:
            assert sorted(one.name for one in path.parent.iterdir()) == ["shop.db"]
    for writer in writers:
        if writer.poll() is None:
            writer.communicate()


@pytest.mark.parametrize("view", ["select * from '{0}'", "from read_csv('{0}')", "from m()"])
def test_a_view_over_files_is_no_source(shelf: Shelf, view: str) -> None:
    """Their changes would not be noticed; a view over tables of the same database is one."""
    text = shelf.write("data/a.csv", "x\n1\n")
    with duckdb.connect(str(shelf.root / "data/shop.db")) as connection:
        connection.execute("create table t as select 1 as x")
        connection.execute(f"create macro m() as table from '{text}'")
        connection.execute(f"create view v as {view.format(text)}")
        connection.execute("create view w as from t")
    with pytest.raises(UpriverError, match="is a view over files"):
        shelf.version(TableLocation("data/shop.db", "duckdb", "v"))
    assert shelf.rows(shelf.version(TableLocation("data/shop.db", "duckdb", "w"))) == [(1,)]


# -- what goes wrong -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        (
            csv("data/no*.csv", "data/nor.csv"),
            "source s (declared at assets/s.py:1): no file matches data/no*.csv, data/nor.csv",
        ),
        (TableLocation("data/no.db", "sqlite", "t"), "source s: there is no database data/no.db"),
    ],
    ids=["files", "database"],
)
def test_what_is_missing_is_told(shelf: Shelf, location: Location, sentence: str) -> None:
    with pytest.raises(SourceMissing) as caught:
        shelf.version(location)
    assert str(caught.value) == sentence
    with pytest.raises(SourceMissing):
        source_schema(shelf.root, Source("s", location, Place("assets/s.py")))


def test_what_can_not_be_read_is_told_with_its_place(shelf: Shelf) -> None:
    shelf.write("data/a.parquet", b"PAR1 not really")
    with pytest.raises(UpriverError, match=r"source s \(data/\*\.parquet as parquet\) can't be read: "):
        shelf.version(parquet())


def meddling(path: Path, texts: Iterator[str]) -> Callable[[], float]:
    """A clock that changes the file each time it is looked at, for as long as there are texts."""

    def clock() -> float:
        text = next(texts, None)
        if text is not None:
            path.write_text(text)
        return time.time() + LONG_AFTER

    return clock


def test_a_source_that_never_rests_is_not_recorded(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shelf.write("data/a.csv", "x\n1\n")
    digest = stamping.digest_of_bytes
    counter = itertools.count(10)

    def racing(root: Path, stamped: tuple[object, ...]) -> str:
        path.write_text(f"x\n{'1' * next(counter)}\n")
        return digest(root, stamped)  # type: ignore[arg-type]

    for connector in (files, tables):
        monkeypatch.setattr(connector, "digest_of_bytes", racing)
    with pytest.raises(SourceChanging, match="changes while it is being read; nothing was recorded"):
        shelf.version(csv())
    assert shelf.state.sources() == {}


def test_a_source_that_rests_at_last_is_read_as_it_is_then(shelf: Shelf) -> None:
    path = shelf.write("data/a.csv", "x\n1\n")
    source = Source("s", csv(), Place("assets/s.py"))
    sources = Sources(
        shelf.root, {"s": source}, shelf.state, shelf.store, clock=meddling(path, iter(["x\n22\n"]))
    )
    assert shelf.rows(sources.version("s")) == [(22,)]


def test_readers_of_files_in_place_are_told_when_these_change_and_readers_of_snapshots_need_not_be(
    shelf: Shelf,
) -> None:
    shelf.write_parquet("data/a.parquet", "select 1 as x")
    shelf.write("data/a.csv", "x\n1\n")
    in_place, snapshot = shelf.sources(parquet()), shelf.sources(csv())
    one, other = in_place.version("s"), snapshot.version("s")
    assert in_place.unchanged_since_look("s", one)
    shelf.write_parquet("data/a.parquet", "select 2 as x")
    shelf.write("data/a.csv", "x\n2\n")
    assert not in_place.unchanged_since_look("s", one)
    assert snapshot.unchanged_since_look("s", other)
    assert shelf.rows(other) == [(1,)]


def test_a_later_look_does_not_vouch_for_an_earlier_version(shelf: Shelf) -> None:
    shelf.write_parquet("data/a.parquet", "select 1 as x")
    sources = shelf.sources(parquet())
    first = sources.version("s")
    shelf.write_parquet("data/a.parquet", "select 2 as x")
    sources.forget("s")
    assert not sources.unchanged_since_look("s", first)
    second = sources.version("s")
    assert sources.unchanged_since_look("s", second)
    assert not sources.unchanged_since_look("s", first)


def test_stamps_are_sorted_and_each_file_counts_once(shelf: Shelf) -> None:
    for name in ("b.csv", "a.csv"):
        shelf.write(f"data/{name}", "x\n1\n")
    (shelf.root / "data/folder.csv").mkdir()
    found = stamps(shelf.root, Source("s", csv("data/*.csv", "data/a.csv"), Place("s.py")))
    assert [stamp.path for stamp in found] == ["data/a.csv", "data/b.csv"]


def test_a_location_is_described_so_that_what_matters_differs() -> None:
    def described(location: Location) -> str:
        return connector_of(Path(), Source("s", location, Place("s.py"))).describe()

    assert described(csv()) == "data/a.csv as csv"
    assert (
        described(csv(scan="read_csv({files}, delim = ';')"))
        == "data/a.csv as read_csv({files}, delim = ';')"
    )
    assert described(TableLocation("a.db", "sqlite", "t")) == "sqlite table t in a.db"
