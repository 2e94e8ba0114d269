"""Column widths of the asset list."""

from __future__ import annotations

from typing import NamedTuple

from upriver.tui.present.views.recent import KEPT

LEAST_SPARK = 4
"""The heading of the last runs is as wide."""


class Filled(NamedTuple):
    """What of the list's columns holds anything: levels of the gutter, and whether the others are not all empty."""

    levels: int = 4
    usual: bool = True
    rows: bool = True
    runs: int = KEPT


class Columns:
    """Which columns there is room for, and how wide the name is."""

    __slots__ = ("gutter", "name", "rows", "spark", "usual", "whole")

    def __init__(self, width: int, longest: int = 0, filled: Filled = Filled()) -> None:  # noqa: B008 - immutable
        """*longest* is what the names need; the other columns give what they can spare of *filled*, and no more."""
        self.whole = filled == Filled()
        self.rows = width >= 60 and filled.rows
        self.usual = width >= 50 and filled.usual
        self.spark = KEPT if width >= 72 else 0
        self.gutter = 9 if width >= 72 else 7 if width >= 56 else 0
        lacking = longest + 1 - self._room(width)
        if self.spark and lacking > 0:
            self.spark = max(LEAST_SPARK, filled.runs, self.spark - lacking)
            lacking = longest + 1 - self._room(width)
        if self.gutter and lacking > 0:
            needed = 2 * filled.levels + 1 if filled.levels else 0
            self.gutter = max(min(needed, self.gutter), self.gutter - lacking if needed else 0)
        self.name = max(8, self._room(width))

    def _room(self, width: int) -> int:
        taken = 7 + (self.gutter + 1 if self.gutter else 0) + 7
        taken += 8 * self.usual + 7 * self.rows + (self.spark + 2 if self.spark else 0)
        return width - taken - 2
