"""What a recipe is said to read against an oracle: changing anything else changes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from tests.lineage.polars.conftest import Runner
from tests.lineage.polars.recipes import RECIPES, Recipe, carriers, flights

from upriver.lineage.model import Footprint

CASES = [(name, "streaming") for name in RECIPES] + [(name, "in-memory") for name in list(RECIPES)[::4]]


def bag(table: pl.DataFrame) -> list[str]:
    """The rows of *table* in no order, floats to nine digits."""
    return sorted(
        repr([float(f"{v:.9g}") if isinstance(v, float) else v for v in row]) for row in table.rows()
    )


def read_rows(table: pl.DataFrame, footprint: Footprint, runner: Runner) -> pl.Series:
    """Which rows of *table* the footprint counts, as DuckDB sees it."""
    if footprint.predicate is None:
        return pl.Series("counts", [True]).new_from_index(0, table.height)
    query = f"select coalesce(({footprint.predicate}), false) from read_parquet('{runner.file(table)}')"
    with duckdb.connect() as connection:
        return pl.Series("counts", [row[0] for row in connection.execute(query).fetchall()], dtype=pl.Boolean)


def other_columns(table: pl.DataFrame, footprint: Footprint, draw: random.Random) -> pl.DataFrame:
    """*table* with every column that is not read filled with other values."""
    unread = [c for c in table.columns if footprint.columns is not None and c not in footprint.columns]
    needed = [c for c in unread if footprint.predicate is None or f'"{c}"' not in footprint.predicate]
    return table.with_columns(
        pl.Series(name, draw.sample(table[name].to_list(), table.height), dtype=table[name].dtype).reverse()
        for name in needed
    ).with_columns(pl.lit(None, dtype=table[name].dtype).alias(name) for name in needed[::2])


@pytest.mark.parametrize(("name", "engine"), CASES)
def test_what_is_not_read_changes_nothing(name: str, engine: str, runner: Runner) -> None:
    recipe = RECIPES[name]
    tables = {"flights": flights(), "carriers": carriers()}
    ran = runner.run(recipe, **tables, engine=engine)
    expected = bag(ran.result)
    draw = random.Random(3)
    for key, table in tables.items():
        footprint = ran.footprints[key]
        counts = read_rows(table, footprint, runner)
        for edit in _edits(footprint, counts, draw):
            again = runner.run(recipe, **{**tables, key: edit(table)}, engine=engine)
            assert bag(again.result) == expected, f"{edit.__name__} of {key} with {footprint}"


Edit = Callable[[pl.DataFrame], pl.DataFrame]


def _edits(footprint: Footprint, counts: pl.Series, draw: random.Random) -> list[Edit]:
    def unread_columns(table: pl.DataFrame) -> pl.DataFrame:
        return other_columns(table, footprint, draw)

    def rows_outside_dropped(table: pl.DataFrame) -> pl.DataFrame:
        return table.filter(counts)

    def rows_outside_doubled(table: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([table, table.filter(~counts)])

    def order(table: pl.DataFrame) -> pl.DataFrame:
        return table.sample(fraction=1, shuffle=True, seed=draw.randrange(1000))

    edits: list[Edit] = [unread_columns]
    if footprint.predicate is not None:
        edits += [rows_outside_dropped, rows_outside_doubled]
    if not footprint.ordered:
        edits.append(order)
    return edits


def footprints(runner: Runner, recipe: Recipe) -> dict[str, Footprint]:
    return runner.run(recipe, flights(), carriers()).footprints


@pytest.mark.parametrize(
    ("name", "columns", "predicate", "ordered"),
    [
        ("select", ("delay", "dist", "id"), None, False),
        ("filter", ("delay", "id"), '("delay" > CAST(10 AS BIGINT))', False),
        (
            "filter_two",
            ("carrier", "delay", "dist", "id"),
            '("carrier" = \'A\') AND ("delay" > CAST(10 AS BIGINT))',
            False,
        ),
        ("filter_is_in", ("carrier", "id"), "(\"carrier\" IN ('A', 'B'))", False),
        ("filter_null", ("dist", "id"), '("dist" IS NULL)', False),
        ("count", (), None, False),
        ("row_index_only", (), None, False),
        ("nothing", (), "false", False),
        ("sum", ("delay",), None, False),
        ("float_mean", ("dist",), None, True),
        ("head", ("id",), None, True),
        ("top_groups", ("carrier", "delay"), None, False),
        ("sort_head", ("delay", "id"), None, True),
        ("shift", ("delay", "id"), None, True),
        ("filter_string", ("delay", "id", "origin"), '("delay" < CAST(40 AS BIGINT))', False),
    ],
)
def test_footprints_are_as_narrow_as_they_can_be(
    name: str, columns: tuple[str, ...], predicate: str | None, ordered: bool, runner: Runner
) -> None:
    assert footprints(runner, RECIPES[name])["flights"] == Footprint(columns, predicate, ordered)
