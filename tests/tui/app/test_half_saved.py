"""The screen at every half-saved file: the list is there, with what is broken marked and first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.tui.app.conftest import Desk as At

from upriver.materializer.model import State
from upriver.materializer.session import Session
from upriver.tui.app.widgets.problems import Problems

Desk = Callable[..., AbstractAsyncContextManager[At]]

MODULE = """from upriver.assets import asset, source
import polars as pl

orders = source("raw.orders", "data/orders.csv")


@asset("marts.total")
def total(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select(pl.col("amount").sum())
"""
QUERY = """/* upriver:
description: Orders by customer.
tags: [marts]
*/
select customer, sum(amount) as amount
from raw.orders
group by all
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Session]:
    files = {
        "upriver.toml": '[project]\nname = "half"\n',
        "data/orders.csv": "customer,amount\n1,10\n2,20\n",
        "assets/marts/totals.py": MODULE,
        "assets/marts/by_customer.sql": QUERY,
        "assets/marts/readers.sql": "select count(*) as n from marts.by_customer",
        "assets/plain.sql": "select 1 as x",
    }
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    session = Session(tmp_path, watched=True)
    session.build()
    session.clock = session.context.clock.now  # type: ignore[attr-defined]
    yield session
    session.close()


@pytest.mark.parametrize(
    ("path", "text", "broken"),
    [
        ("assets/marts/totals.py", MODULE[:30], {"marts.total", "raw.orders"}),
        ("assets/marts/totals.py", MODULE[: MODULE.index('"raw.orders"') + 4], {"marts.total", "raw.orders"}),
        ("assets/marts/totals.py", MODULE[: MODULE.index("pl.LazyFrame)")], {"marts.total", "raw.orders"}),
        ("assets/marts/by_customer.sql", QUERY[:20], {"marts.by_customer"}),
        ("assets/marts/by_customer.sql", QUERY[: QUERY.index("amount)")], {"marts.by_customer"}),
        ("assets/marts/by_customer.sql", "", {"marts.by_customer"}),
    ],
)
async def test_what_is_broken_is_first_in_a_list_of_everything(
    desk: Desk, project: Session, path: str, text: str, broken: set[str]
) -> None:
    """Glyph and word mark it, the detail says what is wrong, and it goes when the file is saved as a whole."""
    whole = (project.root / path).read_text()
    async with desk(project, size=(120, 40)) as at:
        await at.until(lambda: at.app.model.statuses, "reading the project")
        everything = set(at.app.model.order.keys)
        (project.root / path).write_text(text)
        await at.until(lambda: at.app.model.counts[State.BROKEN], "seeing the edit")
        keys = at.app.main.assets.keys
        assert set(keys) == everything
        assert set(keys[: len(broken)]) == broken
        assert at.app.model.statuses["plain"].state is State.FRESH
        (first, *_) = keys
        await at.go_to(first)
        await at.shows("⊠", "BROKEN", path.rpartition("/")[2])
        await at.press("m")
        assert "is broken" in at.said[-1]
        await at.press("w")
        await at.shows("what is wrong")
        await at.press("escape")
        assert at.app.main.query_one(Problems).count
        (project.root / path).write_text(whole)
        await at.until(lambda: not at.app.model.counts[State.BROKEN], "mending it")
        assert {one.state for one in at.app.model.statuses.values()} == {State.FRESH}


async def test_a_broken_asset_has_a_letter_of_its_own_without_glyphs(desk: Desk, project: Session) -> None:
    (project.root / "assets/plain.sql").write_text("selec")
    async with desk(project, ascii=True) as at:
        await at.shows("! BROKEN")
