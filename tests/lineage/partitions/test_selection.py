"""Selections of slices: inclusive ranges of time, values, and products of both."""

from __future__ import annotations

import pytest

from upriver.assets.partitions.model import Dimension, Grain, Partitioning
from upriver.lineage.partitions.selection import select

DAY = Partitioning((Dimension("d", Grain.DAY),))
HOUR = Partitioning((Dimension("h", Grain.HOUR, "America/New_York"),))
CARRIER = Partitioning((Dimension("carrier"),))
REGION = Partitioning((Dimension("region", among=("eu", "us")),))
PRODUCT = Partitioning((Dimension("d", Grain.DAY), Dimension("carrier")))
DAYS = ["2013-01-01", "2013-01-31", "2013-02-01", "2013-03-01", "~null", "~outside"]


@pytest.mark.parametrize(
    ("partition", "texts", "keys", "chosen"),
    [
        (DAY, ["2013-01-31..2013-02-01"], DAYS, ["2013-01-31", "2013-02-01"]),
        (DAY, ["2013-01"], DAYS, ["2013-01-01", "2013-01-31"]),
        (DAY, ["2013-02.."], DAYS, ["2013-02-01", "2013-03-01"]),
        (DAY, ["..2013-01-31", "~null"], DAYS, ["2013-01-01", "2013-01-31", "~null"]),
        (DAY, ["d=2013-03-01"], DAYS, ["2013-03-01"]),
        (HOUR, ["2013-03-10"], ["2013-03-10T04:00Z", "2013-03-10T05:00Z", "2013-03-11T04:00Z"], ["2013-03-10T05:00Z"]),
        (CARRIER, ["carrier=AA,a/b"], ["AA", "UA", "a~1b"], ["AA", "a~1b"]),
        (CARRIER, ["UA"], ["AA", "UA"], ["UA"]),
        (PRODUCT, ["2013-01", "carrier=AA"], ["2013-01-01/AA", "2013-01-01/UA", "2013-02-01/AA"], ["2013-01-01/AA"]),
        (DAY, [], DAYS, DAYS),
    ],
)  # fmt: skip
def test_a_range_chooses_the_slices_that_lie_in_it(
    partition: Partitioning, texts: list[str], keys: list[str], chosen: list[str]
) -> None:
    """Both ends included; what has no date is chosen by name alone."""
    assert select(partition, texts).among(keys) == chosen


@pytest.mark.parametrize(
    ("partition", "text", "words"),
    [
        (DAY, "2013-02-30", "2013-02-30"),
        (DAY, "2013-02-02..2013-02-01", "backwards"),
        (DAY, "..", "no range"),
        (DAY, "yesterday", "no day"),
        (REGION, "eo", "expected are eu, us"),
        (PRODUCT, "carier=AA", "carrier"),
    ],
)
def test_a_wrong_one_is_told(partition: Partitioning, text: str, words: str) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match=words):
        select(partition, [text])


def test_a_value_that_no_row_has_is_unknown() -> None:
    """And the nearest one is named."""
    ((name, near),) = select(CARRIER, ["carrier=delta"]).unknown(["Delta", "AA"])
    assert (name, near) == ("delta", "did you mean 'Delta'?")
