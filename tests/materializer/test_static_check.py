"""Recipes that read a column which their upstream does not have: told by a plan, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from upriver.materializer.model import Action
from upriver.materializer.session import Session

MODULE = """
import polars as pl
from upriver.assets import asset, source

orders = source("raw.orders", "orders.parquet")

@asset
def totals(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.group_by("id").agg(pl.sum("amount"))

@asset
def below(totals: pl.LazyFrame) -> pl.LazyFrame:
    return totals.select("id")
"""


def orders(root: Path, columns: str) -> None:
    """A source that has types and columns of its own: a text source would be held to the shape that it had."""
    (root / "orders.parquet").unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy (select {columns}) to '{root / 'orders.parquet'}' (format parquet)")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    orders(tmp_path, "1 as id, 2 as amount")
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
    orders(session.root, "1 as id, 2 as amounts")
    assert sorted(problems(session)) == LOST


def test_what_reads_it_waits_for_what_cannot_run(session: Session) -> None:
    orders(session.root, "1 as id, 2 as amounts")
    actions = {step.asset: step.action for step in session.plan().steps}
    assert (actions["below"], actions["z"]) == (Action.BLOCKED, Action.BLOCKED)


def test_a_column_that_nobody_reads_may_go(session: Session) -> None:
    orders(session.root, "1 as id, 2 as amount, 3 as extra")
    session.build()
    orders(session.root, "1 as id, 2 as amount")
    assert problems(session) == []


def test_a_build_runs_what_it_can(session: Session) -> None:
    """A query that does not bind breaks itself, and so does a recipe that is found to read what is not there."""
    orders(session.root, "1 as id, 2 as amounts")
    found = {result.asset: (result.action.value, str(result.diagnoses)) for result in session.build().assets}
    assert {key: action for key, (action, _) in found.items()} == {
        "totals": "broken", "q": "broken", "below": "blocked", "z": "blocked"
    }  # fmt: skip
    assert "amount" in found["totals"][1]
