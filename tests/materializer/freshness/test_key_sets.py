"""Key sets: rows that find no partner in a small semi-join are not read; whatever may bear on the result is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.materializer.test_broken_declarations import write

from upriver.materializer.model import Outcome
from upriver.materializer.session import Session

FILES = {
    "upriver.toml": "",
    "data/sales.csv": "id,shop,amount\n1,a,1.5\n2,b,2\n3,a,3\n4,,4\n",
    "data/open.csv": "shop,since\na,2020\nc,2021\n",
    "assets/s.py": "from upriver.assets import source\nsource('sales', 'data/sales.csv')\nsource('open', 'data/open.csv')\n",
    "assets/total.sql": "select sum(amount) as total from sales where shop in (select shop from open)",
    "assets/listed.sql": "select id from sales where exists (from open where open.shop = sales.shop)",
    "assets/closed.sql": "select id from sales where shop not in (select shop from open where since > 0)",
    "assets/all_ids.sql": "select id, shop, amount from sales",
    "assets/kept.sql": "select id, amount from all_ids semi join open using (shop)",
}  # fmt: skip


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A project that is built."""
    write(tmp_path, FILES)
    opened = Session(tmp_path)
    assert opened.build().status == "success"
    yield opened
    opened.close()


def built(session: Session, files: dict[str, str]) -> set[str]:
    """What a build makes after *files* were written, and the same as if it were made from scratch."""
    write(session.root, files)
    made = {one.asset for one in session.build().assets if one.action is Outcome.BUILT}
    tables = {key: session.preview(key).rows for key in ("total", "listed", "closed", "kept")}
    session.build(force=True)
    assert {key: session.preview(key).rows for key in tables} == tables
    return made


def test_rows_of_other_keys_rebuild_nothing_that_leaves_them_out(session: Session) -> None:
    files = {"data/sales.csv": FILES["data/sales.csv"] + "5,b,7\n6,z,8\n"}
    assert built(session, files) == {"closed", "all_ids"}


def test_rows_of_these_keys_do(session: Session) -> None:
    assert built(session, {"data/sales.csv": FILES["data/sales.csv"] + "5,c,7\n"}) >= {
        "total",
        "listed",
        "kept",
    }


def test_a_row_that_gets_such_a_key_or_loses_it_does(session: Session) -> None:
    for old, new in (("2,b,2", "2,a,2"), ("3,a,3", "3,b,3"), ("4,,4", "4,c,4")):
        files = {"data/sales.csv": FILES["data/sales.csv"].replace(old, new)}
        assert built(session, files) >= {"total", "listed", "kept"}
        built(session, FILES)


def test_other_keys_do(session: Session) -> None:
    """Though rows of that key were there before, and were not read; and though both change at once."""
    assert built(session, {"data/open.csv": "shop,since\na,2020\nb,2021\n"}) >= {"total", "listed", "kept"}
    files = {
        "data/open.csv": "shop,since\na,2020\nb,2021\nz,2022\n",
        "data/sales.csv": FILES["data/sales.csv"] + "5,z,7\n",
    }
    assert built(session, files) >= {"total", "listed", "kept"}


def test_no_key_at_all_is_a_key_set_too(session: Session) -> None:
    assert built(session, {"data/open.csv": "shop,since\n,2020\n"}) >= {"total", "listed", "kept"}
    files = {"data/sales.csv": FILES["data/sales.csv"] + "5,a,7\n"}
    assert built(session, files) == {"closed", "all_ids"}


def test_where_the_order_of_rows_counts_all_rows_are_read(session: Session) -> None:
    """An asset downstream numbers them: what order a join leaves rows in may depend on those that it drops."""
    placed = {"assets/placed.sql": "select row_number() over () as n, id from listed"}
    assert built(session, placed) == {"placed"}
    for row in ("5,b,7\n", "6,z,8\n"):  # what was read before that was asked for, and after
        files = {"data/sales.csv": (session.root / "data/sales.csv").read_text() + row}
        assert built(session, files) == {"closed", "all_ids", "listed"}
