"""Differences of rows: none exactly where there is none, and what is told adds up."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from upriver.materializer.quality.row_diff import SHOWN, difference

ROWS = st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.sampled_from(["x", "y"])), max_size=6)
NAMES = ("one", "two")


@given(expected=ROWS, actual=ROWS)
def test_there_is_a_difference_exactly_when_the_bags_differ(
    expected: list[tuple[str | None, str]], actual: list[tuple[str | None, str]]
) -> None:
    """What is missing and what is too much turn the one bag into the other."""
    found = difference(NAMES, expected, actual, ordered=False)
    assert (found is None) is (Counter(expected) == Counter(actual))
    if found is not None:
        signed: Counter[tuple[str | None, ...]] = Counter(expected)
        for row in found.rows:
            signed[row.values] += 1 if row.sign == "+" else -1
        assert +signed == Counter(actual)
        assert (found.missing, found.surplus) == tuple(
            sum(one.sign == sign for one in found.rows) for sign in "-+"
        )
        assert found.same + found.missing == len(expected)


@given(expected=ROWS, actual=ROWS)
def test_in_order_there_is_a_difference_exactly_when_the_lists_differ(
    expected: list[tuple[str | None, str]], actual: list[tuple[str | None, str]]
) -> None:
    found = difference(NAMES, expected, actual, ordered=True)
    assert (found is None) is (expected == actual)
    if found is not None:
        assert found.reordered is (Counter(expected) == Counter(actual))


def test_rows_that_belong_together_stand_together_and_tell_their_columns() -> None:
    found = difference(
        ("id", "amount"), [("1", "5"), ("2", "6")], [("2", "7"), ("1", "5"), ("9", "9")], ordered=False
    )
    assert found is not None
    assert [(row.sign, row.values, row.columns) for row in found.rows] == [
        ("-", ("2", "6"), ("amount",)),
        ("+", ("2", "7"), ("amount",)),
        ("+", ("9", "9"), ()),
    ]


def test_no_more_rows_are_kept_than_can_be_looked_at() -> None:
    found = difference(("id",), [(str(n),) for n in range(1000)], [], ordered=False)
    assert found is not None
    assert (len(found.rows), found.missing) == (SHOWN, 1000)
