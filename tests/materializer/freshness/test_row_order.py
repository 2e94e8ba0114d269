"""Order is passed on: a reader of the first row makes the order of everything above it matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.lineage.model import Footprint
from upriver.materializer.freshness.row_order import ordered_assets
from upriver.materializer.model import Action, Outcome, State
from upriver.materializer.session import Session

READS = {
    "source": (),
    "staging": ("source",),
    "middle": ("staging",),
    "first": ("middle",),
    "sum": ("staging",),
}


def test_what_is_read_in_order_makes_the_order_of_all_assets_above_count() -> None:
    """Not that of the source itself, which has nothing to keep in order."""
    assert ordered_assets(READS, [("middle", Footprint(("x",), None, ordered=True))]) == {"middle", "staging"}


def test_reading_no_order_or_only_the_number_of_rows_asks_for_none() -> None:
    """Neither a bag of values nor a count depends on order."""
    unordered = Footprint(("x",), None, ordered=False)
    counted = Footprint((), None, ordered=True)
    assert ordered_assets(READS, [("middle", unordered), ("staging", counted)]) == frozenset()


def make(root: Path, files: dict[str, str]) -> Session:
    """A project of *files*."""
    for name, text in {"upriver.toml": '[project]\nname = "order"\n', **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Session(root)


def test_a_shuffled_source_reaches_a_reader_of_the_first_row_through_an_asset_that_has_no_order(
    tmp_path: Path,
) -> None:
    """And rebuilds nothing any more once that reader is gone."""
    session = make(
        tmp_path,
        {
            "data/a.csv": "id,x\n1,10\n2,20\n3,30\n",
            "assets/middle.sql": "select id, x from 'data/a.csv'",
            "assets/first.sql": "select x from middle limit 1",
            "assets/total.sql": "select sum(x)::bigint as total from middle",
        },
    )
    session.build()
    (tmp_path / "data/a.csv").write_text("id,x\n3,30\n1,10\n2,20\n")
    outcomes = {one.asset: one.action for one in session.build().assets}
    assert outcomes == {"middle": Outcome.BUILT, "first": Outcome.BUILT, "total": Outcome.FRESH}
    assert session.preview("first").rows == ((30,),)
    session.close()


def test_a_shuffled_source_rebuilds_nothing_when_nobody_reads_order(tmp_path: Path) -> None:
    """Rule 2: reordered rows where order is not read."""
    session = make(
        tmp_path,
        {
            "data/a.csv": "id,x\n1,10\n2,20\n3,30\n",
            "assets/middle.sql": "select id, x from 'data/a.csv'",
            "assets/total.sql": "select sum(x)::bigint as total from middle",
        },
    )
    session.build()
    (tmp_path / "data/a.csv").write_text("id,x\n3,30\n1,10\n2,20\n")
    assert {one.action for one in session.build().assets} == {Outcome.FRESH}
    session.close()


def test_a_lazy_reader_that_took_no_order_leaves_what_it_reads_free_of_order(tmp_path: Path) -> None:
    """Before its first run it may read in order; what was built for it then must not stay sensitive to it."""
    session = make(
        tmp_path,
        {
            "data/a.csv": "id,x\n1,10\n2,20\n3,30\n",
            "assets/middle.sql": "select id, x from 'data/a.csv'",
            "assets/m.py": (
                "import polars as pl\nfrom upriver.assets import asset\n\n\n@asset\n"
                "def large(middle: pl.LazyFrame) -> pl.LazyFrame:\n    return middle.filter(pl.col('x') > 10)\n\n\n@asset\n"
                "def top(large: pl.LazyFrame) -> pl.LazyFrame:\n    return large.select(pl.col('x').max())\n"
            ),
        },
    )
    session.build()
    (tmp_path / "data/a.csv").write_text("id,x\n3,30\n1,10\n2,20\n")
    assert {one.asset: one.action for one in session.build().assets} == {
        "middle": Outcome.FRESH,
        "large": Outcome.FRESH,
        "top": Outcome.FRESH,
    }
    session.close()


LAZY = (
    "import polars as pl\nfrom upriver.assets import asset\n\n\n@asset\n"
    "def top(middle: pl.LazyFrame) -> pl.LazyFrame:\n    return middle.select({})\n"
)


READER = "@asset\ndef more(top: pl.LazyFrame) -> pl.LazyFrame:\n    return top\n"


@pytest.mark.parametrize(
    ("after", "built", "reader"),
    [
        ("pl.col('x').max() + 1", {"top"}, ""),
        ("pl.col('x').min()", {"top"}, READER),
        ("pl.col('x').first()", {"middle", "top"}, READER),
        ("pl.col('x')", {"top"}, ""),
    ],
)
def test_a_lazy_reader_with_other_code_leaves_what_it_reads_as_long_as_it_takes_no_order(
    tmp_path: Path, after: str, built: set[str], reader: str
) -> None:
    """The source was permuted after it was built: that matters only to who takes the order, which its plan tells."""
    session = make(
        tmp_path,
        {
            "data/a.csv": "id,x\n1,10\n2,20\n3,30\n",
            "assets/middle.sql": "select id, x from 'data/a.csv'",
            "assets/m.py": LAZY.format("pl.col('x').max()") + reader,
        },
    )
    session.build()
    (tmp_path / "data/a.csv").write_text("id,x\n3,30\n1,10\n2,20\n")
    assert {one.action for one in session.build().assets} == {Outcome.FRESH}
    (tmp_path / "assets/m.py").write_text(LAZY.format(after) + reader)
    planned = {one.asset for one in session.plan().steps if one.action is Action.BUILD}
    made = {one.asset for one in session.build().assets if one.action is Outcome.BUILT} - {"more"}
    assert made == built
    assert planned >= built
    scratch = make(
        tmp_path / "scratch",
        {name: (tmp_path / name).read_text() for name in ("data/a.csv", "assets/middle.sql", "assets/m.py")},
    )
    scratch.build()
    assert sorted(session.preview("top").rows) == sorted(scratch.preview("top").rows)
    assert {one.action for one in session.build().assets} == {Outcome.FRESH}
    scratch.close()
    session.close()


def test_order_that_is_still_read_is_compared_with_what_it_was_when_it_was_read(tmp_path: Path) -> None:
    """Also of a source: only the fingerprint in order tells, and it was taken at the time."""
    session = make(
        tmp_path,
        {
            "data/a.csv": "id,x,unread\n1,10,1\n2,20,1\n3,30,1\n",
            "assets/middle.sql": "select id, x from 'data/a.csv'",
            "assets/first.sql": "select x from middle limit 1",
        },
    )
    session.build()
    (tmp_path / "data/a.csv").write_text("id,x,unread\n1,10,2\n2,20,2\n3,30,2\n")
    assert {one.action for one in session.build().assets} == {Outcome.FRESH}
    session.close()


NUMBERED = "select id, row_number() over () as n from middle"


def test_what_is_built_again_from_an_earlier_build_asks_for_the_order_that_it_has_read(
    tmp_path: Path,
) -> None:
    """Since then the rows have changed places, when nobody took their order: what is there is in the old one."""
    session = make(
        tmp_path,
        {
            "data/a.csv": "id,x\n1,10\n2,20\n3,30\n",
            "assets/middle.sql": "select id, x from 'data/a.csv'",
            "assets/last.sql": NUMBERED,
        },
    )
    session.build()
    (tmp_path / "assets/last.sql").write_text("select id, 0 as n from middle")
    session.build()
    (tmp_path / "data/a.csv").write_text("id,x\n3,30\n1,10\n2,20\n")
    assert {one.action for one in session.build().assets} == {Outcome.FRESH}
    (tmp_path / "assets/last.sql").write_text(NUMBERED)
    session.build()
    assert session.preview("last").rows == ((3, 1), (1, 2), (2, 3))
    session.close()


def test_a_recipe_that_took_the_order_of_rows_and_does_not_any_more_asks_for_none(tmp_path: Path) -> None:
    """What its last build has read is no matter now."""
    session = make(
        tmp_path,
        {
            "data/a.csv": "id,x\n1,10\n2,20\n3,30\n",
            "assets/middle.sql": "select id, x from 'data/a.csv'",
            "assets/last.sql": NUMBERED,
        },
    )
    session.build()
    (tmp_path / "assets/last.sql").write_text("select id, 0 as n from middle")
    (tmp_path / "data/a.csv").write_text("id,x\n3,30\n1,10\n2,20\n")
    outcomes = {one.asset: one.action for one in session.build().assets}
    assert outcomes == {"middle": Outcome.FRESH, "last": Outcome.BUILT}
    session.close()


def test_what_a_build_makes_again_for_the_sake_of_order_is_never_called_fresh(tmp_path: Path) -> None:
    """The source was shuffled, which nobody minded until a reader was given another query; no plan has bound it yet."""
    session = make(
        tmp_path,
        {
            "data/a.csv": "id,x\n1,10\n2,20\n3,30\n",
            "assets/staging.sql": "select id, x from 'data/a.csv'",
            "assets/middle.sql": "select id, x from staging where id < 9",
            "assets/reader.sql": "select sum(x)::bigint as x from middle",
        },
    )
    session.build()
    (tmp_path / "data/a.csv").write_text("id,x\n3,30\n1,10\n2,20\n")
    assert {one.asset for one in session.status() if one.state is not State.FRESH} == set()
    (tmp_path / "assets/reader.sql").write_text("select x from middle limit 1")
    told = {one.asset for one in session.status() if one.state is State.FRESH}
    assert session.why("middle").state is not State.FRESH
    built = {one.asset for one in session.build().assets if one.action is Outcome.BUILT}
    assert told & built == set()
    assert built == {"staging", "middle", "reader"}
    session.close()
