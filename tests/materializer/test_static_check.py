"""Recipes that read a column which their upstream does not have: told by a plan, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.materializer.model import Cause
from upriver.materializer.session import Session

MODULE = """
import polars as pl
from upriver.assets import asset, source

orders = source("raw.orders", "orders.csv")

@asset
def totals(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.group_by("id").agg(pl.sum("amount"))

@asset
def below(totals: pl.LazyFrame) -> pl.LazyFrame:
    return totals.select("id")
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    (tmp_path / "orders.csv").write_text("id,amount\n1,2\n")
    (tmp_path / "assets" / "m.py").write_text(MODULE)
    (tmp_path / "assets" / "q.sql").write_text("select amount from raw.orders")
    (tmp_path / "assets" / "z.sql").write_text("select amount from q")
    found = Session(tmp_path)
    yield found
    found.close()


def problems(session: Session) -> list[str]:
    return [str(problem).partition("\n")[0] for problem in session.plan().diagnoses]


LOST = [
    "assets/m.py:9:45: upstream raw.orders has no column 'amount'",
    "assets/q.sql:1:8: upstream raw.orders has no column 'amount'",
]


@pytest.mark.parametrize("built", [False, True])
def test_a_lost_column_is_an_error_of_every_recipe_that_reads_it(session: Session, built: bool) -> None:
    """SQL and lazy Polars alike, of a project that was built and of one that never was."""
    assert problems(session) == []
    if built:
        session.build()
    (session.root / "orders.csv").write_text("id,amounts\n1,2\n")
    assert sorted(problems(session)) == LOST


def test_what_reads_it_waits_for_what_cannot_run(session: Session) -> None:
    (session.root / "orders.csv").write_text("id,amounts\n1,2\n")
    for step in session.plan().steps:
        if step.asset in ("below", "z"):
            (reason,) = (reason for reason in step.reasons if reason.kind is Cause.UPSTREAM)
            assert reason.detail == "unbound"


def test_a_column_that_nobody_reads_may_go(session: Session) -> None:
    (session.root / "orders.csv").write_text("id,amount,extra\n1,2,3\n")
    session.build()
    (session.root / "orders.csv").write_text("id,amount\n1,2\n")
    assert problems(session) == []


def test_a_build_runs_what_it_can(session: Session) -> None:
    """A Python recipe fails by itself there; one that looks at data may even work."""
    (session.root / "orders.csv").write_text("id,amounts\n1,2\n")
    found = {result.asset: (result.action.value, result.error or "") for result in session.build().assets}
    assert {key: action for key, (action, _) in found.items()} == {
        "totals": "failed", "q": "failed", "below": "blocked", "z": "blocked"
    }  # fmt: skip
    assert "amount" in found["totals"][1]
