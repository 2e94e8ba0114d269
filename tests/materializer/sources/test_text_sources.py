"""Text sources keep their shape: types come from all rows, what fits is taken and told, what does not is a misfit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.fakes.ports import MemoryState

from upriver.assets.declare.locations import read_location
from upriver.assets.errors import UsageError
from upriver.assets.model import Column, FileLocation, Key, Location, Place, Source
from upriver.materializer.model import Version
from upriver.materializer.ports import Shape, SourceMisfit
from upriver.materializer.sources.lock import LOCK, SourcesLock
from upriver.materializer.sources.observe import Sources
from upriver.materializer.sources.registry import source_schema
from upriver.materializer.storage.local_store import LocalStore
from upriver.materializer.storage.locator import Locator


def located(where: str | list[str], **options: object) -> Location:
    location, problems = read_location(where, options=options)
    assert location is not None, problems
    return location


class Project:
    """A project of one text source over real files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = MemoryState()
        self.store = LocalStore(root / ".upriver/store")
        self.location = located("data/a.csv")
        self.notes: tuple[str, ...] = ()

    def write(self, text: str | bytes, path: str = "data/a.csv") -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def source(self) -> Source:
        return Source("raw.a", self.location, Place("assets/s.py", 2))

    def sources(self) -> Sources:
        clock = lambda: time.time() + 60.0  # noqa: E731 -- one line
        return Sources(self.root, {"raw.a": self.source()}, self.state, self.store, clock=clock)

    def told(self) -> tuple[str, ...]:
        return self.notes

    def read(self) -> Version:
        sources = self.sources()
        version = sources.version("raw.a")
        self.notes = tuple(note for _, note in sources.take_notes())
        return version

    def rows(self) -> list[tuple[object, ...]]:
        files = list(Locator(self.root, self.store).files(self.read()))
        with duckdb.connect() as connection:
            return connection.execute("select * from read_parquet(?)", [files]).fetchall()

    def types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.read().schema}

    def misfit(self) -> str:
        before = self.state.sources().get("raw.a")
        kept = (self.root / LOCK).read_bytes() if (self.root / LOCK).exists() else b""
        with pytest.raises(SourceMisfit) as caught:
            self.read()
        assert self.state.sources().get("raw.a") == before, "what was read last is still served"
        assert ((self.root / LOCK).read_bytes() if (self.root / LOCK).exists() else b"") == kept
        return "\n".join(one.message for one in caught.value.diagnoses)

    def lock(self) -> Shape | None:
        return SourcesLock(self.root).shape("raw.a")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.store.close()


MANY = 30_000
LATE = {
    "2.7": ("DOUBLE", 2.7),
    "01234": ("VARCHAR", "01234"),
    "x": ("VARCHAR", "x"),
    "12345678901234567890": ("HUGEINT", None),
}
OPTIONS: dict[str, dict[str, object]] = {
    "none": {},
    "delimiter": {"delimiter": ";"},
    "header": {"header": True},
    "sample": {"sample_size": 10},
    "nulls": {"null_values": ["-"]},
    "encoding": {"encoding": "utf-8"},
    "names": {"names": ["v"], "header": True},
    "union": {"union_by_name": True},
    "skip": {"skip": 0},
    "quote": {"quote": "'"},
    "decimal": {"decimal": "."},
    "loose": {"strict": False},
    "padded": {"null_padding": True},
}


# -- types -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("options", OPTIONS)
def test_types_come_from_all_rows_whatever_the_options(project: Project, options: str, late: str) -> None:
    """A value far behind the reader's sample decides the type as one at the beginning does."""
    project.location = located("data/a.csv", **OPTIONS[options])
    project.write("v\n" + "1\n" * MANY + late + "\n")
    type, value = LATE[late]
    assert project.types() == {"v": type}
    rows = project.rows()
    assert len(rows) == MANY + 1
    assert value is None or rows[-1] == (value,)


@pytest.mark.parametrize(
    "scan", ["read_csv({files}, delim=',')", "read_csv_auto({files}, header => true)", "read_csv({files})"]
)
def test_types_come_from_all_rows_of_a_reader_in_a_query(project: Project, scan: str) -> None:
    """As DuckDB's own call would, did it look at all rows."""
    project.location = FileLocation(("data/a.csv",), "csv", scan)
    project.write("v\n" + "1\n" * MANY + "2.7\n")
    assert project.types() == {"v": "DOUBLE"}


@pytest.mark.parametrize("options", [{}, {"maximum_depth": 5}, {"sample_size": 5}, {"ignore_errors": False}])
def test_types_of_json_come_from_all_rows(project: Project, options: dict[str, object]) -> None:
    """With options as without."""
    project.location = located("data/a.ndjson", **options)
    project.write('{"v": 1}\n' * MANY + '{"v": 2.7, "w": "x"}\n', "data/a.ndjson")
    assert project.types() == {"v": "DOUBLE", "w": "VARCHAR"}
    assert project.rows()[-1] == (2.7, "x")


def test_a_timestamp_after_dates_makes_all_of_them_timestamps(project: Project) -> None:
    """Its time of day is not cut off."""
    project.location = located("data/a.csv", delimiter=";")
    project.write("d;n\n" + "2024-01-01;1\n" * MANY + "2024-01-02 10:30:00;1\n")
    assert project.types()["d"] == "TIMESTAMP"


def test_declared_types_hold(project: Project) -> None:
    """Also against what the rows look like."""
    project.location = located("data/a.csv", types={"id": "VARCHAR"})
    project.write("id,n\n1,2\n")
    assert project.types() == {"id": "VARCHAR", "n": "BIGINT"}
    assert project.rows() == [("1", 2)]


def test_declared_columns_are_the_columns(project: Project) -> None:
    """Without a look at what else they could be."""
    project.location = located("data/a.csv", columns={"id": "INTEGER", "n": "VARCHAR"}, header=True)
    project.write("id,n\n1,2\n")
    assert project.types() == {"id": "INTEGER", "n": "VARCHAR"}


def test_the_columns_before_and_after_reading_are_the_same(project: Project) -> None:
    """A plan binds against what a build will have."""
    project.write("id,n\n1,2\n")
    seen = source_schema(project.root, project.source())
    assert seen == project.read().schema


# -- what is kept ----------------------------------------------------------------------------------------------
def test_the_first_read_keeps_the_shape(project: Project) -> None:
    """Columns, types, and how the text is taken apart."""
    project.write("id;day;name\n1;13/04/2024;'a;b'\n")
    project.read()
    shape = project.lock()
    assert shape is not None
    assert shape.columns == (Column("id", "BIGINT"), Column("day", "DATE"), Column("name", "VARCHAR"))
    assert (shape.delimiter, shape.quote, shape.header, shape.date_format) == (";", "'", True, "%d/%m/%Y")


def test_a_build_from_scratch_agrees_because_the_lock_is_read(project: Project, tmp_path: Path) -> None:
    """A colleague, whose file looks narrower, gets the types that the lock says."""
    project.write("v,d\n1.5,13/04/2024\n")
    project.read()
    project.state = MemoryState()
    project.write("v,d\n2,05/06/2024\n")
    assert project.types() == {"v": "DOUBLE", "d": "DATE"}
    assert str(project.rows()[0][1]) == "2024-06-05"


def test_another_lock_is_read_with(project: Project) -> None:
    """A lock that came with a pull counts, though the file is as it was."""
    project.write("v\n1\n")
    assert project.types() == {"v": "BIGINT"}
    shape = project.lock()
    assert shape is not None
    text = (project.root / LOCK).read_text()
    (project.root / LOCK).write_text(text.replace("BIGINT", "DOUBLE"))
    assert project.types() == {"v": "DOUBLE"}


def test_another_declaration_takes_the_shape_anew(project: Project) -> None:
    """Who says delimiter=';' means another reading."""
    project.write("a;b\n1;2\n")
    project.location = located("data/a.csv", delimiter=",")
    assert project.types() == {"a;b": "VARCHAR"}
    project.location = located("data/a.csv", delimiter=";")
    assert project.types() == {"a": "BIGINT", "b": "BIGINT"}
    assert "taken anew" in project.told()[0]


# -- what fits -------------------------------------------------------------------------------------------------
WIDER = {
    "a double": ("v\n1\n", "v\n1\n2.5\n", "BIGINT", "DOUBLE"),
    "a timestamp": ("v\n2024-01-01\n", "v\n2024-01-01\n2024-01-01 10:00:00\n", "DATE", "TIMESTAMP"),
    "a huge number": ("v\n1\n", "v\n12345678901234567890\n", "BIGINT", "HUGEINT"),
    "the first value": ("v,w\n,1\n", "v,w\n5,1\n", "VARCHAR", "BIGINT"),
    "the first row": ("v,w\n", "v,w\n2024-01-01,1\n", "VARCHAR", "DATE"),
}


@pytest.mark.parametrize("case", WIDER)
def test_a_wider_value_is_taken_and_kept_wide(project: Project, case: str) -> None:
    """And stays so when the file is narrow again."""
    first, second, narrow, wide = WIDER[case]
    project.write(first)
    assert project.types()["v"] == narrow
    project.write(second)
    assert project.types()["v"] == wide
    if "first" not in case:
        assert project.told() == (f"raw.a.v was {narrow}, now {wide}",)
        project.write(first)
        assert project.types()["v"] == wide
        assert project.told() == ()


def test_a_new_column_is_taken_and_told_once(project: Project) -> None:
    """By name, wherever it stands in the file."""
    project.write("a,b\n1,2\n")
    project.read()
    project.write("c,b,a\nx,2,1\n")
    assert project.rows() == [(1, 2, "x")]
    assert project.types() == {"a": "BIGINT", "b": "BIGINT", "c": "VARCHAR"}
    project.write("c,b,a\nx,2,3\n")
    project.read()
    assert project.told() == ()


def test_what_is_new_is_told(project: Project) -> None:
    """With its type and its file."""
    project.write("a,b\n1,2\n")
    project.read()
    project.write("a,b,c\n1,2,x\n")
    project.read()
    assert project.told() == ("raw.a has a new column c (VARCHAR), first in data/a.csv",)


def test_a_column_without_values_fits_any_type(project: Project) -> None:
    """An export of a quiet day breaks nothing."""
    project.write("a,v\n1,2.5\n")
    project.read()
    project.write("a,v\n1,\n")
    assert project.types() == {"a": "BIGINT", "v": "DOUBLE"}
    project.write("a,v\n")
    assert project.types() == {"a": "BIGINT", "v": "DOUBLE"}


def test_quotes_may_come_later(project: Project) -> None:
    """They are no other dialect."""
    project.write("a,b\n1,x\n")
    project.read()
    project.write('a,b\n1,"x, y"\n')
    assert project.rows() == [(1, "x, y")]


# -- what does not fit -----------------------------------------------------------------------------------------
MISFITS: dict[str, tuple[str, str | bytes, str]] = {
    "text in a number": (
        "id,d,fee\n1,a,1.5\n2,a,2\n",
        "id,d,fee\n1,a,1.5\n2,a,2\n3,a,sixty\n",
        "raw.a.fee was DOUBLE, now VARCHAR: 'sixty' at data/a.csv:4",
    ),
    "a leading zero": ("id\n1\n", "id\n1\n007\n", "raw.a.id was BIGINT, now VARCHAR: '007' at data/a.csv:3"),
    "a missing column": ("a,b\n1,2\n", "a\n1\n", "raw.a had a column b (BIGINT), which is not in data/a.csv"),
    "a renamed column": (
        "a,b\n1,2\n",
        "a,c\n1,2\n",
        "raw.a had a column b (BIGINT), which is not in data/a.csv",
    ),
    "another delimiter": ("a,b\n1,2\n", "a;b\n1;2\n", "raw.a had the delimiter ',', now ';'"),
    "month first": (
        "d,n\n13/04/2024,1\n",
        "d,n\n13/04/2024,1\n12/25/2024,1\n",
        "raw.a.d was DATE, now VARCHAR: '12/25/2024' at data/a.csv:3",
    ),
    "ISO instead of day first": (
        "d,n\n13/04/2024,1\n",
        "d,n\n2024-04-13,1\n",
        "dates as %d/%m/%Y, now dates as year-month-day",
    ),
    "day first instead of ISO": (
        "d,n\n2024-04-13,1\n",
        "d,n\n13/04/2024,1\n",
        "dates as year-month-day, now dates as %d/%m/%Y",
    ),
    "half a line": ("a,b,c\n1,2,3\n", "a,b,c\n1,2,3\n4,5\n", "data/a.csv:3"),
    "a line too many": ("a,b\n1,2\n", "a,b\n1,2\n1,2,3\n", "data/a.csv:3"),
    "lines before the header": ("a,b\n1,2\n", "Report\n\na,b\n1,2\n", "data/a.csv"),
    "a boolean": (
        "a\ntrue\n",
        "a\ntrue\nmaybe\n",
        "raw.a.a was BOOLEAN, now VARCHAR: 'maybe' at data/a.csv:3",
    ),
    "a zone": ("t\n2024-01-01 10:00:00\n", "t\n2024-01-01 10:00:00+02\n", "raw.a.t was TIMESTAMP"),
    "no header, another order": (
        "1,a\n2,b\n",
        "a,1\nb,2\n",
        "raw.a.column0 was BIGINT, now VARCHAR: 'a' at data/a.csv:1",
    ),
    "other bytes": ("a\nx\n", b"a\ncaf\xe9\n", "not utf-8 encoded"),
    "numbers that a double does not hold": (
        "a\n9007199254740993\n",
        "a\n9007199254740993\n0.5\n",
        "was BIGINT, now DOUBLE",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_what_does_not_fit_is_told_with_its_place(project: Project, case: str) -> None:
    """Nothing is reinterpreted; what was read last is still there, and accepting takes the file as it is."""
    before, after, told = MISFITS[case]
    project.write(before)
    project.read()
    project.write(after)
    assert told in project.misfit()
    with pytest.raises(SourceMisfit, match="upriver accept"):
        project.read()
    project.write(before)
    assert project.types()


def test_accepting_takes_the_file_as_it_is(project: Project) -> None:
    """And says what was another."""
    project.write("a,b\n1,2\n")
    project.read()
    project.write("a;c\n1;x\n")
    project.misfit()
    then, now = project.sources().accept("raw.a")
    assert then is not None
    assert [column.name for column in then.columns] == ["a", "b"]
    assert now == project.lock()
    assert project.types() == {"a": "BIGINT", "c": "VARCHAR"}


def test_only_text_can_be_accepted(project: Project) -> None:
    """Parquet has its own types."""
    with duckdb.connect() as connection:
        (project.root / "data").mkdir()
        connection.execute(f"copy (select 1 as a) to '{project.root}/data/a.parquet' (format parquet)")
    project.location = located("data/a.parquet")
    with pytest.raises(UsageError, match="no shape is kept"):
        project.sources().accept("raw.a")
    project.read()
    assert project.lock() is None


JSON_MISFITS = {
    "text in a number": ('{"v": 1}\n', '{"v": 1}\n{"v": "sixty"}\n', "'sixty' at data/a.ndjson:2"),
    "a number as text": ('{"v": 1}\n', '{"v": "2"}\n', "raw.a.v was BIGINT, now"),
    "a missing key": ('{"v": 1, "w": 2}\n', '{"v": 1}\n', "raw.a had a column w (BIGINT), which is not in"),
    "a missing field": ('{"v": {"a": 1, "b": 2}}\n', '{"v": {"a": 1}}\n', "raw.a.v was STRUCT"),
    "an object for a list": ('{"v": [1]}\n', '{"v": {"a": 1}}\n', "raw.a.v was BIGINT[]"),
}


@pytest.mark.parametrize("case", JSON_MISFITS)
def test_json_that_does_not_fit_is_told(project: Project, case: str) -> None:
    """As a CSV is, with the line of the value."""
    before, after, told = JSON_MISFITS[case]
    project.location = located("data/a.ndjson")
    project.write(before, "data/a.ndjson")
    project.read()
    project.write(after, "data/a.ndjson")
    assert told in project.misfit()


def test_json_widens_inside_lists_and_objects(project: Project) -> None:
    """Field by field; a null takes any type."""
    project.location = located("data/a.ndjson")
    project.write('{"v": {"a": 1, "b": null}, "n": null, "l": [1]}\n', "data/a.ndjson")
    project.read()
    project.write('{"v": {"a": 1.5, "b": "x", "c": 1}, "n": 5, "l": [1, 2.5]}\n', "data/a.ndjson")
    assert project.rows() == [({"a": 1.5, "b": "x", "c": 1}, 5, [1.0, 2.5])]


def test_dates_in_json_are_not_guessed(project: Project) -> None:
    """The reader takes 03-04-2024 for the third of April and does not say so."""
    project.location = located("data/a.ndjson")
    project.write('{"d": "03-04-2024", "e": "2024-04-03"}\n', "data/a.ndjson")
    assert project.types() == {"d": "VARCHAR", "e": "DATE"}


# -- several files ---------------------------------------------------------------------------------------------
def test_every_file_of_a_glob_counts_for_the_types(project: Project) -> None:
    """Not the first alone."""
    project.location = located("data/*.csv")
    project.write("v\n1\n", "data/a.csv")
    project.write("v\n2.5\n", "data/b.csv")
    assert project.types() == {"v": "DOUBLE"}
    assert project.rows() == [(1.0,), (2.5,)]


GLOBS = {
    "one more": ("a,b,c\n1,2,3\n", "data/b.csv has a column c"),
    "one less": ("a\n1\n", "data/b.csv has no column b"),
}


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("case", GLOBS)
def test_files_with_other_columns_are_named(project: Project, case: str, known: bool) -> None:
    """And how to take all of them is suggested."""
    text, told = GLOBS[case]
    project.location = located("data/*.csv")
    project.write("a,b\n1,2\n", "data/a.csv")
    if known:
        project.read()
    project.write(text, "data/b.csv")
    found = project.misfit()
    assert told in found
    assert "union_by_name" in found


def test_a_retyped_column_of_a_later_file_is_named(project: Project) -> None:
    """With the line in that file."""
    project.location = located("data/*.csv")
    project.write("a,b\n1,2\n", "data/a.csv")
    project.read()
    project.write("a,b\n1,2\n3,x\n", "data/b.csv")
    assert "raw.a.b was BIGINT, now VARCHAR: 'x' at data/b.csv:3" in project.misfit()


def test_files_can_be_united_by_name(project: Project) -> None:
    """Where that is asked for; the order of rows is that of the files."""
    project.location = located("data/*.csv", union_by_name=True)
    project.write("a,b\n1,2\n", "data/a.csv")
    project.write("c,a\nx,3\n", "data/b.csv")
    assert project.rows() == [(1, 2, None), (3, None, "x")]


def test_names_of_files_and_folders_are_columns_as_before(project: Project) -> None:
    """What a reader adds stands behind what is in the files."""
    project.location = located("data/*/a.csv", filename=True, hive_partitioning=True)
    project.write("a\n1\n", "data/y=2024/a.csv")
    project.write("a\n2.5\n", "data/y=2025/a.csv")
    assert [(row[0], str(row[1]).rpartition("data/")[2], row[2]) for row in project.rows()] == [
        (1.0, "y=2024/a.csv", 2024),
        (2.5, "y=2025/a.csv", 2025),
    ]


# -- the first sight -------------------------------------------------------------------------------------------
def test_a_guess_is_told_at_the_first_sight(project: Project) -> None:
    """Once."""
    project.write("d,v\n03/04/2024,1\n")
    project.read()
    assert "may be meant day first or month first" in project.told()[0]
    assert "03/04/2024" in project.told()[0]
    project.write("d,v\n03/05/2024,1\n")
    project.read()
    assert project.told() == ()


@pytest.mark.parametrize("text", ["d,v\n13/04/2024,1\n", "d,v\n2024-04-03,1\n", "d,v\n2024/04/03,1\n"])
def test_dates_that_can_be_meant_in_one_way_are_not_doubted(project: Project, text: str) -> None:
    """A day beyond twelve tells."""
    project.write(text)
    assert project.types()["d"] == "DATE"
    assert project.told() == ()


def test_one_column_with_a_delimiter_in_its_name_is_doubted(project: Project) -> None:
    """A half-written line makes the reader take a whole file for one column."""
    project.write("id,name,city\n" + "1,a,b\n" * 50 + "3,c\n")
    project.read()
    assert "called 'id,name,city'" in project.told()[0]


def test_a_half_written_line_of_a_long_file_is_an_error_at_the_first_sight(project: Project) -> None:
    """It is far behind what the reader guesses by."""
    project.write("id,name,city\n" + "1,a,b\n" * MANY + "3,c\n")
    assert f"data/a.csv:{MANY + 2}" in project.misfit()


def test_lines_that_are_skipped_are_told(project: Project) -> None:
    """A title above the header is no surprise, but a guess."""
    project.write("Report of today\n\nid,name\n" + "1,a\n" * 20)
    assert project.types() == {"id": "BIGINT", "name": "VARCHAR"}
    assert "the first 2 lines of data/a.csv are skipped" in project.told()[0]


def test_one_late_delimiter_does_not_throw_all_rows_away(project: Project) -> None:
    """500 rows of one column are no preamble."""
    project.write("x\n" * 500 + "late; again\n")
    assert len(project.rows()) in (500, 501)
    project.write("v\n" + "x\n" * 500 + "late; again\n", "data/b.csv")
    project.location = located("data/b.csv")
    (project.root / LOCK).unlink()
    assert len(project.rows()) == 501


# -- the lock --------------------------------------------------------------------------------------------------
def shape(type: str = "BIGINT") -> Shape:
    return Shape("csv", (Column('a "b"\n', type), Column("é", "DATE")), delimiter="\t", header=True)


def test_the_lock_is_sorted_and_stable(tmp_path: Path) -> None:
    """In whatever order sources were read."""
    keys: list[Key] = ["b", "a.x", "c"]
    first, second = tmp_path / "1", tmp_path / "2"
    for root, order in ((first, keys), (second, keys[::-1])):
        root.mkdir()
        for key in order:
            SourcesLock(root).keep({key: shape()})
    assert (first / LOCK).read_bytes() == (second / LOCK).read_bytes()
    assert SourcesLock(first).shape("a.x") == shape()


def test_a_block_that_is_added_changes_no_other_line(tmp_path: Path) -> None:
    """So that two branches merge."""
    lock = SourcesLock(tmp_path)
    lock.keep({"m": shape()})
    before = (tmp_path / LOCK).read_text().splitlines()
    lock.keep({"a": shape(), "z": shape()})
    after = (tmp_path / LOCK).read_text().splitlines()
    start = after.index(before[1])
    assert after[start : start + len(before) - 3] == before[1:-2]
    assert after[-2:] == before[-2:]


def test_a_lock_that_cannot_be_read_is_told_with_its_line(project: Project) -> None:
    """A conflict of a merge, for one."""
    project.write("a\n1\n")
    project.read()
    (project.root / LOCK).write_text('{\n  "raw.a": {\n<<<<<<< ours\n')
    with pytest.raises(SourceMisfit) as caught:
        project.read()
    (diagnosis,) = caught.value.diagnoses
    assert diagnosis.place == Place(LOCK, 3)
    assert "can't be read" in diagnosis.message


def test_a_lock_that_cannot_be_written_stops_nobody(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is right; that it is not kept is told."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(SourcesLock, "keep", refuse)
    project.write("a\n1\n")
    assert project.rows() == [(1,)]
    project.write("a\n2\n")
    project.read()
    assert "could not be written to sources.lock: Permission denied" in project.told()[0]
