"""Every method of Polars expressions that is said not to depend on the order of rows, tried on shuffled rows."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from upriver.lineage.polars.ordering import Shape, shape
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
