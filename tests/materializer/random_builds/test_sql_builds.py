"""Random projects of SQL assets, edited and built (see :mod:`tests.materializer.random_builds.steps`)."""

from __future__ import annotations

import pytest
from tests.materializer.random_builds.steps import run


# In so many parts because files with many tests are begun first, and what takes long must not end last.
@pytest.mark.parametrize("part", range(17))
def test_every_build_equals_one_from_scratch_and_builds_nothing_needlessly(part: int) -> None:
    run(examples=2, steps=30, least=50)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_large_projects_do_so_as_well(part: int) -> None:
    run(examples=20, steps=50, least=1_000, sizes=(6, 40))
