"""Search for the places that have to be rewritten, among those that could be: a judge binds each text.

A place that is rewritten wrongly, or wrongly not, gives an unknown name, and the judge says where; what is
bound to something else instead is found by trying the places one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

from upriver.assets.model import Place, Value
from upriver.lineage.sql.parse.query import BoundText, Edit

LIMIT = 120
"""So many texts are tried for one query."""


class Spot(Value, frozen=True):
    """Characters *start* to *end* of a query that become *text* when the spot is taken.

    *column* is the position of the output column to which *text* gives its name back, None for other spots.
    """

    start: int
    end: int
    text: str
    column: int | None = None


class Held(Value, frozen=True):
    """The text means what it has meant. *passes* is whether the new name comes out of it as well."""

    passes: bool = False


class Unbound(Value, frozen=True):
    """The text can't be bound: *why*, and at which offset of the original text, where that is known."""

    why: str
    at: int | None = None
    place: Place | None = None


class Differs(Value, frozen=True):
    """The text means something else: *why*, and which output columns are called otherwise, if that is all."""

    why: str
    columns: tuple[int, ...] = ()


Verdict: TypeAlias = Held | Unbound | Differs
States: TypeAlias = tuple[bool, ...]
"""For each spot whether it is taken."""


class Search:
    """One query's *spots*, which do not overlap, and the *judge* of its text with some of them taken."""

    def __init__(self, text: str, spots: Sequence[Spot], judge: Callable[[BoundText], Verdict]) -> None:
        self._text = text
        self.spots = tuple(spots)
        self._judge = judge
        self._known: dict[States, Verdict] = {}
        self.refused: Verdict | None = None

    def find(self, starts: Sequence[States]) -> tuple[States, Held] | None:
        """The first states, from one of *starts*, under which the text means what it has meant.

        None when there are none to be found; *refused* then says what is in the way.
        """
        for start in starts:
            states, verdict = self._settled(start)
            if not isinstance(verdict, Held):
                self.refused = self.refused or verdict
                states, verdict = self._repaired(states, verdict)
            if isinstance(verdict, Held):
                return states, verdict
        return None

    def verdict(self, states: States) -> Verdict:
        """What the judge says about the text with these spots taken."""
        if states not in self._known:
            if len(self._known) >= LIMIT:
                return Differs("it would have to be rewritten in too many ways to try them all")
            self._known[states] = self._judge(self.edited(states))
        return self._known[states]

    def edited(self, states: States) -> BoundText:
        """The text with these spots taken."""
        return BoundText(self._text, self.edits(states))

    def edits(self, states: States) -> list[Edit]:
        """What is written where."""
        return [
            Edit(spot.start, spot.end, spot.text)
            for spot, taken in zip(self.spots, states, strict=True)
            if taken
        ]

    def _settled(self, states: States) -> tuple[States, Verdict]:
        """Follow the judge from one unknown name to the next."""
        turned: Counter[int] = Counter()
        while True:
            verdict = self.verdict(states)
            match verdict:
                case Held():
                    return states, verdict
                case Differs(columns=columns):
                    turns = [
                        number
                        for number, spot in enumerate(self.spots)
                        if spot.column in columns and spot.column is not None and not states[number]
                    ]
                    if not turns:
                        return states, verdict
                    for number in turns:
                        states = turn(states, number)
                case Unbound(at=at):
                    unknown = self._spot_at(at)
                    found = [unknown] if unknown is not None and turned[unknown] < 2 else None
                    found = found or self._helpful(states, verdict, turned)
                    if not found:
                        return states, verdict
                    for number in found:
                        turned[number] += 1
                        states = turn(states, number)

    def _spot_at(self, at: int | None) -> int | None:
        """The spot that stands at *at*, or at the end of a dotted name there."""
        if at is None:
            return None
        found = [
            number for number, spot in enumerate(self.spots) if spot.start >= at and spot.end > spot.start
        ]
        if not found:
            return None
        between = self._text[at : self.spots[found[0]].start]
        return found[0] if not between or between.rstrip().endswith(".") else None

    def _helpful(self, states: States, verdict: Unbound, turned: Counter[int]) -> list[int]:
        """Spots whose turning gets past an error that has no place: one, or all that were not taken yet."""
        left = [n for n, spot in enumerate(self.spots) if spot.end > spot.start and not turned[n]]
        for number in left:
            other = self.verdict(turn(states, number))
            if not isinstance(other, Unbound) or (
                other.why != verdict.why and self._spot_at(other.at) != number
            ):
                return [number]
        rest = [number for number in left if not states[number]]
        together = states
        for number in rest:
            together = turn(together, number)
        other = self.verdict(together)
        return rest if not isinstance(other, Unbound) or other.why != verdict.why else []

    def _repaired(self, states: States, verdict: Verdict) -> tuple[States, Verdict]:
        """One spot taken otherwise, where every name is known and some mean something else."""
        if isinstance(verdict, Differs):
            for number in range(len(states)):
                other, found = self._settled(turn(states, number))
                if isinstance(found, Held):
                    return other, found
        return states, verdict


def turn(states: States, number: int) -> States:
    """The same but for one spot."""
    return (*states[:number], not states[number], *states[number + 1 :])
