"""Contracts: what a query would make is held against what its asset promises before a row is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.materializer.model import Outcome, State
from upriver.materializer.session import Session

HEADER = "/* upriver:\ncontract: {contract}\ncolumns:\n  id: {{type: {type}}}\n*/\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    return tmp_path


@pytest.fixture
def session(root: Path) -> Iterator[Session]:
    with contextlib.closing(Session(root)) as session:
        yield session


def write(root: Path, query: str, *, type: str = "BIGINT", contract: str = "open") -> None:
    (root / "assets" / "a.sql").write_text(HEADER.format(type=type, contract=contract) + query)


def told(session: Session) -> list[str]:
    result = session.build()
    assert result.broken
    return [str(one) for asset in result.assets for one in asset.diagnoses]


def test_a_column_of_another_type_breaks_the_asset_before_it_runs(session: Session, root: Path) -> None:
    """The query would fail if it ran; nothing of it does."""
    write(root, "select error('it ran')::integer as id")
    (text,) = told(session)
    assert text.startswith("assets/a.sql:4:3: a.id is INTEGER; its contract promises BIGINT")


@pytest.mark.parametrize("type", ["bigint", "INT8", "BIGINT", "long"])
def test_a_type_is_compared_by_its_meaning(session: Session, root: Path, type: str) -> None:
    write(root, "select 1::bigint as id", type=type)
    assert {one.action for one in session.build().assets} == {Outcome.BUILT}


def test_a_column_that_is_not_there_is_told_with_what_is_near(session: Session, root: Path) -> None:
    write(root, "select 1::bigint as ids")
    (text,) = told(session)
    assert "a has no column 'id', which its contract promises" in text
    assert "did you mean 'ids'?" in text


def test_a_closed_contract_allows_no_further_columns(session: Session, root: Path) -> None:
    """An open one does."""
    write(root, "select 1::bigint as id, 2 as more")
    assert {one.action for one in session.build().assets} == {Outcome.BUILT}
    write(root, "select 1::bigint as id, 2 as more", contract="closed")
    assert {one.state for one in session.status()} == {State.BROKEN}
    (text,) = told(session)
    assert "columns that its closed contract does not have: more" in text


def test_what_is_served_stays_served_and_others_go_on(session: Session, root: Path) -> None:
    write(root, "select 1::bigint as id")
    (root / "assets" / "b.sql").write_text("select * from a")
    (root / "assets" / "c.sql").write_text("select 1 as x")
    session.build()
    write(root, "select 'x' as id")
    (root / "assets" / "c.sql").write_text("select 2 as x")
    found = {one.asset: one.action for one in session.build().assets}
    assert found == {"a": Outcome.BROKEN, "b": Outcome.BLOCKED, "c": Outcome.BUILT}
    assert session.sql("select id from a").rows == ((1,),)


def test_a_check_of_a_column_that_is_not_there_breaks_the_asset(session: Session, root: Path) -> None:
    (root / "assets" / "a.sql").write_text("/* upriver:\nchecks:\n  - not_null: idd\n*/\nselect 1 as id")
    (text,) = told(session)
    assert text.startswith("assets/a.sql:3:5: the check not_null(idd) is about a column 'idd'")
    assert "did you mean 'id'?" in text


def test_a_python_asset_keeps_its_contract_too(session: Session, root: Path) -> None:
    """What no plan could tell is told when it has run, and not published."""
    (root / "assets" / "p.py").write_text(
        "import polars as pl\nfrom upriver.assets import asset\n\n"
        "@asset(columns={'id': {'type': 'BIGINT'}})\n"
        "def p() -> pl.DataFrame:\n    return pl.DataFrame({'id': ['x']})\n"
    )
    (text,) = told(session)
    assert "p.id is VARCHAR; its contract promises BIGINT" in text


def test_impact_says_whose_contract_a_change_breaks(session: Session, root: Path) -> None:
    """Of a change upstream, of one of the asset itself, and of a column that would be dropped."""
    write(root, "select id from b")
    header = (root / "assets" / "a.sql").read_text().replace("contract:", "owner: sales\ncontract:")
    (root / "assets" / "a.sql").write_text(header)
    (root / "assets" / "b.sql").write_text("select 1::bigint as id, 2 as more")
    session.build()
    (root / "assets" / "b.sql").write_text("select 1::integer as id, 2 as more")
    (broken,) = [one for one in session.impact() if one.effect == "breaks"]
    assert broken.asset == "a"
    assert broken.because.detail == (
        "its contract (owner sales) is broken: a.id is INTEGER; its contract promises BIGINT"
    )
    assert str(broken.place) == "assets/a.sql:5:3"
    (root / "assets" / "b.sql").write_text("select 1::bigint as id, 2 as more")
    (own,) = [one for one in session.dropping("a", "id") if one.asset == "a"]
    assert "its contract (owner sales) is broken: a promises the column id" in own.because.detail


def test_a_frozen_contract_holds_until_a_column_changes(session: Session, root: Path) -> None:
    """What is there is written down; nothing is built again for that."""
    (root / "assets" / "a.sql").write_text("select 1::bigint as id, 'x' as name")
    session.build()
    found = session.freezing("a", closed=True)
    assert found.diff == (
        "+/* upriver:",
        "+contract: closed",
        "+columns:",
        "+  id: {type: BIGINT}",
        "+  name: {type: VARCHAR}",
        "+*/",
    )
    session.freeze(found)
    assert [one.action for one in session.build().assets] == [Outcome.FRESH]
    assert not session.freezing("a", closed=True).diff
    (root / "assets" / "a.sql").write_text((root / "assets" / "a.sql").read_text() + ", 3 as more")
    (text,) = told(session)
    assert "columns that its closed contract does not have: more" in text
    (root / "assets" / "b.sql").write_text("select * from 'gone.csv'")
    with pytest.raises(UsageError, match="the columns of b are not known"):
        session.freezing("b")
