"""Rename of a column in queries: what is rewritten where it is read and where it is made.

A rewriting counts when the query binds to the very plan of before, over columns that are called otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key, Place, Schema, Value
from upriver.lineage.model import Analysis
from upriver.lineage.refactoring.rename.columns.compare import Names
from upriver.lineage.refactoring.rename.columns.search import (
    Differs,
    Held,
    Search,
    Spot,
    States,
    Unbound,
    Verdict,
    turn,
)
from upriver.lineage.refactoring.rename.columns.spots import (
    Words,
    following_spots,
    making_spots,
    reading_spots,
)
from upriver.lineage.refactoring.rename.values import ByHand
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import BoundText, Edit, Query, substitutions
from upriver.lineage.sql.plan.binder import Binder
from upriver.lineage.sql.text.tokens import tokens

_QUOTED_ALIAS = re.compile(r'(?<= as )"([^"]+)"$')


class Rewritten(Value, frozen=True):
    """*edits* of ``Query.text`` under which the query means what it has meant. *passes* is whether its own column of
    the old name is called by the new one from now on. *because* says why the query goes on reading the column under its
    old name, from a subquery that gives it back; empty where it does not.
    """

    edits: tuple[Edit, ...]
    passes: bool
    because: str = ""


class QueryColumns:
    """Rewrites one *query* over *schemas* so that column *old* is called *new*, in the upstreams *renamed*, or (where
    there are none of these) in its own output.
    """

    def __init__(
        self,
        binder: Binder,
        query: Query,
        schemas: Mapping[Key, Schema],
        old: str,
        new: str,
        renamed: Collection[Key],
    ) -> None:
        self._binder = binder
        self._query = query
        self._old, self._new = old, new
        self._renamed = frozenset(renamed)
        self._makes = not self._renamed
        self._schemas = {
            key: with_column(schema, old, new) if key in self._renamed else schema
            for key, schema in schemas.items()
        }
        self._before = binder.analyze(query, schemas, lambda key, name: name)

    def rewritten(self) -> Rewritten | ByHand:
        """What has to be written, or why only a person can."""
        before = self._before
        if isinstance(before, Diagnosis):
            return ByHand(before.place or self._place(), f"it can't be bound today: {before.message}")
        if before.schema is None or before.binding == self._query.fingerprint:
            cause = before.opaque[0].cause if before.opaque else "its plan is not known"
            return ByHand(self._place(), f"it can't be told whether it would mean the same: {cause}")
        if self._makes:
            return self._made(before.schema)
        if _names_are_data(self._query):
            found: Rewritten | ByHand = ByHand(self._place(), "alias() makes the names of columns data")
        else:
            found = self._read(before)
        return self._given_back(before, found) if isinstance(found, ByHand) else found

    # -- where it is read --------------------------------------------------------------------------------
    def _read(self, before: Analysis) -> Rewritten | ByHand:
        assert before.schema is not None
        words = Words(self._query, self._binder.keywords)
        refusal: Verdict | None = None
        spellings = {self._old: None, **dict.fromkeys(t.name for t in words.named(self._old))}
        for called in spellings:  # a column may be called as the query spells it, or as its upstream does
            spots = reading_spots(words, self._old, self._new, called, before.schema)
            search = Search(self._text(), spots, self._judge)
            ends = {token.end for token in words.tokens if words.is_column(token)}
            read = tuple(spot.end > spot.start and spot.end in ends for spot in spots)
            found = search.find((read, (False,) * len(spots)))
            if found is not None:
                return self._shortest(search, *self._kept(search, *found))
            refusal = refusal or search.refused
        return self._refused(refusal)

    def _kept(self, search: Search, states: States, held: Held) -> tuple[States, Held]:
        """With the output column's old name given back, where that can be written."""
        for number, spot in enumerate(search.spots if held.passes else ()):
            if spot.column is not None and not states[number]:
                other = search.verdict(turn(states, number))
                if isinstance(other, Held) and not other.passes:
                    return turn(states, number), other
        return states, held

    def _shortest(self, search: Search, states: States, held: Held) -> Rewritten:
        """Without names that nothing asks for: ``where id in (select old …)`` needs none."""
        spots = list(search.spots)
        for number, taken in enumerate(states):
            name, alias, _ = spots[number].text.partition(" as ")
            if taken and alias and name:
                tried = [
                    *spots[:number],
                    msgspec.structs.replace(spots[number], text=name),
                    *spots[number + 1 :],
                ]
                if self._judge(Search(self._text(), tried, self._judge).edited(states)) == held:
                    spots = tried
        return Rewritten(tuple(Search(self._text(), spots, self._judge).edits(states)), held.passes)

    def _given_back(self, before: Analysis, refused: ByHand) -> Rewritten | ByHand:
        """The query over a subquery that gives the column its old name back: what joins by it, or sees whole rows or
        names, sees what it saw. That is a step more in the plan, so that only columns and edges can be compared.
        """
        query, words = self._query, Words(self._query, self._binder.keywords)
        mine = [one for one in query.references if one.key in self._renamed]
        if query.dialect != "duckdb" or not mine or any(one.bare for one in mine):
            return refused
        renamed = f"* rename ({words.written(self._new)} as {words.written(self._old)})"

        def relation(key: Key) -> str:
            name = ".".join(words.written(part) for part in key.split("."))
            return f"(select {renamed} from {name})" if key in self._renamed else key

        edits = [
            msgspec.structs.replace(one, replacement=_QUOTED_ALIAS.sub(words.bare, one.replacement))
            for one in substitutions(query, relation)
        ]
        after = self._bound(BoundText(self._text(), edits).text)
        if isinstance(after, Diagnosis):
            return refused
        difference = Names(self._old, self._new, self._renamed).difference("", before, after)
        return refused if difference is not None else Rewritten(tuple(edits), False, refused.why)

    # -- where it is made --------------------------------------------------------------------------------
    def _made(self, schema: Schema) -> Rewritten | ByHand:
        words = Words(self._query, self._binder.keywords)
        index = next(n for n, column in enumerate(schema) if column.name.lower() == self._old.lower())
        refusal: Verdict | None = None
        for origin in making_spots(words, self._old, self._new, index, len(schema)):
            spots = _apart([*origin, *following_spots(words, self._old, self._new, origin)])
            search = Search(self._text(), spots, self._judge)
            start = tuple(spot in origin for spot in spots)
            if (found := search.find((start,))) is not None:
                return Rewritten(tuple(search.edits(found[0])), passes=True)
            refusal = refusal or search.refused
        if isinstance(refusal, Differs) and "rename" not in refusal.why:
            return self._refused(refusal)
        called, new = words.written(self._old), words.written(self._new)
        return ByHand(
            self._place(),
            f"the place that calls {self._old} so was not found "
            f"(put select * rename ({called} as {new}) from (…) around the query instead)",
        )

    # -- judging -----------------------------------------------------------------------------------------
    def _judge(self, text: BoundText) -> Verdict:
        found = self._bound(text.text)
        if isinstance(found, Diagnosis):
            if found.code == "sql-syntax":
                return Differs(found.message)
            at = _offset(text.text, self._query.first_line, found.place)
            return Unbound(found.message, None if at is None else text.origin(at), found.place)
        assert isinstance(self._before, Analysis)
        assert self._before.schema is not None
        return self._compared(self._before, self._before.schema, found)

    def _bound(self, text: str) -> Analysis | Diagnosis:
        """The query as *text*, over columns that are called otherwise."""
        query = self._query
        after = parse_query(
            text + query.text[len(self._text()) :], query.dialect, query.path, query.first_line
        )
        return (
            after
            if isinstance(after, Diagnosis)
            else self._binder.analyze(after, self._schemas, self._called)
        )

    def _compared(self, before: Analysis, schema: Schema, after: Analysis) -> Verdict:
        if after.schema is None or len(after.schema) != len(schema):
            return Differs("it would give other columns")
        pairs = list(zip(schema, after.schema, strict=True))
        passed = [one.name.lower() == self._old.lower() and other.name == self._new for one, other in pairs]
        others = tuple(
            number
            for number, (one, other) in enumerate(pairs)
            if one.name != other.name and not passed[number]
        )
        if others:
            named = ", ".join(f"{schema[n].name} {after.schema[n].name}" for n in others[:3])
            return Differs(f"it would call {named}", others)
        if any(one.type != other.type for one, other in pairs):
            return Differs("its columns would have other types")
        if self._makes and not any(passed):
            return Differs(f"{self._old} would still be called so")
        if after.binding != before.binding:
            return Differs(f"with {self._new} for {self._old} it would mean something else")
        return Held(any(passed))

    def _called(self, key: Key | None, name: str) -> str:
        """The names of before."""
        if name != self._new:
            return name
        if key is None:
            assert isinstance(self._before, Analysis)
            before = {column.name for column in self._before.schema or ()}
            return (
                next((one for one in before if one.lower() == self._old.lower()), name)
                if name not in before
                else name
            )
        return self._old if key in self._renamed else name

    def _text(self) -> str:
        """The query as its author wrote it, without what follows its last word."""
        return self._query.executable if self._query.dialect == "duckdb" else self._query.text

    def _place(self) -> Place:
        return Place(self._query.path or "<query>", self._query.first_line)

    def _refused(self, verdict: Verdict | None) -> ByHand:
        match verdict:
            case Unbound(why=why, place=place):
                return ByHand(place or self._place(), f"it can't be rewritten: {why}{self._advice(why)}")
            case Differs(why=why):
                return ByHand(self._place(), f"it can't be rewritten: {why}")
        return ByHand(self._place(), f"the places that read {self._old} were not found")

    def _advice(self, why: str) -> str:
        if "side of join" in why:
            return f" (join it by ON instead of USING ({self._old}) first)"
        return ""


def _names_are_data(query: Query) -> bool:
    """Whether a function reads what a column is called: no plan shows that."""
    words = list(tokens(query.executable))
    return any(
        word.name.lower() == "alias" and after.text == "(" and word.kind in ("word", "quoted")
        for word, after in pairwise(words)
    )


def with_column(schema: Schema, old: str, new: str) -> Schema:
    """*schema* with column *old* called *new*."""
    return tuple(
        msgspec.structs.replace(column, name=new) if column.name.lower() == old.lower() else column
        for column in schema
    )


def _apart(spots: Sequence[Spot]) -> list[Spot]:
    """*spots* in the order of the text, without those that overlap an earlier one of the list."""
    kept: list[Spot] = []
    for spot in spots:
        if not any(one.start < spot.end and spot.start < one.end for one in kept):
            kept.append(spot)
    return sorted(kept, key=lambda spot: (spot.start, spot.end))


def _offset(text: str, first_line: int, place: Place | None) -> int | None:
    """The offset in *text*, which starts on *first_line*, of a place that is more than a line."""
    if place is None or place.column is None:
        return None
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: place.line - first_line]) + place.column - 1
