"""Lineage through recipes that can't be followed, before and after they were run."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.materializer.answers import LineageView
from upriver.materializer.session import Session

MODULE = """
import polars as pl
from upriver.assets import asset, source

a = source("a", "data/a.csv")
b = source("b", "data/b.csv")


@asset
def eager(a: pl.DataFrame, b: pl.LazyFrame) -> pl.DataFrame:
    return a.join(b.collect(), on="k").select("k", total="x")
"""


@pytest.fixture
def session(tmp_path: Path) -> Session:
    for path, text in {
        "upriver.toml": "",
        "data/a.csv": "k,x\n1,2\n",
        "data/b.csv": "k,y\n1,3\n",
        "assets/eager.py": MODULE,
        "assets/below.sql": "select total + 1 as more from eager",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return Session(tmp_path)


def ends(view: LineageView) -> set[tuple[str, str]]:
    return {
        (f"{e.source.asset}.{e.source.column or '#'}", f"{e.target.asset}.{e.target.column or '#'}")
        for e in view.edges
    }


def test_nothing_is_told_of_columns_that_only_a_run_will_show_but_why(session: Session) -> None:
    for key in ("eager", "below", "a"):
        view = session.lineage(key, columns=True)
        assert ends(view) == set()
        assert all(group.sources and group.targets for group in view.groups)
    assert [note.asset for note in session.lineage("eager", columns=True).opaque] == ["eager", "below"]
    assert [note.asset for note in session.lineage("a", "x", upstream=False).opaque] == ["eager"]
    assert [note.asset for note in session.lineage("eager", columns=True, downstream=False).opaque] == [
        "eager"
    ]


def test_every_column_is_told_to_reach_every_column_of_a_recipe_that_was_run(session: Session) -> None:
    session.build()
    view = session.lineage("below", "more", downstream=False)
    sources = {"a.k", "a.x", "a.#", "b.k", "b.y", "b.#"}
    assert ends(view) == {("eager.total", "below.more"), *((one, "eager.total") for one in sources)}
    assert {group.how for group in view.groups} == {"expression", "opaque"}
    down = session.lineage("a", "x", upstream=False)
    assert ends(down) == {
        *(("a.x", f"eager.{one}") for one in ("k", "total", "#")),
        ("eager.total", "below.more"),
        ("eager.#", "below.#"),
    }


def test_depth_counts_hops(session: Session) -> None:
    session.build()
    assert ends(session.lineage("below", "more", depth=1)) == {("eager.total", "below.more")}
    assert ends(session.lineage("a", "x", depth=1)) == {
        ("a.x", f"eager.{one}") for one in ("k", "total", "#")
    }


def test_what_was_looked_up_is_not_told_of_another_project(session: Session) -> None:
    """A session keeps what it found for the next question; an edit, other columns, a build and a deleted source tell
    it off."""
    root = session.root

    def edit() -> None:
        (root / "assets" / "below.sql").write_text("select k + total as more, k from eager")

    def other_columns() -> None:
        (root / "data" / "a.csv").write_text("k,x,z\n1,2,3\n")

    def rename_asset() -> None:
        (root / "assets" / "below.sql").rename(root / "assets" / "beneath.sql")

    for change in (session.build, edit, session.build, other_columns, session.build, rename_asset):
        before = session.lineage("a", columns=True)
        assert session.lineage("a", columns=True) == before
        change()
        afterwards = session.lineage("a", columns=True)
        fresh = Session(root)
        assert afterwards == fresh.lineage("a", columns=True)
        assert afterwards != before or change == session.build
        fresh.close()
