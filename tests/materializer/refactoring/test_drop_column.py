"""What dropping a column would break, at which line, and which columns would go with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.materializer.refactoring.test_rename_asset import write

from upriver.assets.errors import UsageError
from upriver.materializer.session import Session
from upriver.materializer.session.remote.session_client import SessionClient

PROJECT = {
    "upriver.toml": "",
    "data/orders.csv": "id,amount\n1,10\n",
    "assets/sources.py": 'from upriver.assets import source\n\norders = source("raw.orders", "data/orders.csv")\n',
    "assets/staging/orders.sql": "select id, amount from raw.orders\n",
    "assets/marts/total.sql": "select\n  max(id) as id,\n  sum(o.amount) as total\nfrom staging.orders o\n",
    "assets/marts/below.sql": "select total from marts.total\n",
    "assets/marts/everything.sql": "select * from staging.orders\n",
    "assets/marts/through.sql": "select id from marts.everything where amount > 0\n",
    "assets/marts/ids.sql": "select id from staging.orders\n",
    "assets/marts/hashed.sql": "select id, md5(o::varchar) as h from staging.orders o\n",
    "assets/marts/code.py": (
        "import polars as pl\nimport pyarrow as pa\n\nfrom upriver.assets import asset\n\n\n"
        "@asset\n"
        "def lazy(staging_orders: pl.LazyFrame) -> pl.LazyFrame:\n"
        '    return staging_orders.filter(pl.col("amount") > 1).select("id")\n\n\n'
        "@asset\n"
        "def hidden(staging_orders: pa.Table) -> pa.Table:\n"
        "    return staging_orders\n"
    ),
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    write(tmp_path, PROJECT)
    session = Session(tmp_path)
    yield session
    session.close()


def test_what_needs_it_breaks_at_its_line_and_what_passes_it_on_loses_it(session: Session) -> None:
    """Not what never read it, nor what only waits for something broken."""
    found = session.dropping("staging.orders", "AMOUNT")
    told = {(one.asset, one.column): (one.effect, str(one.place)) for one in found}
    assert told == {
        ("marts.total", None): ("breaks", "assets/marts/total.sql:3:7"),
        ("marts.everything", "amount"): ("changes", "assets/marts/everything.sql:1"),
        ("marts.through", None): ("breaks", "assets/marts/through.sql:1:39"),
        ("marts.hashed", "h"): ("changes", "assets/marts/hashed.sql:1"),
        ("marts.lazy", None): ("breaks", "assets/marts/code.py:9:41"),
        ("marts.hidden", None): ("changes", "assets/marts/code.py:12"),
    }
    assert {one.because.detail for one in found if one.asset == "marts.total"} == {"dropped, and needed here"}
    assert session.dropping("marts.total", "id") == ()


def test_a_source_s_column_can_be_supposed_to_be_gone_too(session: Session) -> None:
    assert [one.asset for one in session.dropping("raw.orders", "amount")] == ["staging.orders"]


def test_an_unknown_column_is_told_with_the_nearest(session: Session) -> None:
    with pytest.raises(UsageError, match="did you mean 'amount'"):
        session.dropping("staging.orders", "amout")


def test_another_process_tells_the_same(session: Session) -> None:
    distant = SessionClient.open(session.root)
    try:
        assert distant.dropping("marts.everything", "amount") == session.dropping(
            "marts.everything", "amount"
        )
    finally:
        distant.close()
