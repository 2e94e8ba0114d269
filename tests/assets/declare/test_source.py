"""Sources: where they are, how they are read, and that nothing written becomes SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assets.conftest import Project

from upriver.assets import source
from upriver.assets.declare.locations import FILES, read_location
from upriver.assets.errors import DeclarationError
from upriver.assets.model import FileLocation, TableLocation


def location(where: object, **options: Any) -> Any:
    """The location of a source in which nothing is wrong."""
    found, problems = read_location(where, options.pop("format", None), options.pop("table", None), options)
    assert not problems
    return found


@pytest.mark.parametrize(
    ("where", "format_name"),
    [
        ("data/x.csv", "csv"),
        ("data/X.CSV", "csv"),
        ("data/x.csv.gz", "csv"),
        ("data/x.csv.zst", "csv"),
        ("data/*.parquet", "parquet"),
        ("data/**/year=*/*.pq", "parquet"),
        ("x.ndjson", "ndjson"),
        ("x.jsonl.gz", "ndjson"),
        ("x.arrow", "arrow"),
        ("x.feather", "arrow"),
        ("x.ipc", "arrow"),
        ("models/m.pkl", "file"),
        ("report.pdf", "file"),
        ("x.parquet.gz", "file"),
    ],
)
def test_the_ending_of_the_name_tells_the_format(where: str, format_name: str) -> None:
    assert location(where) == FileLocation((where,), format_name)


def test_a_format_may_be_said() -> None:
    assert location("data/x.txt", format="csv") == FileLocation(("data/x.txt",), "csv")
    assert location("data/*", format="Parquet").format == "parquet"


def test_tab_separated_and_json_files_are_read_as_what_they_are() -> None:
    assert location("x.tsv").scan == "read_csv({files}, delim = '\t')"
    assert location("x.tsv.gz", header=False).scan == "read_csv({files}, header = false, delim = '\t')"
    assert location("x.json").scan == "read_json({files})"


def test_several_files_or_globs_form_one_source() -> None:
    assert location(["b.csv", Path("a") / "*.csv"]).patterns == ("b.csv", "a/*.csv")


@pytest.mark.parametrize(
    ("written", "path"), [("./data//x.csv", "data/x.csv"), ("../shared/x.csv", "../shared/x.csv")]
)
def test_a_path_is_made_plain(written: str, path: str) -> None:
    assert location(written).patterns == (path,)


@pytest.mark.parametrize(
    ("where", "engine"),
    [("x.db", "sqlite"), ("x.sqlite", "sqlite"), ("x.sqlite3", "sqlite"), ("x.duckdb", "duckdb")],
)
def test_a_table_in_a_database_file(where: str, engine: str) -> None:
    assert location(where, table="orders") == TableLocation(where, engine, "orders")


def test_a_database_file_of_any_name() -> None:
    assert location("x.bin", format="duckdb", table="s.t") == TableLocation("x.bin", "duckdb", "s.t")


@pytest.mark.parametrize(
    ("where", "options", "said"),
    [
        ("", {}, "the location is empty"),
        ("data/", {}, "'data/' is a folder; say which files in it, such as 'data/*.parquet'"),
        (".", {}, "is a folder"),
        ("a\0.csv", {}, "control characters"),
        ("s3://bucket/x.csv", {}, "is not a local path"),
        (3, {}, "not 3"),
        (b"x.csv", {}, "not b'x.csv'"),
        ([], {}, "the list of files is empty"),
        ("data/*", {}, "can't be told from its name; say format="),
        ("data/x", {}, "can't be told from its name; say format="),
        (["a.csv", "b.parquet"], {}, "these are csv and parquet"),
        ("a.csv", {"format": "exel"}, "there is no format 'exel'"),
        ("a.csv", {"format": "parqet"}, "did you mean 'parquet'?"),
        ("a.csv", {"table": "t"}, "table= is for SQLite and DuckDB files"),
        ("a.db", {}, "say which table of it with table="),
        ("a.db", {"table": ""}, "the name of a table is expected"),
        ("a.db", {"table": "t", "header": True}, "a database source has no option 'header'"),
        ("*.db", {"table": "t"}, "a database source is one file"),
        (["a.db", "b.db"], {"table": "t"}, "a database source is one file"),
        ("a.csv", {"delimitr": ";"}, "there is no option 'delimitr' for csv; did you mean 'delimiter'?"),
        (
            "a.parquet",
            {"delimiter": ";"},
            "there is no option 'delimiter' for parquet; possible are binary_as_string",
        ),
        ("a.pkl", {"header": True}, "file has no options"),
        ("a.csv", {"header": "yes"}, "header: True or False is expected, not 'yes'"),
        ("a.csv", {"skip": True}, "skip: a whole number is expected"),
        ("a.csv", {"skip": 1.5}, "skip: a whole number is expected"),
        ("a.csv", {"quote": "ab"}, "quote: one character is expected"),
        ("a.csv", {"columns": ["a"]}, "columns: a dict of types by column"),
        ("a.csv", {"columns": {}}, "columns: a dict of types by column"),
        ("a.csv", {"names": []}, "names: a text or a list of texts"),
        ("a.csv", {"delim": ";", "sep": ","}, "sep: this was already given under another name"),
        ("a.csv", {"null_values": "{files}"}, "can't be used here"),
        ("a.csv", {"date_format": "a\0b"}, "can't be used here"),
    ],
)
def test_what_is_wrong_is_told(where: object, options: dict[str, Any], said: str) -> None:
    found, problems = read_location(where, options.pop("format", None), options.pop("table", None), options)
    assert found is None
    assert len(problems) == 1
    assert said in problems[0]


OPTIONS: dict[str, dict[str, Any]] = {
    "csv": {
        "all_varchar": True,
        "columns": {"a": "VARCHAR", "it's": "BIGINT"},
        "comment": "#",
        "compression": "none",
        "date_format": "%d.%m.%Y",
        "decimal": ",",
        "delimiter": ";",
        "encoding": "utf-8",
        "escape": '"',
        "filename": True,
        "header": True,
        "hive_partitioning": False,
        "ignore_errors": True,
        "max_line_size": 10_000,
        "names": ["a", "it's"],
        "new_line": "\\n",
        "normalize_names": True,
        "null_padding": True,
        "null_values": ["", "NA", "it's"],
        "quote": '"',
        "sample_size": -1,
        "skip": 0,
        "strict": False,
        "thousands": ".",
        "timestamp_format": "%d.%m.%Y %H:%M",
        "types": {"a": "VARCHAR"},
        "union_by_name": True,
    },
    "parquet": {"binary_as_string": True, "filename": True, "hive_partitioning": True, "union_by_name": True},
    "ndjson": {
        "columns": {"a": "VARCHAR"},
        "compression": "none",
        "date_format": "%d.%m.%Y",
        "filename": True,
        "hive_partitioning": True,
        "ignore_errors": True,
        "maximum_depth": 3,
        "maximum_object_size": 100_000,
        "sample_size": 10,
        "timestamp_format": "%d.%m.%Y",
        "union_by_name": True,
    },
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A small file of each format, as the SQL of a list."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "x.csv").write_text("a;it's\nx;1\n")
    (folder / "x.ndjson").write_text('{"a": "x"}\n')
    with duckdb.connect() as connection:
        connection.sql("select 'x' as a").write_parquet(str(folder / "x.parquet"))
    return {name: f"['{folder / f'x.{name}'}']" for name in OPTIONS}


@pytest.mark.parametrize(
    ("format_name", "option"), [(name, option) for name in OPTIONS for option in OPTIONS[name]]
)
def test_the_engine_takes_every_option(data: dict[str, str], format_name: str, option: str) -> None:
    given = {option: OPTIONS[format_name][option]}
    if format_name == "csv":
        given.setdefault("delimiter", ";")
    if option == "decimal":
        given["thousands"] = "."
    if option == "thousands":
        given["decimal"] = ","
    scan = location(f"x.{format_name}", **given).scan
    assert scan is not None
    expression = scan.replace(FILES, data[format_name])
    with duckdb.connect() as connection:
        assert connection.sql(f"from {expression}").fetchall()


def test_an_option_that_is_none_is_not_given() -> None:
    assert location("x.csv", delimiter=None).scan is None


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
        lambda text: FILES not in text
    )
)
def test_text_in_options_stays_text(text: str) -> None:
    """One literal, in which every quote is doubled: nothing in it can end it."""
    scan = location("x.csv", date_format=text).scan
    literal = scan.removeprefix("read_csv({files}, date_format = ").removesuffix(")")
    assert literal[0] == literal[-1] == "'"
    assert "'" not in literal[1:-1].replace("''", "")
    assert literal[1:-1].replace("''", "'") == text


@pytest.mark.parametrize("text", ["'", "''", "\\'", "'); drop table x; --", "\n", "{files", "ü", "$$", "E'"])
def test_the_engine_reads_the_text_as_it_was_written(text: str) -> None:
    scan = location("x.csv", date_format=text).scan
    literal = scan.removeprefix("read_csv({files}, date_format = ").removesuffix(")")
    with duckdb.connect() as connection:
        assert connection.execute(f"select {literal}").fetchall() == [(text,)]


def test_a_source_has_its_place_and_its_description(project: Project) -> None:
    found = project.source(
        "raw = source('raw.orders', 'data/*.csv', description='One a row.', tags=['a'], owner='me')"
    )
    assert str(found.place) == "assets/only.py:2"
    assert (found.key, found.description, found.tags, found.owner) == (
        "raw.orders",
        "One a row.",
        ("a",),
        "me",
    )
    assert found.location == FileLocation(("data/*.csv",), "csv")


def test_an_absolute_path_inside_the_project_becomes_relative(project: Project) -> None:
    found = project.source(
        "import pathlib\nsource('a', pathlib.Path(__file__).parent.parent / 'data' / 'x.csv')"
    )
    assert found.location == FileLocation(("data/x.csv",), "csv")
    found = project.source("import pathlib\nsource('a', pathlib.Path(__file__).parent / 'x.db', table='t')")
    assert found.location == TableLocation("assets/x.db", "sqlite", "t")


def test_outside_of_a_load_a_wrong_source_raises_with_everything_that_is_wrong() -> None:
    with pytest.raises(DeclarationError) as caught:
        source("Bad", "x.csv", delimitr=";", heador=True, tags=3)  # type: ignore[arg-type]
    messages = [diagnosis.message for diagnosis in caught.value.diagnoses]
    assert messages[0].startswith("'Bad' is no key for a source: a key is")
    assert messages[1:] == [
        "source 'Bad': there is no option 'delimitr' for csv; did you mean 'delimiter'?",
        "source 'Bad': there is no option 'heador' for csv; did you mean 'header'?",
        "source 'Bad': tags: a list, such as [a, b], is expected, not 3",
    ]
    assert {str(diagnosis.place).split(":")[0] for diagnosis in caught.value.diagnoses} == {__file__}
