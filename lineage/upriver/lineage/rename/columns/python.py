"""Another name for a column, in Python recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Asset, Key, Schema
from upriver.lineage.model import Analysis
from upriver.lineage.rename.columns.compare import Names
from upriver.lineage.rename.columns.find import Adapted
from upriver.lineage.rename.columns.sql import with_column
from upriver.lineage.rename.values import ByHand

Analyze: TypeAlias = Callable[[Key, Mapping[Key, Schema]], Analysis | Diagnosis]


class PythonColumns:
    """Rewrites Python recipes; *analyze* plans the recipe of an asset over upstreams of given columns."""

    def __init__(self, analyze: Analyze) -> None:
        self._analyze = analyze

    def adapted(
        self,
        asset: Asset,
        schemas: Mapping[Key, Schema],
        schema: Schema | None,
        renamed: frozenset[Key],
        old: str,
        new: str,
    ) -> Adapted | ByHand:
        """See :class:`upriver.lineage.rename.columns.find.AdaptsPython`."""
        path = asset.place.path
        before = self._analyze(asset.key, schemas)
        if isinstance(before, Diagnosis) or before.opaque or before.schema is None:
            cause = before.message if isinstance(before, Diagnosis) else "it is no lazy plan"
            if not isinstance(before, Diagnosis) and before.opaque:
                cause = before.opaque[0].cause
            return ByHand(asset.place, f"nobody can tell what its code calls {old}: {cause}")
        after = self._analyze(
            asset.key,
            {key: with_column(one, old, new) if key in renamed else one for key, one in schemas.items()},
        )
        for passes in (False, True):
            names = Names(old, new, {*renamed, asset.key} if passes else renamed)
            if renamed and isinstance(after, Analysis) and names.difference(asset.key, before, after) is None:
                return Adapted(path, (), passes)
        return ByHand(asset.place, f"its code names {old}")
