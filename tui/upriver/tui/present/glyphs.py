"""Glyphs, ASCII letters and colours of everything that has a state; shared by every face.

The glyph (in ASCII mode the letter) carries the meaning, because no palette of this many colours stays
distinguishable under all forms of colour blindness; colour only helps. Colours are the names of the
terminal's own sixteen, which Rich understands as well. All glyphs are one cell wide in every terminal
(East Asian width neutral), except where an ASCII form exists for that reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from upriver.materializer.model import Action, Outcome, RunStatus, State


class Mark(NamedTuple):
    """How a state is shown: *glyph*, *letter* in ASCII mode, *colour*, and the *word* for it."""

    glyph: str
    letter: str
    colour: str
    word: str

    def sign(self, ascii: bool) -> str:
        """The one cell to draw."""
        return self.letter if ascii else self.glyph


STATE: dict[State, Mark] = {
    State.FRESH: Mark("✓", "f", "green", "fresh"),
    State.STALE: Mark("◔", "S", "yellow", "stale"),
    State.PENDING: Mark("◦", "P", "yellow", "pending"),
    State.MISSING: Mark("◌", "M", "magenta", "missing"),
    State.FAILED: Mark("✗", "X", "red", "failed"),
    State.BLOCKED: Mark("⊘", "B", "red", "blocked"),
    State.BROKEN: Mark("⊠", "!", "red", "broken"),
    State.RUNNING: Mark("⏵", "R", "cyan", "running"),
}

OUTCOME: dict[Outcome, Mark] = {
    Outcome.BUILT: Mark("✓", "b", "green", "built"),
    Outcome.REUSED: Mark("≡", "=", "green", "reused"),
    Outcome.FRESH: Mark("·", ".", "bright_black", "fresh"),
    Outcome.FAILED: Mark("✗", "X", "red", "failed"),
    Outcome.BLOCKED: Mark("⊘", "B", "red", "blocked"),
    Outcome.BROKEN: Mark("⊠", "!", "red", "broken"),
    Outcome.CANCELLED: Mark("−", "C", "magenta", "cancelled"),
}

ACTION: dict[Action, Mark] = {
    Action.BUILD: Mark("⏵", "B", "yellow", "build"),
    Action.REUSE: Mark("≡", "=", "green", "reuse"),
    Action.MAYBE: Mark("◦", "?", "yellow", "maybe"),
    Action.CHECK: Mark("◇", "c", "yellow", "check"),
    Action.FRESH: Mark("✓", "f", "green", "fresh"),
    Action.BLOCKED: Mark("⊘", "-", "red", "blocked"),
    Action.BROKEN: Mark("⊠", "!", "red", "broken"),
}

RUN: dict[RunStatus, Mark] = {
    RunStatus.RUNNING: Mark("⏵", "R", "cyan", "running"),
    RunStatus.SUCCESS: Mark("✓", "f", "green", "success"),
    RunStatus.FAILED: Mark("✗", "X", "red", "failed"),
    RunStatus.INTERRUPTED: Mark("−", "I", "magenta", "interrupted"),
    RunStatus.ABANDONED: Mark("⊘", "A", "magenta", "abandoned"),
}

WAITING = Mark("⏸", "W", "bright_black", "waiting")
"""Planned, but something that it reads is not finished."""

HOW: dict[str, tuple[str, str]] = {
    "copy": ("=", "="),
    "expression": ("ƒ", "f"),
    "aggregate": ("Σ", "S"),
    "window": ("ω", "w"),
    "unnest": ("ν", "n"),
    "join": ("⋈", "j"),
    "filter": ("▽", "v"),
    "group": ("γ", "g"),
    "order": ("↕", "o"),
    "distinct": ("δ", "d"),
    "limit": ("λ", "l"),
    "conditional": ("◇", "c"),
    "rows": ("≡", "r"),
    "opaque": ("?", "?"),
}
"""How a column edge comes about: glyph and ASCII letter, by :class:`ColumnEdge`'s *how*."""

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-:=+*#"


def how_sign(how: str, ascii: bool) -> str:
    """The one cell for a way in which a column edge comes about."""
    return HOW.get(how, ("ƒ", "f"))[1 if ascii else 0]


def sparkline(values: Sequence[float], ascii: bool = False) -> str:
    """One bar a value, the largest at full height; equal values are drawn low, as they say nothing."""
    if not values:
        return ""
    bars = ASCII_BARS if ascii else BARS
    top = max(values)
    if top <= 0:
        return bars[0] * len(values)
    return "".join(
        bars[min(len(bars) - 1, int(max(0.0, value) / top * (len(bars) - 1) + 0.5))] for value in values
    )
