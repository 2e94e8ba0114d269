"""Column edges against the perturbation oracle: see ``oracle``."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from polars import col as c
from tests.lineage.polars.conftest import Runner
from tests.lineage.polars.oracle import observed, told
from tests.lineage.polars.recipes import RECIPES, Recipe, carriers, flights

from upriver.lineage.model import EdgeKind

_WITH_FUNCTIONS = ("map_elements", "map_batches_of_columns", "fold")
OPAQUE = {
    "map_batches": {"flights", "carriers"},
    "filter_on_another_frame": {"carriers"},
    # The second frame is not in the plan, and a function in it might hold it.
    **{name: {"carriers"} for name in _WITH_FUNCTIONS},
}
"""Which upstreams of which recipes are not followed: changes of these are all told."""

NOTHING_SHOWS = {"count", "row_index_only", "nothing", "arg_sort"}
"""Only the number of rows bears on them."""


@pytest.mark.parametrize("name", RECIPES)
def test_every_dependency_that_shows_is_told(name: str, runner: Runner) -> None:
    ran = runner.run(RECIPES[name], flights(), carriers())
    opaque = {o.upstream for o in ran.analysis.opaque}
    assert opaque == OPAQUE.get(name, set())
    shown = observed(RECIPES[name])
    assert bool(shown) != (name in NOTHING_SHOWS)
    assert {m for m in shown - told(ran.analysis) if m[0] not in opaque} == set()


def _made(frame: Callable[[pl.LazyFrame], pl.LazyFrame], column: str, runner: Runner) -> set[tuple[str, str]]:
    """What *column* is told to be made of, and how."""
    many = flights().with_columns(unread=pl.col("id") + 1, unread_too=pl.col("id") + 2)
    edges = runner.run(lambda f, k: frame(f), many, carriers()).analysis.edges
    return {(edge.upstream_column or "", edge.how) for edge in edges if edge.column == column}


@pytest.mark.parametrize("beside", [pl.LazyFrame.select, pl.LazyFrame.with_columns])
def test_an_order_that_polars_does_not_show_is_by_its_own_columns_alone(
    beside: Callable[..., pl.LazyFrame], runner: Runner
) -> None:
    """Two keys are encoded as one, in an expression that can't be looked into."""
    first = pl.col("delay").first().over("carrier", order_by=["spare", "id"])
    made = _made(lambda f: beside(f, "late", "unread", first=first), "first", runner)
    assert made == {("delay", "aggregate"), ("carrier", "group"), ("spare", "order"), ("id", "order")}


def _plus(series: pl.Series) -> pl.Series:
    return series + 1


_HIDDEN: dict[str, tuple[pl.Expr, set[str]]] = {
    "a function over one column": (c.delay.map_batches(_plus, return_dtype=pl.Int64), {"delay"}),
    "a function of each value": (c.delay.map_elements(lambda v: v, return_dtype=pl.Int64), {"delay"}),
    "a function over two columns": (
        pl.map_batches(["delay", "spare"], lambda s: s[0], return_dtype=pl.Int64),
        {"delay", "spare"},
    ),
    "a fold": (pl.fold(pl.lit(0), lambda a, b: a + b, ["spare", "id"]), {"spare", "id"}),
    "a reduction": (pl.reduce(lambda a, b: a + b, ["spare", "delay"]), {"spare", "delay"}),
    "a fold of which each step shows": (
        pl.cum_fold(pl.lit(0), lambda a, b: a + b, ["spare", "id"]),
        {"spare", "id"},
    ),
    "a function in a sum": (c.delay.map_batches(_plus, return_dtype=pl.Int64) + c.spare * 1.5, {"delay", "spare"}),
    "a function over a rolling window": (c.spare.rolling_map(lambda s: s.sum(), 2), {"spare"}),
    "an expression over each list": (c.tags.list.eval(pl.element().str.to_uppercase()), {"tags"}),
    "a struct with another field": (c.spot.struct.with_fields(n=c.spare), {"spot", "spare"}),
    "a function of a struct": (
        pl.struct("delay", "spare").map_elements(lambda d: d["delay"], return_dtype=pl.Int64),
        {"delay", "spare"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("beside", [pl.LazyFrame.select, pl.LazyFrame.with_columns])
@pytest.mark.parametrize("name", _HIDDEN)
def test_columns_beside_an_expression_that_is_hidden_are_no_part_of_it(
    name: str, beside: Callable[..., pl.LazyFrame], runner: Runner
) -> None:
    """Neither those before it, nor those after it, nor those of another hidden one."""
    expression, of = _HIDDEN[name]
    other = c.dist.map_batches(_plus, return_dtype=pl.Float64)
    made = _made(lambda f: beside(f, "unread", o=other, m=expression, p=other * 2, z=c.late), "m", runner)
    assert {column for column, _ in made if column} == of


def test_what_a_hidden_expression_decides_is_decided_by_its_own_columns(runner: Runner) -> None:
    hidden = c.delay.map_batches(lambda s: s > 1, return_dtype=pl.Boolean)
    assert _made(lambda f: f.filter(hidden).select("id", "late"), "id", runner) == {
        ("id", "copy"),
        ("delay", "filter"),
    }
    chosen = pl.when(hidden).then("spare").otherwise("id")
    assert _made(lambda f: f.select("late", x=chosen), "x", runner) == {
        ("spare", "expression"), ("id", "expression"), ("delay", "conditional")
    }  # fmt: skip


_CHOOSING: dict[str, tuple[pl.Expr, set[str], set[tuple[str, str]]]] = {
    "the greatest by another": (c.id.max_by("delay"), {"id"}, {("delay", "order")}),
    "the first by another": (c.id.top_k_by(["delay", "spare"], 1), {"id"}, {("delay", "order"), ("spare", "order")}),
    "an element of a list": (c.tags.list.get(c.spare, null_on_oob=True), {"tags"}, {("spare", "conditional")}),
    "a part of a list": (
        c.tags.list.slice(c.spare, c.id), {"tags"}, {("spare", "conditional"), ("id", "conditional")}
    ),
    "a part of a text": (c.origin.str.slice(c.id, 1), {"origin"}, {("id", "conditional")}),
    "the head of a text": (c.origin.str.head(c.id), {"origin"}, {("id", "limit")}),
    "another row": (c.delay.shift(c.spare.max()), {"delay"}, {("spare", "conditional")}),
    "another row or a value": (
        c.delay.shift(c.spare.max(), fill_value=c.id.max()), {"delay", "id"}, {("spare", "conditional")}
    ),
    "a window over the times before": (c.spare.rolling_sum_by("at", "1d"), {"spare"}, {("at", "order")}),
    "some of the values": (c.delay.sample(c.spare.max(), seed=1), {"delay"}, {("spare", "limit")}),
}  # fmt: skip


@pytest.mark.parametrize("name", _CHOOSING)
def test_what_only_chooses_a_value_is_influence(name: str, runner: Runner) -> None:
    expression, values, choosing = _CHOOSING[name]
    frame = flights().with_columns(spare=pl.col("spare").clip(0, 1)).sort("at")
    edges = runner.run(lambda f, k: f.select(x=expression), frame, carriers()).analysis.edges
    told = [edge for edge in edges if edge.column == "x" and edge.upstream_column]
    assert {edge.upstream_column for edge in told if edge.kind is EdgeKind.VALUE} == values
    assert {(edge.upstream_column, edge.how) for edge in told if edge.kind is EdgeKind.INFLUENCE} == choosing


_KEEPING: dict[str, Recipe] = {
    "a row for each group": lambda f, k: f.join(k.group_by("carrier").agg(c.spare.sum()), on="carrier", how="left"),
    "one row of each key": lambda f, k: f.join(k.unique("carrier", keep="any"), on="carrier", how="left"),
    "the row before": lambda f, k: f.join_asof(k.sort("since"), left_on="day", right_on="since", check_sortedness=False),
    "the row before, of the same key": lambda f, k: f.join_asof(
        k.sort("since"), left_on="day", right_on="since", by="carrier", check_sortedness=False
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", _KEEPING)
def test_a_join_that_keeps_every_row_once_does_not_decide_its_columns(name: str, runner: Runner) -> None:
    edges = runner.run(_KEEPING[name], flights(), carriers()).analysis.edges
    assert {edge.how for edge in edges if edge.column in ("id", "dist", None)} == {"copy", "rows"}


_REPEATING: dict[str, Callable[[pl.LazyFrame], pl.LazyFrame]] = {
    "two keys, of which one is joined by": lambda k: k.group_by("carrier", "name").agg(c.spare.sum()),
    "a key that was overwritten": lambda k: k.unique("carrier").with_columns(carrier=pl.lit("A")),
    "a list of each group, taken apart": lambda k: k.group_by("carrier").agg(c.name).explode("name"),
}


@pytest.mark.parametrize("name", _REPEATING)
def test_a_join_that_may_repeat_rows_decides_them(name: str, runner: Runner) -> None:
    ran = runner.run(
        lambda f, k: f.join(_REPEATING[name](k), on="carrier", how="left"), flights(), carriers()
    )
    assert "join" in {edge.how for edge in ran.analysis.edges if edge.column == "id"}


_FIELDS: dict[str, tuple[Callable[[pl.LazyFrame], pl.LazyFrame], set[str]]] = {
    "a field": (lambda f: f.select(z=pl.struct("id", "delay")).select(o=c.z.struct.field("delay")), {"delay"}),
    "fields of a field": (
        lambda f: f.select(z=pl.struct("id", y=pl.struct("delay", "dist"))).select(
            o=c.z.struct.field("y").struct.field("dist")
        ),
        {"dist"},
    ),
    "columns made of fields": (lambda f: f.select(z=pl.struct("id", o=c.delay + 1)).unnest("z"), {"delay"}),
    "a struct chosen from two": (
        lambda f: f.select(
            o=pl.when(c.late).then(pl.struct("id", "delay")).otherwise(pl.struct(id="spare", delay="id")).struct["id"]
        ),
        {"id", "delay", "spare"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", _FIELDS)
def test_a_field_of_a_struct_comes_from_what_was_put_into_it(name: str, runner: Runner) -> None:
    """What else is read for it is told of the rows, so that all that a change rebuilds is told."""
    recipe, values = _FIELDS[name]
    ran = runner.run(lambda f, k: recipe(f), flights(), carriers())
    assert {
        e.upstream_column for e in ran.analysis.edges if e.column == "o" and e.kind is EdgeKind.VALUE
    } == values
    read = ran.footprints["flights"].columns
    assert read is not None
    assert set(read) <= {e.upstream_column for e in ran.analysis.edges}
