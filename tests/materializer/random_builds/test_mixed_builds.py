"""Random projects of SQL and Polars assets, edited and built (see :mod:`tests.materializer.random_builds.steps`)."""

from __future__ import annotations

import pytest
from tests.materializer.random_builds.steps import run


# In so many parts because files with many tests are begun first, and what takes long must not end last.
@pytest.mark.parametrize("part", range(8))
def test_every_build_equals_one_from_scratch_and_builds_nothing_needlessly(part: int) -> None:
    run(examples=1, steps=16, least=16, python_share=0.35, sizes=(6, 9))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_large_projects_do_so_as_well(part: int) -> None:
    run(examples=15, steps=40, least=600, python_share=0.35, sizes=(6, 20))
