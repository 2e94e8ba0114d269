"""Column edges against the perturbation oracle: see ``oracle``."""

from __future__ import annotations

import polars as pl
import pytest
from tests.lineage.polars.conftest import Runner
from tests.lineage.polars.oracle import observed, told
from tests.lineage.polars.recipes import RECIPES, carriers, flights

_WITH_FUNCTIONS = (
    "list_eval", "list_eval_twice", "map_elements", "map_batches_of_columns", "fold", "over_two_keys_in_order",
    "struct_fields_renamed",
)  # fmt: skip
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


def test_an_order_that_polars_does_not_show_is_by_what_it_reads_alone(runner: Runner) -> None:
    """Two keys are encoded as one, in an expression that can't be looked into."""
    many = flights().with_columns(unread=pl.col("id") + 1, unread_too=pl.col("id") + 2)
    ran = runner.run(
        lambda f, k: f.with_columns(first=pl.col("delay").first().over("carrier", order_by=["spare", "id"])),
        many,
        carriers(),
    )
    made = {edge.upstream_column for edge in ran.analysis.edges if edge.column == "first"}
    assert made == {"delay", "carrier", "spare", "id"}


def test_a_column_beside_a_python_function_is_no_part_of_what_it_makes(runner: Runner) -> None:
    ran = runner.run(
        lambda f, k: f.with_columns(m=pl.col("delay").map_batches(lambda s: s + 1, return_dtype=pl.Int64)),
        flights(),
        carriers(),
    )
    assert {edge.upstream_column for edge in ran.analysis.edges if edge.column == "m"} == {"delay"}
