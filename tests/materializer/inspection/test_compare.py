"""What an asset held before, and the rows that came and went since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakes.ports import MemoryStore

from upriver.assets.errors import UsageError
from upriver.assets.identity import Node
from upriver.assets.model import Column
from upriver.materializer.inspection.compare import BEFORE, comparison, differences, earlier
from upriver.materializer.model import Materialization, Trace, Version
from upriver.materializer.session import Session
from upriver.materializer.storage.locator import Locator

Write = Callable[[str], None]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A project with one source, a table of it, and a file."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text('[project]\nname = "small"\n')
    (tmp_path / "numbers.csv").write_text("id,n\n1,10\n2,20\n2,20\n")
    (tmp_path / "assets" / "parts.py").write_text(
        "from upriver.assets import asset, source\n\n"
        'numbers = source("raw.numbers", "numbers.csv")\n\n\n'
        '@asset(key="letter")\ndef letter() -> bytes:\n    return b"x"\n'
    )
    session = Session(tmp_path)
    yield session
    session.close()


@pytest.fixture
def table(session: Session) -> Write:
    """Writes the recipe of ``t`` and builds."""

    def write(query: str) -> None:
        (session.root / "assets" / "t.sql").write_text(query)
        result = session.build(["t"])
        assert result.status == "success", result

    return write


def test_rows_that_came_and_went_are_counted_and_listed_as_bags(session: Session, table: Write) -> None:
    """One of two equal rows that is gone is a difference; what is changed is a row of each sign."""
    table("select id, n from raw.numbers")
    table("select distinct id, n + (id = 1)::int as n from raw.numbers")
    found = session.compare("t")
    assert (found.before_rows, found.rows, found.added, found.removed) == (3, 2, 1, 2)
    differing = session.preview("t", against=found.before)
    assert differing.columns == ("±", "id", "n")
    assert differing.rows == (("-", 1, 10), ("+", 1, 11), ("-", 2, 20))
    assert differing.total == 3
    assert session.preview("t", against=found.before, where="\"±\" = '+'").rows == (("+", 1, 11),)
    assert session.preview("t", against=found.before, order_by=[("n", True)], limit=1).rows == (("-", 2, 20),)


def test_rows_and_numbers_of_then_can_be_seen(session: Session, table: Write) -> None:
    """By id, by run, by version, or as what was before."""
    table("select id, n from raw.numbers")
    first = session.history("t")[0]
    table("select 1 as only")
    for which in ("before", first.id, first.run, first.version[:12]):
        assert sorted(session.preview("t", at=which).rows) == [(1, 10), (2, 20), (2, 20)]
        assert session.profile("t", at=which).columns[1].high == "20"
    assert session.preview("t").rows == ((1,),)


def test_columns_that_differ_are_named_and_only_common_ones_compared(session: Session, table: Write) -> None:
    """A column of another type is compared as text."""
    table("select id, n, 1 as gone from raw.numbers")
    table("select id, n::varchar as n, 2 as fresh from raw.numbers")
    found = session.compare("t")
    assert (found.new_columns, found.lost_columns) == (("fresh",), ("gone",))
    assert found.retyped_columns == (("n", "BIGINT", "VARCHAR"),)
    assert (found.added, found.removed) == (0, 0)
    table("select 1 as other")
    with pytest.raises(UsageError, match="no column"):
        session.compare("t", found.before)


def test_before_is_what_was_there_last_that_was_something_else(session: Session, table: Write) -> None:
    """Built again to the same content, or switched back and forth: it is still the other content."""
    table("select 1 as a")
    table("select 2 as a")
    session.build(["t"], force=True)
    assert session.preview("t", at="before").rows == ((1,),)
    table("select 1 as a")
    assert session.preview("t", at="before").rows == ((2,),)


def test_what_can_not_be_compared_says_why(session: Session, table: Write) -> None:
    """A source, a file, a first content, an unknown name, what gc has dropped."""
    table("select 1 as a")
    session.build(["letter"])
    for key, which, why in (
        ("raw.numbers", "before", "is a source"),
        ("letter", "before", "is a file"),
        ("t", "before", "has held nothing else before"),
        ("t", "20130401", "has no materialization '20130401'"),
    ):
        with pytest.raises(UsageError, match=why):
            session.compare(key, which)
    first = session.history("t")[0]
    table("select 2 as a")
    gone = session.context.state.history("t", -1)[1].version.artifacts[0]
    Path(session.context.store.locate(gone)).unlink()
    with pytest.raises(UsageError, match="is not kept any more"):
        session.compare("t", first.id)
    with pytest.raises(UsageError, match="has held nothing else before, or it is not kept"):
        session.compare("t")


def test_names_are_data(session: Session, table: Write) -> None:
    """Column names with quotes, and one that is called like the sign."""
    table('select 1 as "a""; drop", 5 as "±"')
    table('select 2 as "a""; drop", 5 as "±"')
    with pytest.raises(UsageError, match="±"):
        session.compare("t")
    table('select 1 as "a""; drop"')
    table('select 2 as "a""; drop"')
    assert session.compare("t").added == 1


def _anew(text: str) -> str:
    """An equal string that is another object, as all that is typed or read from a file is."""
    return "".join(list(text))


def _record(id: str, version: str, file: str = ".", type: str = "INTEGER") -> Materialization:
    made = Version(version, (Column("x", type),), 1, 1, in_place=(file,))
    return Materialization(id, "t", None, f"run-{id}", Trace("r", "b", (), ()), made, 0.0, 1.0)


def _context(root: Path, *history: Materialization) -> Any:
    """A context in which ``t`` was made so, the newest first."""
    return SimpleNamespace(
        root=root,
        environment="dev",
        locator=Locator(root, MemoryStore()),
        project=lambda refresh: SimpleNamespace(sources={}),
        state=SimpleNamespace(
            current=lambda environment, nodes: {Node("t"): history[0]}, history=lambda key, limit: history
        ),
    )


def test_before_is_the_newest_other_content_that_is_still_there(tmp_path: Path) -> None:
    made = (
        _record("m4", "v4"),
        _record("m3", _anew("v4")),
        _record("m2", "v2", "gone.parquet"),
        _record("m1", "v1"),
    )
    context = _context(tmp_path, *made)
    assert earlier(context, "t", _anew(BEFORE)).id == "m1"
    assert earlier(context, "t", _anew("m1")).id == "m1"
    for which in ("m2", "run-m2", "v2"):
        with pytest.raises(UsageError, match="is not kept any more"):
            earlier(context, "t", which)
    with pytest.raises(UsageError, match="has held nothing else before"):
        earlier(_context(tmp_path, made[0]), "t", _anew(BEFORE))


@pytest.mark.parametrize("which", ["aaa", "zzz"])
def test_a_name_that_nothing_has_is_no_name_of_what_was_before(which: str, tmp_path: Path) -> None:
    context = _context(tmp_path, _record("m2", "v2"), _record("m1", "v1"))
    with pytest.raises(UsageError, match=f"no materialization '{which}'"):
        earlier(context, "t", which)


@pytest.mark.parametrize("other", ["AARDVARK", "ZEBRA"])
def test_a_column_of_another_type_is_compared_as_text_whichever_sorts_first(other: str) -> None:
    mine, same, differs = ((Column("x", type),) for type in ("MONEY", _anew("MONEY"), other))
    assert "varchar" in differences(("a", mine), ("b", differs))
    assert "varchar" not in differences(("a", mine), ("b", same))
    records = [_record("m", "v", type=type) for type in ("MONEY", _anew("MONEY"), other)]
    assert comparison("t", records[0], records[1], {}).retyped_columns == ()
    assert comparison("t", records[0], records[2], {}).retyped_columns == (("x", "MONEY", other),)
