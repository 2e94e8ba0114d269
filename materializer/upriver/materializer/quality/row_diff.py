"""Difference of two lists of rows, as a value: what is missing, what is too much, and which of them belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from upriver.assets.model import Value

Row: TypeAlias = tuple[str | None, ...]
"""The values of a row as text, None for null."""

SHOWN = 50
"""So many rows of a difference are kept."""

_COMPARED = 400
"""So many rows on each side are looked through for those that belong together."""


class DifferentRow(Value, frozen=True):
    """A row that is on one side only: *sign* is ``-`` for one that is expected and not there, ``+`` for one that is
    there and not expected. *columns* are those in which it differs from its counterpart, the row before or after.
    """

    sign: str
    values: Row
    columns: tuple[str, ...] = ()


class RowDifference(Value, frozen=True):
    """How rows differ from those expected. *missing* and *surplus* are how many there are in all, *same* how many
    rows are as expected; *rows* are the first of the others. With *reordered* only their order is wrong.
    """

    columns: tuple[str, ...]
    rows: tuple[DifferentRow, ...]
    missing: int
    surplus: int
    same: int
    reordered: bool = False


def difference(
    columns: Sequence[str], expected: Sequence[Row], actual: Sequence[Row], *, ordered: bool
) -> RowDifference | None:
    """How *actual* differs from *expected*: as bags, or with *ordered* as lists; None when it does not."""
    if ordered:
        return _in_order(tuple(columns), expected, actual)
    there, wanted = Counter(actual), Counter(expected)
    missing = list((wanted - there).elements())
    surplus = list((there - wanted).elements())
    if not missing and not surplus:
        return None
    rows = _paired(tuple(columns), missing, surplus)
    same = len(expected) - len(missing)
    return RowDifference(tuple(columns), rows[:SHOWN], len(missing), len(surplus), same)


def _in_order(
    columns: tuple[str, ...], expected: Sequence[Row], actual: Sequence[Row]
) -> RowDifference | None:
    if list(expected) == list(actual):
        return None
    rows: list[DifferentRow] = []
    missing = surplus = 0
    for kind, first, last, begin, end in SequenceMatcher(
        None, expected, actual, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            continue
        missing += last - first
        surplus += end - begin
        rows += _paired(columns, list(expected[first:last]), list(actual[begin:end]))
    reordered = Counter(expected) == Counter(actual)
    same = len(expected) - missing
    return RowDifference(columns, tuple(rows[:SHOWN]), missing, surplus, same, reordered)


def _paired(columns: tuple[str, ...], missing: list[Row], surplus: list[Row]) -> tuple[DifferentRow, ...]:
    """*missing* and *surplus*, each of the former with the one of the latter that is most like it behind it."""
    rows: list[DifferentRow] = []
    left = surplus[:_COMPARED]
    rest = surplus[_COMPARED:]
    for row in missing:
        like = (
            max(left, key=lambda one: _equal(row, one), default=None) if len(rows) < 2 * _COMPARED else None
        )
        if like is None or not _equal(row, like):
            rows.append(DifferentRow("-", row))
            continue
        left.remove(like)
        differing = tuple(name for name, here, there in zip(columns, row, like, strict=True) if here != there)
        rows += [DifferentRow("-", row, differing), DifferentRow("+", like, differing)]
    return (*rows, *(DifferentRow("+", row) for row in (*left, *rest)))


def _equal(one: Row, other: Row) -> int:
    return sum(here == there for here, there in zip(one, other, strict=True))
