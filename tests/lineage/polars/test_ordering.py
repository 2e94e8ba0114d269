"""Every method of Polars expressions that is said not to depend on the order of rows, tried on shuffled rows."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from upriver.lineage.polars.ordering import Shape, depends_on_order, shape
from upriver.lineage.polars.tree import read_plan

ROWS = 40
NAMESPACES = {
    "": ("a", "small", "b", "late"),
    "str": ("s",),
    "dt": ("at", "day"),
    "list": ("l", "ls"),
    "struct": ("st",),
    "arr": ("r",),
}
ARGUMENTS: list[tuple[Any, ...]] = [
    (),
    (1,),
    (1, 2),
    ("A",),
    (pl.col("b"),),
    ([1, 2],),
    ("1d",),
    (0.5,),
    (pl.col("a") > 1,),
    ("k",),
    ("dense",),
]
UNSAFE = {
    "hist",
    "inspect",
    "deserialize",
    "from_json",
    "pipe",
    "map_batches",
    "map_elements",
    "rolling_map",
    "show",
    "map",
}


def table() -> pl.DataFrame:
    draw = random.Random(11)

    def maybe(value: object) -> object:
        return None if draw.random() < 0.15 else value

    return pl.DataFrame(
        {
            "a": [maybe(draw.randrange(-3, 9)) for _ in range(ROWS)],
            "small": pl.Series([draw.randrange(5) for _ in range(ROWS)], dtype=pl.Int16),
            "b": [maybe(draw.choice([0.1, 0.2, 1e17, -1e17, float("nan"), 3.0])) for _ in range(ROWS)],
            "late": [maybe(draw.random() < 0.5) for _ in range(ROWS)],
            "s": [maybe(draw.choice(["A", "b", "2024", "1.50", ""])) for _ in range(ROWS)],
            "k": [draw.choice("XYZ") for _ in range(ROWS)],
            "at": [dt.datetime(2024, 1, 1) + dt.timedelta(hours=draw.randrange(200)) for _ in range(ROWS)],
            "day": [dt.date(2024, 1, 1) + dt.timedelta(days=draw.randrange(20)) for _ in range(ROWS)],
            "l": [maybe([draw.randrange(4) for _ in range(3)]) for _ in range(ROWS)],
            "ls": [[draw.choice("pq") for _ in range(2)] for _ in range(ROWS)],
            "st": [{"x": draw.randrange(3), "y": "v"} for _ in range(ROWS)],
            "r": pl.Series([[draw.randrange(4), 1] for _ in range(ROWS)], dtype=pl.Array(pl.Int64, 2)),
        }
    )


def expressions() -> Iterator[tuple[str, pl.Expr]]:
    """Every method with every arguments that it takes, over columns of every type."""
    for space, columns in NAMESPACES.items():
        base = pl.Expr if not space else type(getattr(pl.col("a"), space))
        for method in sorted(vars(base)):
            if method.startswith("_") or method in UNSAFE or not callable(getattr(base, method)):
                continue
            for column in columns:
                for arguments in ARGUMENTS:
                    try:
                        owner = getattr(pl.col(column), space) if space else pl.col(column)
                        made = getattr(owner, method)(*arguments)
                    except Exception:  # noqa: BLE001
                        continue
                    if isinstance(made, pl.Expr):
                        yield f"{space}.{method}({column}, {arguments})", made


def texts(column: pl.Series) -> list[str]:
    """The values to the last bit. Dates as numbers: some are beyond Python's."""
    return [repr(value) for value in column.to_physical().to_list()]


def holds(found: Shape, before: pl.Series, after: pl.Series, order: list[int]) -> bool:
    """Whether *after*, from rows in *order*, is what *found* says it is."""
    match found:
        case Shape.ONE:
            return texts(before) == texts(after)
        case Shape.ROWS:
            return before.len() == ROWS and texts(before[order]) == texts(after)
        case Shape.BAG:
            return sorted(texts(before)) == sorted(texts(after))
        case Shape.ORDERED:
            return True


@pytest.mark.filterwarnings("ignore")
def test_what_is_said_not_to_depend_on_order_does_not() -> None:
    data = table()
    order = list(range(ROWS))
    random.Random(2).shuffle(order)
    shuffled = data[order].rechunk()
    empty = data.clear().lazy()
    counts = dict.fromkeys(Shape, 0)
    wrong = []
    for name, made in expressions():
        try:
            plan = read_plan(empty.select(q=made))
            found = shape(plan.expressions[0].expression)
            counts[found] += 1
            if found is Shape.ORDERED:
                continue
            before, after = data.select(q=made)["q"], shuffled.select(q=made)["q"]
        except (pl.exceptions.PolarsError, ValueError, TypeError, OverflowError):
            continue
        if not holds(found, before, after, order):
            wrong.append(f"{name}: {found.value}")
    assert not wrong
    assert counts[Shape.ROWS] > 300
    assert counts[Shape.ONE] > 20
    assert counts[Shape.BAG] > 10
    assert counts[Shape.ORDERED] > 100


C = pl.col
FRAME = pl.LazyFrame(
    schema={"a": pl.Int64, "i8": pl.Int8, "x": pl.Float64, "d": pl.Decimal(9, 2), "du": pl.Duration, "b": pl.Boolean,
            "s": pl.String, "c": pl.Categorical, "l": pl.List(pl.Int64), "day": pl.Date}
)  # fmt: skip
SHAPES: dict[Shape, list[pl.Expr]] = {
    Shape.ROWS: [
        C("a"),
        C("a") + 1,
        C("a") + C("i8"),
        C("a") + C("a").sum(),
        pl.when(C("a") > 1).then(C("i8")).otherwise(0),
        C("a").cast(pl.String),
        C("c").cast(pl.String),
        C("s").cast(pl.Categorical),
        C("a").is_unique(),
        C("a").is_duplicated(),
        C("a").rank(),
        C("a").rank("dense"),
        C("a").rank("min"),
        C("a").is_in([1, 2]),
        C("a").is_null(),
        ~C("b"),
        C("a").abs(),
        C("a").sum().over("b"),
        C("a").sum().over("b", order_by="i8"),
        C("a").rank().over("b"),
        C("s").str.to_uppercase(),
        C("s").str.strptime(pl.Date, "%Y"),
        C("l").list.sum(),
        C("l").list.first(),
        C("day").dt.year(),
        C("a").replace({1: 2}),
        C("a").fill_null(1),
        pl.coalesce("a", "i8"),
        pl.struct("a", "b"),
        C("a").hash(),
    ],
    Shape.ONE: [
        pl.lit(1),
        pl.len(),
        C("a").sum() + 1,
        C("a").sum(),
        C("d").sum(),
        C("du").sum(),
        C("b").sum(),
        C("i8").mean(),
        C("b").mean(),
        C("a").min(),
        C("a").max(),
        C("a").median(),
        C("a").n_unique(),
        C("a").count(),
        C("a").sort().first(),
        C("a").sort().last(),
        C("a").sort().implode(),
        C("a").sort().sum(),
        C("a").product(),
        C("a").null_count(),
        C("a").quantile(0.5),
        C("b").any(),
        C("b").all(),
        C("a").bitwise_and(),
    ],
    Shape.ORDERED: [
        pl.lit(pl.Series([1, 2])),
        C("a") + C("a").unique(),
        C("a").unique() + C("i8").unique(),
        C("c").cast(pl.UInt32),
        C("x").sum(),
        C("a").mean(),
        C("x").mean(),
        C("a").std(),
        C("a").first(),
        C("a").last(),
        C("a").implode(),
        C("x").sort().sum(),
        C("a").head(2),
        C("a").sort_by("i8"),
        C("a").unique().filter(C("b")),
        C("a").unique(maintain_order=True),
        C("a").is_first_distinct(),
        C("a").rank("ordinal"),
        C("a").rank("random", seed=1),
        C("x").product(),
        C("a").shift(),
        C("a").cum_sum(),
        C("a").diff(),
        C("x").sum().over("b"),
        C("a").first().over("b"),
        C("a").first().over("b", order_by="i8"),
        C("a").min().over("b", mapping_strategy="join"),
        C("a").sort().over("b"),
        C("a").over("b", mapping_strategy="explode"),
        C("s").str.strptime(pl.Date),
        C("s").str.to_decimal(scale=2),
        C("s").str.join(),
        C("l").list.sample(1, seed=1),
        C("a").map_batches(lambda s: s, return_dtype=pl.Int64),
        C("a").reverse(),
        C("a").fill_null(strategy="forward"),
        pl.int_range(pl.len()),
        C("a").sample(1, seed=1),
        C("a").arg_max(),
        C("a").gather(0),
    ],
    Shape.BAG: [
        C("a").unique() + 1,
        C("a").sort(),
        C("a").sort().head(2),
        C("a").filter(C("b")),
        C("a").filter(C("i8") > C("i8").min()),
        C("a").sum().filter(C("b")),
        C("a").explode(),
        C("l").explode(),
        C("a").drop_nulls(),
        C("a").unique(),
        C("a").mode(),
        C("a").top_k(2),
        C("a").value_counts(),
    ],
}


@pytest.mark.parametrize(
    ("expected", "expression"), [(kind, one) for kind, all_ in SHAPES.items() for one in all_], ids=str
)
def test_each_expression_has_its_shape(expected: Shape, expression: pl.Expr) -> None:
    assert shape(read_plan(FRAME.select(q=expression)).expressions[0].expression) is expected


@pytest.mark.parametrize(
    ("expressions", "alone", "beside"),
    [
        ([C("a"), C("b")], False, False),
        ([C("a").sum(), pl.len()], False, False),
        ([C("a").unique()], False, True),
        ([C("a").unique(), C("a").sum()], False, True),
        ([C("a").unique(), C("b").unique()], True, True),
        ([C("a").unique(), C("b")], True, True),
        ([C("a"), C("a").shift()], True, True),
    ],
)
def test_columns_that_lose_their_rows_depend_on_order_beside_others(
    expressions: list[pl.Expr], alone: bool, beside: bool
) -> None:
    named = read_plan(FRAME.select(one.alias(f"c{n}") for n, one in enumerate(expressions))).expressions
    assert depends_on_order(named) is alone
    assert depends_on_order(named, beside_rows=True) is beside
