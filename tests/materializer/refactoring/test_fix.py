"""A misspelled name is put right where it is certain what is meant and where it stands, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.materializer.model import Outcome
from upriver.materializer.session import Session
from upriver.materializer.session.remote.session_client import SessionClient

FILES = {
    "upriver.toml": "",
    "data/orders.csv": "id,amount,plan_tier,plan_type,city\n1,10,pro,a,Ulm\n2,20,free,b,Bonn\n",
    "assets/staging/orders.sql": "select id, amount, plan_tier, plan_type, city from 'data/orders.csv'\n",
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    session = Session(tmp_path)
    yield session
    session.close()


def with_query(session: Session, text: str, name: str = "mart") -> Path:
    path = session.root / "assets" / f"{name}.sql"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("select amuont from staging.orders\n", "select amount from staging.orders\n"),
        (
            "-- größe\nselect 'ä', o.amuont + 1 as x -- amuont\nfrom staging.orders o\n",
            "-- größe\nselect 'ä', o.amount + 1 as x -- amuont\nfrom staging.orders o\n",
        ),
        ('select "amuont" from staging.orders\n', 'select "amount" from staging.orders\n'),
        ("/* upriver:\ntags: [x]\n*/\nselect id\nfrom staging.ordres\n", "/* upriver:\ntags: [x]\n*/\nselect id\nfrom staging.orders\n"),
        ("select id from stagign.orders where amount > 1\n", "select id from staging.orders where amount > 1\n"),
        ("\ufeffselect amuont from staging.orders\r\n", "\ufeffselect amount from staging.orders\r\n"),
    ],
)  # fmt: skip
def test_exactly_the_name_is_rewritten(session: Session, text: str, after: str) -> None:
    """A column, qualified or quoted or not, or a table; nothing is written before it is asked for."""
    path = with_query(session, text)
    path.write_bytes(text.encode())
    found = session.fix("mart")
    assert path.read_bytes() == text.encode()
    assert (found.remains, found.file.path) == ("", "assets/mart.sql")
    session.apply_fix(found)
    assert path.read_bytes() == after.encode()
    assert session.diagnoses() == ()
    assert {result.action for result in session.build(["mart"]).assets} <= {Outcome.BUILT, Outcome.FRESH}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("select plan_tye from staging.orders\n", "only you can tell what is meant"),  # _type or _tier
        ("select zzz from staging.orders\n", "only you can tell what is meant"),
        ("select id + city from staging.orders\n", "only you can tell what is meant"),  # types
        ("select id from staging.orders\n", "nothing is known to be wrong"),
        ("select amuont from (select\n", "only you can tell what is meant"),
    ],
)
def test_what_is_uncertain_is_refused_with_the_reason(session: Session, text: str, why: str) -> None:
    path = with_query(session, text)
    with pytest.raises(UsageError, match=why):
        session.fix("mart")
    assert path.read_text() == text


def test_what_would_still_be_wrong_is_told(session: Session) -> None:
    """One name at a time; the second is found when the first is right."""
    with_query(session, "select amuont, ctiy from staging.orders\n")
    found = session.fix("mart")
    assert "ctiy" in found.remains
    session.apply_fix(found)
    session.apply_fix(session.fix("mart"))
    assert (session.root / "assets/mart.sql").read_text() == "select amount, city from staging.orders\n"


def test_a_file_that_was_edited_since_is_left_alone(session: Session) -> None:
    """What was seen is what is written, or nothing is."""
    path = with_query(session, "select amuont from staging.orders\n")
    found = session.fix("mart")
    path.write_text("select amuont, 2 as two from staging.orders\n")
    with pytest.raises(UsageError, match="edited meanwhile"):
        session.apply_fix(found)
    assert "two" in path.read_text()
    assert [one.name for one in path.parent.iterdir() if one.is_file()] == ["mart.sql"]


def test_neither_links_nor_python_nor_what_waits_for_another_is_guessed_at(session: Session) -> None:
    with_query(session, "select amuont from staging.orders\n")
    with_query(session, "select x from mart\n", "below")
    (session.root / "assets/p.py").write_text(
        "import polars as pl\nfrom upriver.assets import asset\n\n@asset\n"
        "def py(mart: pl.LazyFrame) -> pl.LazyFrame:\n    return mart\n"
    )
    with pytest.raises(UsageError, match="before mart is right"):
        session.fix("below")
    with pytest.raises(UsageError, match="Python"):
        session.fix("py")
    elsewhere = session.root / "elsewhere.sql"
    path = session.root / "assets/mart.sql"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(UsageError, match="not a file of the project"):
        session.fix("mart")


def test_a_face_in_another_process_fixes_as_well(session: Session) -> None:
    """Fix and refusal cross the pipe as they are."""
    with_query(session, "select amuont from staging.orders\n")
    far = SessionClient.open(session.root)
    try:
        found = far.fix("mart")
        assert found == session.fix("mart")
        far.apply_fix(found)
        assert "amount" in (session.root / "assets/mart.sql").read_text()
        with pytest.raises(UsageError, match="nothing is known"):
            far.fix("mart")
    finally:
        far.close()
