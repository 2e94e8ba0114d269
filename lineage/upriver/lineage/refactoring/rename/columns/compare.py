"""Comparison of a recipe before and after a rename of a column: the same meaning, up to the names."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from upriver.assets.model import Key
from upriver.lineage.model import Analysis


class Names:
    """Column *old* of the assets *carried* is called *new* afterwards."""

    def __init__(self, old: str, new: str, carried: Collection[Key]) -> None:
        self._old, self._new = old, new
        self._carried = frozenset(carried)

    def before(self, key: Key, column: str) -> str:
        """What *column* of *key* was called."""
        return self._old if key in self._carried and column == self._new else column

    def difference(self, key: Key, before: Analysis, after: Analysis) -> str | None:
        """What of *key* is not the same but for the name, None when all is: its columns and their types, what flows
        into them and decides them, what is read of its upstreams.
        """
        if before.schema is None or after.schema is None:
            return "its columns would not be known" if before.schema != after.schema else None
        then = [(column.name, column.type) for column in before.schema]
        now = [(self.before(key, column.name), column.type) for column in after.schema]
        for one, other in zip(then, now, strict=False):
            if one != other:
                return f"its column {one[0]} {one[1]} would be {other[0]} {other[1]}"
        if len(then) != len(now):
            return "it would have other columns"
        if before.opaque != after.opaque:
            return after.opaque[0].cause if after.opaque else "it would be understood otherwise"
        edges, others = self._edges(key, before, now=False), self._edges(key, after, now=True)
        if edges != others:
            up, source, column, kind, how = min(edges ^ others)
            return f"{key}.{column} would be made otherwise of {up}.{source} ({how}, as {kind})"
        if (
            self._reads(before, now=False) != self._reads(after, now=True)
            or before.volatile != after.volatile
        ):
            return "it would read something else"
        return None

    def _edges(self, key: Key, found: Analysis, *, now: bool) -> set[tuple[str, str, str, str, str]]:
        return {
            (
                edge.upstream,
                self._called(edge.upstream, edge.upstream_column, now=now),
                self._called(key, edge.column, now=now),
                edge.kind.value,
                edge.how,
            )
            for edge in found.edges
        }

    def _called(self, key: Key, column: str | None, *, now: bool) -> str:
        """What a column is called before; the rows have no name."""
        if column is None:
            return ""
        return self.before(key, column) if now else column

    def _reads(self, found: Analysis, *, now: bool) -> list[Any]:
        return [
            (
                up,
                None
                if footprint.columns is None
                else sorted(self.before(up, one) if now else one for one in footprint.columns),
                footprint.predicate is None,
                footprint.ordered,
            )
            for up, footprint in found.footprints
        ]
