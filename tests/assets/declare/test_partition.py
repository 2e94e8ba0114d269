"""The option ``partition``: what it declares, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from upriver.assets import by
from upriver.assets.declare.partition import read_partition
from upriver.assets.loading.sql_module import parse_sql_module
from upriver.assets.model import Asset, Place
from upriver.assets.partitions.model import Dimension, Grain

HERE = Place("assets/a.sql")


def read(value: object) -> tuple[Dimension, ...]:
    """The dimensions of a value that is right."""
    found, problems = read_partition(value, lambda _: HERE)
    assert problems == []
    assert found is not None
    return found.dimensions


def wrong(value: object) -> str:
    """What is said of a value that is wrong."""
    found, problems = read_partition(value, lambda _: HERE)
    assert found is None
    return "\n".join(map(str, problems))


def test_a_time_dimension_has_its_grain_and_its_zone() -> None:
    """The commonest form."""
    (one,) = read({"by": "day", "every": "Day", "zone": "Europe/Berlin"})
    assert (one.by, one.every, one.zone) == ("day", Grain.DAY, "Europe/Berlin")


def test_a_header_and_python_declare_the_same() -> None:
    """One reading for both."""
    text = "/* upriver:\npartition:\n  - {by: d, every: month, from: 2013-01, keep: 400d}\n  - {by: c, among: [AA, 7]}\n*/\nselect 1"
    module = parse_sql_module("assets/a.sql", text)
    assert isinstance(module, Asset)
    assert module.partition is not None
    in_python = read([by("d", every="month", from_="2013-01", keep="400d"), by("c", among=["AA", "7"])])
    assert [one.by for one in in_python] == ["d", "c"]
    placed = [(one.by, one.every, one.start, one.keep, one.among) for one in module.partition.dimensions]
    assert placed == [(one.by, one.every, one.start, one.keep, one.among) for one in in_python]


def test_a_bound_may_be_any_day_of_its_slice() -> None:
    """People know days."""
    (one,) = read({"by": "d", "every": "week", "from": "2013-01-03", "until": "2013-12-30"})
    assert (one.start, one.until) == ("2013-W01", "2014-W01")
    (one,) = read({"by": "d", "every": "day", "from": "2013-02", "until": "2013-Q1"})
    assert (one.start, one.until) == ("2013-02-01", "2013-03-31")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"every": "day"}, "`by` is missing"),
        ({"by": "d", "evry": "day"}, "did you mean 'every'"),
        ({"by": "d", "every": "dayly"}, "day"),
        ({"by": "d", "every": "day", "zone": "Europe/Berln"}, "Europe/Berlin"),
        ({"by": "d", "zone": "UTC"}, "add `every: day`"),
        ({"by": "d", "every": "day", "among": ["x"]}, "among names values"),
        ({"by": "d", "every": "day", "from": "2013-02-30"}, "2013-02-30"),
        ({"by": "d", "every": "day", "from": "2014", "until": "2013"}, "is before"),
        ({"by": "d", "every": "day", "from": "January"}, "no day"),
        ({"by": "d", "every": "year", "from": "2014", "until": "2013"}, "is before"),
        ({"by": "d", "every": "hour", "from": "0900-01-01", "until": "2013-01-01"}, "1,000,000"),
        ({"by": "d", "every": "day", "keep": "forever"}, "400d"),
        ({"by": "d", "tolerate": "101 %"}, "2 %"),
        ([{"by": "d"}, {"by": "D"}], "named twice"),
        ("flight_date", "a mapping"),
        ([], "1 to 8"),
    ],
)
def test_a_wrong_one_is_told_with_what_would_be_right(value: object, words: str) -> None:
    """A sentence, and a suggestion where there is one."""
    assert words in wrong(value)


def test_what_is_wrong_is_shown_at_its_place() -> None:
    """With a caret."""
    found = parse_sql_module(
        "assets/a.sql", "/* upriver:\npartition: {by: d, every: fortnight}\n*/\nselect 1"
    )
    assert isinstance(found, tuple)
    assert found[0].place == Place("assets/a.sql", 2, 20)
    assert found[0].excerpt is not None
