"""Expressions as people see them."""

from __future__ import annotations

import polars as pl
import pytest
from polars import col as c

from upriver.lineage.polars.tree import read_plan
from upriver.lineage.polars.wording import MAX_LENGTH, made_by

FRAME = pl.LazyFrame(schema={"a": pl.Int64, "b": pl.Float64, "s": pl.String, "l": pl.List(pl.Int64)})


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (FRAME.select(x="a"), None),
        (FRAME.select(x=c.a + 1), "a + 1"),
        (FRAME.select(x=(c.a + 1) * c.a), "(a + 1) * a"),
        (FRAME.select(x=(c.a + 1)).filter(c.x > 2).sort("x").rename({"x": "y"}).rename({"y": "x"}), "a + 1"),
        (FRAME.group_by("s").agg(x=c.a.sum()).with_columns(y=1), "a.sum()"),
        (FRAME.select(x=c.a.sum().over("s")), "a.sum().over(s)"),
        (FRAME.select(x=pl.when(c.a > 1).then(c.s).otherwise(None)), "when(a > 1).then(s).otherwise(None)"),
        (FRAME.select(x=c.s.str.to_uppercase().str.slice(0, 2)), "s.uppercase().slice(0, 2)"),
        (FRAME.select(x=c.a.filter(c.b > 0).max()), "a.filter(b > 0.0).max()"),
        (FRAME.select(x=c.a.cast(pl.String)), "a.cast(String)"),
        (FRAME.select(x=pl.len()), "len()"),
        (FRAME.select("s", x=c.a * 2).join(FRAME.select("s"), on="s"), "a * 2"),
        (FRAME.select(x=c.a.map_elements(abs, return_dtype=pl.Int64)), "anonymousfunction(…)"),
        (FRAME.explode("l").rename({"l": "x"}), None),
    ],
)
def test_a_column_is_told_by_what_made_it(frame: pl.LazyFrame, words: str | None) -> None:
    found = made_by(read_plan(frame), "x")
    assert found == words


def test_a_long_expression_is_cut() -> None:
    words = made_by(read_plan(FRAME.select(x=pl.sum_horizontal(*[c.a + n for n in range(100)]))), "x")
    assert words is not None
    assert len(words) == MAX_LENGTH
    assert words.endswith("…")
