"""Random projects, built while things go wrong (see :mod:`tests.materializer.random_builds.hardships`)."""

from __future__ import annotations

import pytest
from tests.materializer.random_builds.hardships import HardBuilds
from tests.materializer.random_builds.steps import run


@pytest.mark.parametrize("part", range(3))
def test_every_build_equals_one_from_scratch_whatever_goes_wrong(part: int) -> None:
    run(HardBuilds, examples=2, steps=12, least=20, python_share=0.1, sizes=(6, 8))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_large_projects_do_so_as_well(part: int) -> None:
    run(HardBuilds, examples=15, steps=40, least=600, python_share=0.2, sizes=(6, 20))
