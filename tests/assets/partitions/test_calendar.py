"""Keys of time dimensions: they sort as time does, and clocks that are set lose no hour."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.partitions.calendar import (
    changes_clocks,
    count_between,
    days_of,
    expected_keys,
    hours_of_day,
    key_of_day,
    keys_between,
)
from upriver.assets.partitions.model import Dimension, Grain, written

GRAINS = [one for one in Grain if one is not Grain.HOUR]
DAYS = st.dates(date(1, 1, 2), date(9998, 12, 31))


@given(st.sampled_from(GRAINS), DAYS)
def test_a_day_lies_in_the_slice_that_its_key_names(grain: Grain, day: date) -> None:
    """Keys and days are two ways to say the same."""
    first, after = days_of(grain, key_of_day(grain, day))
    assert first <= day < after


@given(st.sampled_from(GRAINS), DAYS, DAYS)
def test_keys_sort_as_time_does(grain: Grain, one: date, other: date) -> None:
    """So ranges of keys are ranges of time."""
    if one <= other:
        assert key_of_day(grain, one) <= key_of_day(grain, other)


@given(st.sampled_from(GRAINS), st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.integers(0, 800))
def test_no_key_between_two_is_left_out(grain: Grain, first: date, days: int) -> None:
    """Nor told twice."""
    dimension = Dimension("d", grain)
    last = first + timedelta(days=days)
    keys = list(keys_between(dimension, key_of_day(grain, first), key_of_day(grain, last)))
    assert keys == sorted({key_of_day(grain, first + timedelta(days=at)) for at in range(days + 1)})
    assert abs(count_between(dimension, keys[0], keys[-1]) - len(keys)) <= len(keys) // 10 + 2


@pytest.mark.parametrize(
    ("zone", "day", "count"),
    [
        ("America/New_York", date(2013, 3, 10), 23),
        ("America/New_York", date(2013, 11, 3), 25),
        ("Asia/Kolkata", date(2013, 3, 10), 24),
        (None, date(2013, 3, 10), 24),
    ],
)
def test_a_day_has_the_hours_that_exist(zone: str | None, day: date, count: int) -> None:
    """Where clocks are set a day has 23 or 25."""
    keys = hours_of_day(day, zone)
    assert len(set(keys)) == count
    assert {datetime.fromisoformat(key).astimezone(ZoneInfo(zone or "UTC")).date() for key in keys} == {day}


def test_zones_that_set_their_clocks_are_known() -> None:
    """In those an hour of the wall clock can be two."""
    assert changes_clocks("Europe/Berlin")
    assert not changes_clocks("UTC")
    assert not changes_clocks("Asia/Kolkata")


def test_expected_values_are_written_as_keys() -> None:
    """A value may hold what has a meaning in a key."""
    dimension = Dimension("c", among=("b", "a/b", "~null", ""))
    assert list(expected_keys(dimension)) == sorted(["b", "a~1b", "~0null", "~empty"])
    assert written("x/~") == "x~1~0"
