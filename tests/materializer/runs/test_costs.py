"""What assets have cost, from runs that really took place."""

from __future__ import annotations

from pathlib import Path

from upriver.materializer.runs.cost_answers import AssetCost
from upriver.materializer.session import Session
from upriver.materializer.session.remote.session_client import SessionClient

SLOW = """import time
import polars as pl
from upriver.assets import asset


@asset
def slow(base: pl.DataFrame) -> pl.DataFrame:
    time.sleep(0.2)
    return base
"""


def by_asset(session: Session, **options: int) -> dict[str, AssetCost]:
    return {one.asset: one for one in session.cost(**options).assets}  # type: ignore[arg-type]


def test_costs_are_added_up_over_the_last_runs(tmp_path: Path) -> None:
    """Built, failed, reused, turned out fresh; no more runs than asked for; nothing before the first."""
    (tmp_path / "upriver.toml").write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x,y\n1,1\n2,2\n")
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "base.sql").write_text("select x from 'data/a.csv'\n")
    (assets / "slow.py").write_text(SLOW)
    (assets / "bad.sql").write_text("select error('no') as z from base\n")
    session = Session(tmp_path)
    try:
        before = session.cost()
        assert (before.runs, before.since) == (0, None)
        assert before.assets[0].asset == "base"
        assert {one.asset for one in before.assets} == {"base", "slow", "bad"}
        session.build()
        first = by_asset(session)
        assert (first["slow"].built, first["slow"].reused, first["bad"].failed) == (1, 0, 1)
        assert 0.2 <= (first["slow"].seconds or 0.0) <= first["slow"].total
        assert (first["slow"].rows, first["base"].rows, first["bad"].rows) == (2, 2, None)
        assert (first["slow"].bytes or 0) > 0
        assert (first["slow"].peak_memory or 0) > 1_000_000
        (assets / "bad.sql").write_text("select 1 as z\n")

        # Its upstream is built again to the same content: slow was going to be built, and need not be.
        (assets / "base.sql").write_text("select x + 0 as x from 'data/a.csv'\n")
        session.build()
        second = by_asset(session)
        assert (second["base"].built, second["slow"].built, second["slow"].reused) == (2, 1, 1)
        assert second["slow"].saved == first["slow"].seconds

        # What was built before is there again: reused without being built.
        (assets / "base.sql").write_text("select x from 'data/a.csv'\n")
        session.build()
        third = session.cost()
        assert {one.asset: one.reused for one in third.assets}["base"] == 1
        assert third.runs == 3
        assert third.saved >= 0.2
        assert third.seconds == sum(one.total for one in third.assets)
        last = by_asset(session, runs=1)
        assert (last["slow"].built, last["slow"].total) == (0, 0.0)
        assert last["slow"].seconds == first["slow"].seconds
        assert [one.asset for one in session.cost(["slow"]).assets] == ["slow"]
        far = SessionClient.open(tmp_path)
        try:
            assert far.cost() == third
        finally:
            far.close()
    finally:
        session.close()
