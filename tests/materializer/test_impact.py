"""What changed columns do downstream, on real projects: judged by what is read, not by who reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.materializer.session import Session

RECIPES = {
    "base.sql": "select 1 as id, 2.5::double as price, 'x' as note",
    "everything.sql": "select * from base",
    "named.sql": "select id, price * 2 as double_price from base",
    "frame.py": (
        "import polars as pl\nfrom upriver.assets import asset\n@asset\n"
        "def frame(base: pl.LazyFrame) -> pl.LazyFrame:\n"
        "    return base.select(pl.col('id') + 1, half=pl.col('price') / 2)\n"
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "upriver.toml").touch()
    (tmp_path / "assets").mkdir()
    for name, text in RECIPES.items():
        (tmp_path / "assets" / name).write_text(text)
    session = Session(tmp_path)
    session.build()
    session.close()
    return tmp_path


def impacts(root: Path, base: str) -> set[tuple[str, str | None, str]]:
    (root / "assets/base.sql").write_text(base)
    session = Session(root)
    found = {(one.asset, one.column, one.effect) for one in session.impact()}
    session.close()
    return found


def test_a_dropped_column_that_only_a_star_reads_changes_only_what_the_star_gives(root: Path) -> None:
    assert impacts(root, "select 1 as id, 2.5::double as price") == {("everything", "note", "changes")}


def test_a_dropped_column_breaks_what_names_it(root: Path) -> None:
    found = impacts(root, "select 1 as id, 'x' as note")
    assert {("named", None, "breaks"), ("frame", None, "breaks")} <= found
    assert ("everything", "price", "changes") in found


def test_a_retyped_column_changes_the_columns_that_come_from_it(root: Path) -> None:
    found = impacts(root, "select 1 as id, 2.5::float as price, 'x' as note")
    assert found == {
        ("everything", "price", "changes"),
        ("named", "double_price", "changes"),
        ("frame", "half", "changes"),
    }


def test_a_renamed_column_is_told_with_its_heir(root: Path) -> None:
    impacts(root, RECIPES["base.sql"])
    (root / "assets/base.sql").write_text("select 1 as id, 2.5::double as cost, 'x' as note")
    session = Session(root)
    details = {one.because.detail for one in session.impact() if one.asset == "named"}
    session.close()
    assert details == {"dropped (was DOUBLE); cost is in its place"}


def test_nothing_changed_means_nothing(root: Path) -> None:
    assert impacts(root, RECIPES["base.sql"]) == set()
