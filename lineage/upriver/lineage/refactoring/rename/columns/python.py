"""Rename of a column in Python recipes: the texts that mean it, found by the plan that the code gives with them
written otherwise.

A rewriting counts when the recipe, run on empty frames whose column has the new name, returns the very plan of before
up to that name. Code that gives no lazy plan can't be looked into, and is left to a person.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from upriver.assets.model import Asset, CodePart, Frame, Key, Place, PythonRecipe, Schema
from upriver.lineage.analysis.planner_process import Hypothesis
from upriver.lineage.model import Analysis, UnknownColumn
from upriver.lineage.refactoring.rename.columns.compare import Names
from upriver.lineage.refactoring.rename.columns.find import Adapted
from upriver.lineage.refactoring.rename.columns.python_spots import Places, Use, function_at, returned, uses
from upriver.lineage.refactoring.rename.columns.search import (
    Differs,
    Held,
    Search,
    Spot,
    States,
    Unbound,
    Verdict,
)
from upriver.lineage.refactoring.rename.columns.sql import with_column
from upriver.lineage.refactoring.rename.python import Module
from upriver.lineage.refactoring.rename.values import ByHand, Edit
from upriver.lineage.sql.parse.query import BoundText

WhatIf: TypeAlias = Callable[[Key, Mapping[Key, Schema], Hypothesis | None], Analysis | UnknownColumn]
"""See :meth:`upriver.lineage.analysis.analyzer.Analyzer.what_if`."""


_RENAMES = (Frame.LAZY, Frame.EAGER, Frame.ANY)
"""What has a method that gives columns other names."""


class PythonColumns:
    """Rewrites Python recipes of the project at *root*; *parts* gives the code that a recipe consists of."""

    def __init__(self, root: Path, what_if: WhatIf, parts: Callable[[Key], Iterable[CodePart]]) -> None:
        self._root = root
        self._what_if = what_if
        self._parts = parts

    def adapted(
        self,
        asset: Asset,
        schemas: Mapping[Key, Schema],
        renamed: frozenset[Key],
        old: str,
        new: str,
    ) -> Adapted | ByHand:
        """See :class:`upriver.lineage.refactoring.rename.columns.find.AdaptsPython`."""
        before = self._what_if(asset.key, schemas, None)
        if isinstance(before, UnknownColumn):
            return ByHand(asset.place, f"it can't run today: there is no column {before.name!r} for it")
        if before.opaque or before.schema is None or not before.binding:
            cause = before.opaque[0].cause if before.opaque else "its plan can't be told by content"
            refused = ByHand(
                self.first(asset, old, new), f"it can't be told what its code calls {old}: {cause}"
            )
            spots = (
                self.given_back(asset, renamed, old, new)
                if renamed
                else self.renamed_at_the_end(asset, old, new)
            )
            if not spots:
                return refused
            module = self.module(asset.place.path)
            return Adapted(module.path, _edits(module.content.decode(), spots), not renamed, cause)
        return _Recipe(self, asset, before, schemas, renamed, old, new).adapted()

    def given_back(self, asset: Asset, renamed: frozenset[Key], old: str, new: str) -> list[Spot]:
        """What gives the column its old name back wherever the recipe takes a frame that has it: then all the rest of
        the code sees what it saw. Empty where that can't be written.
        """
        recipe = asset.recipe
        assert isinstance(recipe, PythonRecipe)
        module = self.module(asset.place.path)
        function = function_at(module, recipe.qualname, asset.place.line)
        inputs = [one for one in recipe.inputs if one.key in renamed]
        if function is None or any(one.frame not in _RENAMES for one in inputs):
            return []
        spots = []
        for one in inputs:
            taken = uses(function, one.parameter)
            if taken is None:
                return []
            for name in taken:
                end = len(module.content[: module.end(name)].decode())
                spots.append(Spot(end, end, f".rename({{{_quoted(new)}: {_quoted(old)}}})"))
        return spots

    def renamed_at_the_end(self, asset: Asset, old: str, new: str) -> list[Spot]:
        """What gives the column its new name in all that the recipe returns. Empty where that can't be written."""
        recipe = asset.recipe
        assert isinstance(recipe, PythonRecipe)
        module = self.module(asset.place.path)
        function = function_at(module, recipe.qualname, asset.place.line)
        if function is None or recipe.returns not in (Frame.LAZY, Frame.EAGER):
            return []
        spots = []
        renamed = f".rename({{{_quoted(old)}: {_quoted(new)}}})"
        for value in returned(function):
            start, end = (
                len(module.content[:at].decode()) for at in (module.start(value), module.end(value))
            )
            bare = isinstance(value, ast.Name | ast.Call | ast.Attribute | ast.Subscript)
            spots.append(Spot(start, start, "" if bare else "("))
            spots.append(Spot(end, end, renamed if bare else f"){renamed}"))
        return spots

    def first(self, asset: Asset, old: str, new: str) -> Place:
        """Where the code of *asset* says *old* first, where it starts if it does not."""
        module = self.module(asset.place.path)
        spots = Places(module, self.parts(asset.key), old, new).spots
        if not spots:
            return asset.place
        text = module.content.decode()
        return Place(module.path, text.count("\n", 0, spots[0][0].start) + 1)

    def module(self, path: str) -> Module:
        """A module as it is."""
        return Module(path, (self._root / path).read_bytes())

    def parts(self, key: Key) -> Iterable[CodePart]:
        """The code of a recipe."""
        return self._parts(key)

    def what_if(
        self, key: Key, schemas: Mapping[Key, Schema], hypothesis: Hypothesis
    ) -> Analysis | UnknownColumn:
        """The plan if the module had another text."""
        return self._what_if(key, schemas, hypothesis)


class _Recipe:
    def __init__(
        self,
        project: PythonColumns,
        asset: Asset,
        before: Analysis,
        schemas: Mapping[Key, Schema],
        renamed: frozenset[Key],
        old: str,
        new: str,
    ) -> None:
        assert isinstance(asset.recipe, PythonRecipe)
        self._project = project
        self._asset = asset
        self._before = before
        self._renamed = renamed
        self._old, self._new = old, new
        self._schemas = {
            key: with_column(schema, old, new) if key in renamed else schema
            for key, schema in schemas.items()
        }
        self._module = project.module(asset.place.path)
        self._text = self._module.content.decode()
        self._exactly = True

    def adapted(self) -> Adapted | ByHand:
        places = Places(self._module, self._project.parts(self._asset.key), self._old, self._new)
        refusal: Verdict | None = None
        for spots, starts in self._ways(places):
            search = Search(self._text, spots, self._judge)
            found = search.find(starts)
            if found is not None:
                because = _why(refusal) if self._renamed and not self._exactly else ""
                edits = _edits(
                    self._text, [s for s, taken in zip(search.spots, found[0], strict=True) if taken]
                )
                return Adapted(self._module.path, edits, found[1].passes, because)
            refusal = refusal or search.refused
        place = self._project.first(self._asset, self._old, self._new)
        return ByHand(place, f"its code can't be rewritten: {_why(refusal)}")

    def _ways(self, places: Places) -> Iterable[tuple[list[Spot], list[States]]]:
        """Spots and how to start with them, the likeliest first."""
        spots = [spot for spot, _ in places.spots]
        uses = [use for _, use in places.spots]
        reads = tuple(use is Use.READS for use in uses)
        none, every = (False,) * len(spots), tuple(use is not Use.DATA for use in uses)
        if self._renamed:
            yield spots, list(dict.fromkeys([none, reads, every]))
            self._exactly = False
            back = self._project.given_back(self._asset, self._renamed, self._old, self._new)
            if back:
                yield back, [(True,) * len(back)]
            return
        names = [number for number, use in enumerate(uses) if use is Use.NAMES]
        starts = [tuple(n == number for n in range(len(spots))) for number in reversed(names)]
        yield spots, [*starts, *([every] if any(every) else [])]
        # What follows makes a step of the plan another one: there only columns and edges can be compared.
        self._exactly = False
        for item in reversed(places.items()):
            yield [item], [(True,)]
        end = self._project.renamed_at_the_end(self._asset, self._old, self._new)
        if end:
            yield end, [(True,) * len(end)]

    def _judge(self, text: BoundText) -> Verdict:
        hypothesis = Hypothesis(text.text.removeprefix("\ufeff"), self._old, self._new)
        found = self._project.what_if(self._asset.key, self._schemas, hypothesis)
        if isinstance(found, UnknownColumn):
            return Unbound(f"there would be no column {found.name!r} for it")
        if found.opaque:
            return Differs(found.opaque[0].cause)
        why = ""
        for passes in (False, True) if self._renamed else (True,):
            names = Names(
                self._old, self._new, {*self._renamed, self._asset.key} if passes else self._renamed
            )
            difference = names.difference(self._asset.key, self._before, found)
            same = not self._exactly or found.binding == self._before.binding
            if difference is None and same and self._is_called(found, passes):
                return Held(passes)
            why = why or difference or f"with {self._new} for {self._old} it would mean something else"
        return Differs(why)

    def _is_called(self, found: Analysis, passes: bool) -> bool:
        """Whether its own column is called as it is said to be."""
        return any(column.name == self._new for column in found.schema or ()) or not passes


def _edits(text: str, spots: Iterable[Spot]) -> tuple[Edit, ...]:
    """*spots* of a text as edits of its bytes."""
    return tuple(
        Edit(len(text[: one.start].encode()), len(text[: one.end].encode()), one.text) for one in spots
    )


def _why(refusal: Verdict | None) -> str:
    return refusal.why if isinstance(refusal, Unbound | Differs) else "no place that names it was found"


def _quoted(text: str) -> str:
    """*text* as Python writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)
