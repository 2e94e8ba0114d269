"""Builds that end at the same time publish the warehouse one after another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from upriver.materializer.answers import NotShownError
from upriver.materializer.inspection import warehouse
from upriver.materializer.session import Session
from upriver.materializer.storage.locks import FileLock


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text('[project]\nname = "p"\n')
    (tmp_path / "assets" / "a.sql").write_text("select 1 as x\n")
    (tmp_path / ".upriver").mkdir()
    with closing(Session(tmp_path)) as session:
        yield session


def test_a_build_publishes_after_the_one_that_publishes_now(session: Session) -> None:
    other = FileLock(session.context.folder / "warehouse.lock")
    assert other.try_exclusive()
    threading.Timer(0.5, other.close).start()
    session.build()
    with duckdb.connect(str(session.context.folder / warehouse.WAREHOUSE), read_only=True) as client:
        assert client.execute("select x from a").fetchall() == [(1,)]


def test_a_publisher_that_does_not_end_is_told_and_the_build_is_recorded(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse, "_PATIENCE", 0.1)
    other = FileLock(session.context.folder / "warehouse.lock")
    assert other.try_exclusive()
    with pytest.raises(NotShownError, match=r"another one has written warehouse\.duckdb"):
        session.build()
    other.close()
    assert [one.asset for one in session.history()] == ["a"]
    session.build()  # it finds nothing to do, and writes the views
    assert (session.context.folder / warehouse.WAREHOUSE).exists()
