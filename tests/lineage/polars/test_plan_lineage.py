"""Column edges against the perturbation oracle: see ``oracle``."""

from __future__ import annotations

import pytest

from .conftest import Runner
from .oracle import observed, told
from .recipes import RECIPES, carriers, flights


@pytest.mark.parametrize("name", RECIPES)
def test_every_dependency_that_shows_is_told(name: str, runner: Runner) -> None:
    ran = runner.run(RECIPES[name], flights(), carriers())
    missing = observed(RECIPES[name]) - told(ran.analysis)
    if ran.analysis.opaque:
        missing = {m for m in missing if m[0] not in {o.upstream for o in ran.analysis.opaque}}
    assert not missing
