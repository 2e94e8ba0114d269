"""Descriptions of columns: those that are declared, and those that come along with columns that are passed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from upriver.assets.model import Key
from upriver.lineage.model import Analysis, ColumnEdge, EdgeKind
from upriver.lineage.project.project import Project
from upriver.materializer.freshness.schemas import Schemas

COPY = "copy"


class Descriptions:
    """What columns are described as. One that an asset takes unchanged from one upstream column, and does not describe
    itself, is described as there.
    """

    def __init__(self, project: Project, schemas: Schemas) -> None:
        self._project = project
        self._schemas = schemas
        self._known: dict[Key, Mapping[str, str]] = {}
        self._declared = frozenset(
            key
            for key, asset in project.assets.items()
            if any(one.description for one in asset.quality.columns)
        )

    def of(self, key: Key) -> Mapping[str, str]:
        """The descriptions of the columns of *key*, by lower-case name; only those that there are."""
        if key not in self._known:
            # Upstream first, however long the chain is. Where nothing is described, nothing is looked at.
            graph = self._project.graph
            around = graph.ancestors([key])
            described = graph.descendants(self._declared & around) & around
            for one in graph.sort(described | {key}):
                if one not in self._known:
                    self._known[one] = self._find(one) if one in described else {}
        return self._known[key]

    def _find(self, key: Key) -> Mapping[str, str]:
        asset = self._project.assets.get(key)
        if asset is None:
            return {}
        found: dict[str, str] = {}
        analysis = self._schemas.analysis(key)
        if isinstance(analysis, Analysis):
            for column, (upstream, name) in _copies(analysis.edges).items():
                text = self._known.get(upstream, {}).get(name.lower())
                if text:
                    found[column.lower()] = text
        found |= {one.name.lower(): one.description for one in asset.quality.columns if one.description}
        return found


def _copies(edges: Iterable[ColumnEdge]) -> Mapping[str, tuple[Key, str]]:
    """The columns that are one upstream column as it is, with that."""
    sources: dict[str, list[ColumnEdge]] = {}
    for edge in edges:
        if edge.column is not None and edge.kind is EdgeKind.VALUE:
            sources.setdefault(edge.column, []).append(edge)
    return {
        column: (only.upstream, only.upstream_column)
        for column, (only, *others) in sources.items()
        if not others and only.how == COPY and only.upstream_column is not None
    }
