"""The scenario of docs/quality.md, step by step, on the command line's operations."""

from __future__ import annotations

import contextlib
from pathlib import Path

from upriver.materializer.model import Outcome, RunStatus
from upriver.materializer.session import Session

PAGE = Path(__file__).parents[3] / "docs" / "quality.md"


def test_duplicate_keys_are_stopped_while_yesterday_s_table_is_served(tmp_path: Path) -> None:
    """Stopped, looked at, mended, published."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    (tmp_path / "assets" / "orders.sql").write_text(
        "/* upriver:\ncolumns:\n  id: {unique: true, not_null: true}\n*/\nselect * from 'orders.csv'"
    )
    (tmp_path / "assets" / "revenue.sql").write_text("select sum(amount)::integer as total from orders")
    delivery = tmp_path / "orders.csv"
    delivery.write_text("id,amount\n1,10\n2,20\n")
    with contextlib.closing(Session(tmp_path)) as session:
        assert session.build().status is RunStatus.SUCCESS

        delivery.write_text("id,amount\n1,10\n2,20\n2,20\n")
        stopped = {one.asset: one for one in session.build().assets}
        assert stopped["orders"].error == "a check failed: unique(id): 1 of 3 rows offends"
        assert str(stopped["orders"].error) in PAGE.read_text()
        assert stopped["revenue"].action is Outcome.BLOCKED
        assert session.sql("select total from revenue").rows == ((30,),)
        assert len(session.sql("from orders").rows) == 2
        assert session.offenders("orders", "unique(id)").rows == ((2, 20), (2, 20))

        delivery.write_text("id,amount\n1,10\n2,20\n3,20\n")
        assert session.build().status is RunStatus.SUCCESS
        assert session.sql("select total from revenue").rows == ((50,),)
