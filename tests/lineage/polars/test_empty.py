"""Recipes run on empty frames: what is learned without data, and what is refused."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
import pytest
from polars import col as c
from tests.lineage.polars.conftest import Runner
from tests.lineage.polars.recipes import RECIPES, carriers, flights

from upriver.assets.model import Column, Frame, Schema
from upriver.lineage.model import Analysis, EdgeKind, UnknownColumn
from upriver.lineage.polars.empty import plan_on_empty

Recipe: TypeAlias = Callable[[pl.LazyFrame], pl.LazyFrame]
ORDERS: Schema = (Column("id", "BIGINT"), Column("amount", "DECIMAL(18,2)"), Column("day", "DATE"))


def plan(function: Callable[..., Any], schema: Schema = ORDERS, frame: Frame = Frame.LAZY) -> Analysis:
    found = plan_on_empty(function, {"orders": ("raw.orders", frame, schema)})
    assert isinstance(found, Analysis)
    return found


def test_columns_and_edges_are_known_without_data() -> None:
    analysis = plan(lambda orders: orders.filter(c.day.is_not_null()).group_by("day").agg(c.amount.sum()))
    assert analysis.schema == (Column("day", "DATE"), Column("amount", "DECIMAL(38,2)"))
    assert {(e.upstream_column, e.column, e.kind, e.how) for e in analysis.edges} == {
        ("amount", "amount", EdgeKind.VALUE, "aggregate"),
        ("day", "amount", EdgeKind.INFLUENCE, "filter"),
        ("day", "amount", EdgeKind.INFLUENCE, "group"),
        ("day", "day", EdgeKind.VALUE, "copy"),
        ("day", "day", EdgeKind.INFLUENCE, "filter"),
        ("day", "day", EdgeKind.INFLUENCE, "group"),
        (None, None, EdgeKind.INFLUENCE, "rows"),
        ("day", None, EdgeKind.INFLUENCE, "filter"),
        ("day", None, EdgeKind.INFLUENCE, "group"),
    }
    assert analysis.opaque == ()


@pytest.mark.parametrize("name", [n for n in RECIPES if n not in ("map_batches", "filter_on_another_frame")])
def test_a_plan_on_empty_frames_is_the_plan_on_full_ones(name: str, runner: Runner) -> None:
    from upriver.lineage.polars.dtypes import schema_of

    inputs = {
        "f": ("flights", Frame.LAZY, schema_of(flights().schema)),
        "k": ("carriers", Frame.ANY, schema_of(carriers().schema)),
    }
    recipe = RECIPES[name]
    full = runner.run(recipe, flights(), carriers()).analysis
    assert plan_on_empty(lambda f, k: recipe(f, k), inputs) == full


def test_a_column_that_nothing_reads_does_not_change_the_binding() -> None:
    def recipe(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders.filter(c.amount > 1).select("id").sort("id")

    more = (Column("new", "VARCHAR"), *ORDERS)
    assert plan(recipe).binding == plan(recipe, more).binding != ""


@pytest.mark.parametrize(
    "recipe",
    [
        lambda orders: orders.filter(c.amount > 1).select("id", "amount"),
        lambda orders: orders.select("id", "amount").with_row_index("n").select("n", "id", x=c.amount + 1),
        lambda orders: orders.group_by("id").agg(c.amount.sum()).join(orders, on="id").select("amount", "id"),
        lambda orders: orders.unique(subset=["id"], keep="first").select("id", "amount"),
    ],
)
def test_columns_that_change_places_leave_a_binding_that_names_them(recipe: Recipe) -> None:
    assert plan(recipe).binding == plan(recipe, ORDERS[::-1]).binding != ""


@pytest.mark.parametrize(
    "recipe",
    [
        lambda orders: orders,
        lambda orders: orders.with_columns(x=1),
        lambda orders: orders.select(pl.struct(pl.all())),
        lambda orders: orders.select(pl.concat_str(pl.all())),
        lambda orders: orders.sort(pl.all()).select("id"),
        lambda orders: orders.cast(pl.String).unpivot(index="id"),
        lambda orders: orders.select(pl.nth(0).alias("id")),
    ],
)
def test_columns_that_change_places_change_a_binding_that_takes_them_as_they_come(recipe: Recipe) -> None:
    assert plan(recipe).binding != plan(recipe, ORDERS[::-1]).binding


def test_the_type_of_a_column_that_is_read_changes_the_binding() -> None:
    other = (Column("id", "INTEGER"), *ORDERS[1:])
    recipe = lambda orders: orders.select(c.id + 1)  # noqa: E731
    assert plan(recipe).binding != plan(recipe, other).binding


def test_a_new_column_changes_the_binding_of_a_recipe_that_takes_all() -> None:
    recipe = lambda orders: orders.with_columns(x=1)  # noqa: E731
    assert plan(recipe).binding != plan(recipe, (*ORDERS, Column("new", "VARCHAR"))).binding


@pytest.mark.parametrize("name", RECIPES)
def test_a_binding_is_the_same_each_time(name: str, runner: Runner) -> None:
    recipe = RECIPES[name]
    one = runner.run(recipe, flights(), carriers()).analysis.binding
    assert one == runner.run(recipe, flights(seed=8), carriers()).analysis.binding


def test_two_recipes_that_differ_in_a_literal_have_different_bindings() -> None:
    one = plan(lambda orders: orders.filter(c.id.is_in([*range(1000), 1])))
    other = plan(lambda orders: orders.filter(c.id.is_in([*range(1000), 2])))
    assert one.binding != other.binding


def test_a_frame_in_the_plan_counts_by_its_content() -> None:
    def joined(value: str) -> Analysis:
        return plan(lambda orders: orders.join(pl.LazyFrame({"id": [1], "v": [value]}), on="id"))

    assert joined("a").binding == joined("a").binding != joined("b").binding


def side_effect_cases(tmp_path: Path) -> dict[str, Callable[[], object]]:
    return {
        "opens": lambda: (tmp_path / "x").write_text("x"),
        "DataFrame.write_parquet": lambda: pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "x"),
        "LazyFrame.sink_csv": lambda: pl.LazyFrame({"a": [1]}).sink_csv(tmp_path / "x"),
        "subprocess": lambda: subprocess.run(["touch", str(tmp_path / "x")]),
        "socket": lambda: socket.create_connection(("127.0.0.1", 9), timeout=0.01),
        "os.remove": lambda: (tmp_path / "kept").unlink(),
        "os.mkdir": lambda: (tmp_path / "x").mkdir(),
    }


@pytest.mark.parametrize("what", side_effect_cases(Path()))
@pytest.mark.parametrize("swallowed", [False, True], ids=["raised", "swallowed"])
def test_nothing_outside_is_touched_while_planning(what: str, swallowed: bool, tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    act = side_effect_cases(tmp_path)[what]

    def recipe(orders: pl.LazyFrame) -> pl.LazyFrame:
        try:
            act()
        except BaseException:
            if not swallowed:
                raise
        return orders

    analysis = plan(recipe)
    assert what in analysis.opaque[0].cause
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept"]
    # Afterwards all of it works again.
    (tmp_path / "after").write_text("x")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "after")


def test_a_module_may_be_imported_while_planning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_module_of_test.py").write_text("NAME = 'id'\n")
    monkeypatch.syspath_prepend(tmp_path)

    def recipe(orders: pl.LazyFrame) -> pl.LazyFrame:
        import late_module_of_test  # type: ignore[import-not-found]

        return orders.select(late_module_of_test.NAME)

    assert plan(recipe).opaque == ()
    assert not (tmp_path / "__pycache__").exists()


def _collects(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.collect().lazy()


def _collects_and_hides(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders if orders.select(pl.len()).collect().item() else orders.select("id")


def _raises(orders: pl.LazyFrame) -> pl.LazyFrame:
    raise ValueError("no orders")


def _panics(orders: pl.LazyFrame) -> pl.LazyFrame:
    raise pl.exceptions.PanicException("at the disco")


@pytest.mark.parametrize(
    ("function", "cause"),
    [
        (_collects, "collects raw.orders"),
        (_collects_and_hides, "collects raw.orders"),
        (_raises, "ValueError: no orders"),
        (_panics, "at the disco"),
        (lambda orders: None, "returns nothing"),
        (lambda orders: pl.DataFrame(), "returns a polars.dataframe.frame.DataFrame"),
        (lambda: 1, "TypeError"),
    ],
)
def test_what_cannot_be_planned_is_opaque_with_the_cause(function: Callable[..., Any], cause: str) -> None:
    analysis = plan(function)
    assert analysis.schema is None
    assert cause in analysis.opaque[0].cause


def test_only_lazy_frames_are_planned() -> None:
    assert "polars.DataFrame" in plan(lambda orders: orders.lazy(), frame=Frame.EAGER).opaque[0].cause


def test_a_random_sample_is_volatile() -> None:
    analysis = plan(lambda orders: orders.select(c.id.shuffle()))
    assert [(v.function, v.period) for v in analysis.volatile] == [("shuffle", "build")]
    assert plan(lambda orders: orders.select(c.id.shuffle(seed=1))).volatile == ()


@pytest.mark.parametrize(
    "recipe",
    [
        lambda f: f.select("gone"),
        lambda f: f.filter(c.gone > 1).group_by("id").agg(c.amount.sum()),
        lambda f: f.with_columns(x=c.amount / c.gone).select("x"),
        lambda f: f.join(f, on="gone"),
        lambda f: f.group_by("gone").agg(pl.len()),
        lambda f: f.sort("gone"),
        lambda f: f.rename({"gone": "x"}),
        lambda f: f.drop("gone"),
        lambda f: f.unique("gone"),
        lambda f: f.filter(gone=1),
        lambda f: f.select(c.id.over("gone")),
        lambda f: (
            f.drop("amount").select(c.amount.alias("gone"))
            if "gone" in f.collect_schema()
            else f.select("gone")
        ),
    ],
)
def test_a_column_that_is_not_there_is_named_without_data(recipe: Recipe) -> None:
    inputs = {"orders": ("raw.orders", Frame.LAZY, ORDERS)}
    assert plan_on_empty(lambda orders: recipe(orders), inputs) == UnknownColumn("gone")


@pytest.mark.parametrize(
    "recipe",
    [
        lambda f: f.collect().pivot("id", index="day", values="amount").lazy().select("gone"),
        lambda f: f.select("gone" if f.select("id").collect().is_empty() else "id"),
        lambda f: pl.LazyFrame({"x": f.collect()["id"]}).select("gone"),
    ],
)
def test_a_column_that_only_empty_frames_lack_is_no_mistake(recipe: Recipe) -> None:
    """The recipe looked at data: with others it may well work."""
    assert plan(lambda orders: recipe(orders)).opaque
