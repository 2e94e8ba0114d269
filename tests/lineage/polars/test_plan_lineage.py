"""Column edges against the perturbation oracle: see ``oracle``."""

from __future__ import annotations

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
