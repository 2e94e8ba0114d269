"""The perturbation oracle for recipes: change one column of an upstream, run for real, see which results change."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator

import polars as pl
from tests.lineage.polars.recipes import Recipe, carriers, flights

from upriver.lineage.model import Analysis


def changed(table: pl.DataFrame, column: str, draw: random.Random) -> Iterator[pl.DataFrame]:
    """*table* with other values in *column*: one, another one, none, all of them."""
    values = table[column].to_list()
    dtype = table[column].dtype
    for picked in ([0], [draw.randrange(len(values))], range(len(values))):
        for make in (_other, lambda _value, _draw: None):
            new = list(values)
            for row in picked:
                new[row] = make(values[row], draw)
            yield table.with_columns(pl.Series(column, new, dtype=dtype))
    yield table.with_columns(pl.Series(column, draw.sample(values, len(values)), dtype=dtype))


def _other(value: object, draw: random.Random) -> object:
    match value:
        case bool():
            return not value
        case int():
            return value + draw.choice([-100, -7, 1, 50, 1000])
        case float():
            return value + draw.choice([-500.0, 0.25, 1000.0])
        case str():
            return draw.choice(["A", "Z", "Q", "JFK", "j"])
        case dt.date():
            return value + dt.timedelta(days=draw.choice([-30, -2, 1, 40]))
        case list():
            return [*value, "w"] if draw.random() < 0.5 else ["v"] * len(value)
        case dict():
            return {"gate": 77, "hall": "E"}
    return None


def differing(before: pl.DataFrame, after: pl.DataFrame) -> set[str]:
    """The columns that hold other values, in any order."""
    return {name for name in before.columns if _bag(before[name]) != _bag(after[name])}


def _bag(column: pl.Series) -> Counter[str]:
    # Polars adds floats in any order: on the same rows, two runs can differ in the last bits.
    values = [float(f"{v:.9g}") if isinstance(v, float) else v for v in column.to_list()]
    return Counter(map(repr, values))


def observed(recipe: Recipe) -> set[tuple[str, str, str]]:
    """What changing columns shows: (upstream, its column, column of the result)."""
    tables = {"flights": flights(), "carriers": carriers()}
    before = recipe(*(table.lazy() for table in tables.values())).collect()
    found: set[tuple[str, str, str]] = set()
    draw = random.Random(5)
    for key, table in tables.items():
        for column in table.columns:
            for other in changed(table, column, draw):
                inputs = [other if k == key else t for k, t in tables.items()]
                try:
                    after = recipe(*(t.lazy() for t in inputs)).collect()
                except pl.exceptions.PolarsError:
                    continue  # such as an index that is no longer sorted
                found |= {(key, column, name) for name in differing(before, after)}
    return found


def told(analysis: Analysis) -> set[tuple[str, str, str]]:
    """The same, as the plan tells."""
    return {
        (e.upstream, e.upstream_column, e.column) for e in analysis.edges if e.upstream_column and e.column
    }
