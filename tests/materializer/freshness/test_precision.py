"""What the precision benchmark measures, held to its target: nothing too much, nothing too little."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.precision import measure


@pytest.mark.soak
def test_after_every_edit_exactly_the_assets_that_had_to_be_are_rebuilt(tmp_path: Path) -> None:
    counts = measure(tmp_path, orders=200)
    assert counts.needless == {}
    assert counts.missed == 0
    assert counts.upriver == counts.least
    assert counts.least < counts.by_table < counts.by_file
