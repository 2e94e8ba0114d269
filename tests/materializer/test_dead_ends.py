"""What can't be read or stored is told in a sentence, at its place, with what to do here: no message is a dead end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.materializer.model import Outcome
from upriver.materializer.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """An empty project with some data."""
    (tmp_path / "upriver.toml").touch()
    (tmp_path / "assets").mkdir()
    (tmp_path / "data" / "x.parquet").mkdir(parents=True)
    (tmp_path / "data" / "[x] daily.csv").write_text("a,b\n1,2\n")
    opened = Session(tmp_path)
    yield opened
    opened.close()


QUERIES = {
    "from 'data/a.xlsx'": ("a spreadsheet, which a query can't read", "save it as CSV"),
    "from read_csv('data/a.xlsx')": ("a spreadsheet", "save it as CSV"),
    "from 'data/a.csv.zip'": ("an archive, which a query can't read", "unpack it"),
    "from 'data/a.txt'": ("its ending tells of no format", "needs its reader: read_csv('data/a.txt')"),
    "from postgres_scan('host=x', 'public', 't')": ("postgres_scan()", "network=True"),
    "from sqlite_scan('data/a.db', 't')": ("sqlite_scan()", "source("),
    "from iceberg_scan('data/t')": ("iceberg_scan()", "Parquet files"),
}


@pytest.mark.parametrize("query", QUERIES)
def test_what_a_query_can_not_read_has_a_place_and_a_way_in(session: Session, query: str) -> None:
    """The place is that of the read, not that of the file."""
    (session.root / "assets" / "a.sql").write_text(f"select 1 as n,\n  * {query}")
    message, hint = QUERIES[query]
    (found,) = session.diagnoses()
    assert message in found.message
    assert hint in (found.hint or "")
    assert str(found.place) == "assets/a.sql:2:10"


def test_what_follows_a_star_is_told_its_order(session: Session) -> None:
    """The nearest keyword would be no help."""
    (session.root / "assets" / "a.sql").write_text("select * replace (1 as a) exclude (b) from t")
    (found,) = session.diagnoses()
    assert found.hint == "after * they stand in this order: exclude, replace, rename"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("data/x.parquet", "data/x.parquet is a folder: its files are data/x.parquet/*.parquet"),
        ("data/[x] daily.csv", "the file of this name is 'data/[[]x] daily.csv'"),
        ("data/[x] dayly.csv", ""),
        ("data/x.parqet", "did you mean 'x.parquet'?"),
    ],
)
def test_a_source_without_files_says_where_it_was_declared_and_why(
    session: Session, pattern: str, why: str
) -> None:
    """A folder, brackets, a misspelled name."""
    (session.root / "assets" / "a.py").write_text(
        f"from upriver.assets import source\n\ns = source('raw.s', {pattern!r}, format='csv')\n"
    )
    (session.root / "assets" / "b.sql").write_text("from raw.s")
    (result,) = session.build().assets
    assert result.action is Outcome.FAILED
    assert (result.error or "").startswith(
        f"source raw.s (declared at assets/a.py:3): no file matches {pattern}"
    )
    assert why in (result.error or "")


RETURNED = {
    "pl.DataFrame()": "a table without columns",
    "pl.LazyFrame()": "a table without columns",
    "pl.DataFrame().to_arrow()": "a table without columns",
    'pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)})': "column 'a' holds Python objects",
}


@pytest.mark.parametrize("returned", RETURNED)
def test_a_frame_that_no_table_can_hold_is_refused_by_name(session: Session, returned: str) -> None:
    """The writers' own messages are cut off, or name no column."""
    (session.root / "assets" / "a.py").write_text(
        f"import polars as pl\nfrom upriver.assets import asset\n\n\n@asset\ndef made():\n    return {returned}\n"
    )
    (result,) = session.build().assets
    assert result.action is Outcome.FAILED
    assert RETURNED[returned] in (result.error or "")


def test_a_recipe_is_built_beside_a_broken_declaration_of_its_module(session: Session) -> None:
    """A misspelled option of a source breaks the source, not the assets beside it."""
    (session.root / "assets" / "a.py").write_text(
        "import polars as pl\nfrom upriver.assets import asset, source\n\n"
        "s = source('raw.s', 'data/s.csv', delimeter=';')\n\n\n"
        "@asset\ndef made() -> pl.DataFrame:\n    return pl.DataFrame({'n': [1]})\n"
    )
    result = session.build(["made"])
    assert {one.asset: one.action for one in result.assets} == {"made": Outcome.BUILT}
    assert [one.key for one in session.diagnoses()] == ["raw.s"]
