"""Analysis of dropping a column: what breaks downstream, told before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from upriver.assets.errors import Diagnosis, UsageError, did_you_mean
from upriver.assets.model import Key, Schema
from upriver.lineage.model import Analysis
from upriver.materializer.answers import Impact, Impacts
from upriver.materializer.context import Context
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.model import Cause, Reason
from upriver.materializer.refactoring.impact import contract_reason
from upriver.materializer.sources.observe import sources_of


def dropping(context: Context, key: Key, column: str) -> Impacts:
    """Which assets break without *column* of *key*, and at which line; which columns are lost with it or change.

    Every recipe downstream is bound to columns without it. One that selects everything loses it too, and its readers
    are looked at without that. What only waits for a broken one is not told. Raises UsageError for an unknown column.
    """
    schemas = Schemas(context, SourceViews(sources_of(context)))
    name = _known(key, column, schemas.of(key))
    found = _Dropping(context, schemas, key, name)
    return tuple(found.effects())


def _known(key: Key, column: str, schema: Schema | None) -> str:
    if not schema:
        raise UsageError(
            f"the columns of {key} are not known before it is built\n  hint: upriver build {key}"
        )
    names = [one.name for one in schema]
    found = column if column in names else next((n for n in names if n.lower() == column.lower()), None)
    if found is None:
        hint = did_you_mean(column, names)
        raise UsageError(f"{key} has no column {column!r}" + (f"; {hint}" if hint else ""))
    return found


class _Dropping:
    def __init__(self, context: Context, schemas: Schemas, key: Key, column: str) -> None:
        self._project = context.project(refresh=False)
        self._analyzer = context.analyzer()
        self._what_if = context.what_if()
        self._schemas = schemas
        self._key, self._column = key, column
        self._lost: dict[Key, set[str]] = {key: {column}}

    def effects(self) -> Iterable[Impact]:
        """Downstream, in topological order."""
        graph = self._project.graph
        if (own := self._project.assets.get(self._key)) is not None:
            for promised in own.quality.columns:
                if promised.name.lower() == self._column.lower():
                    said = Diagnosis(
                        "contract", f"{self._key} promises the column {promised.name}", promised.place
                    )
                    yield Impact(
                        self._key, self._column, "breaks", contract_reason(own, said), promised.place
                    )
        for key in graph.sort(graph.descendants([self._key])):
            if key != self._key and self._lost.keys() & set(self._project.reads.get(key, ())):
                yield from self._effects_on(key)

    def _effects_on(self, key: Key) -> Iterable[Impact]:
        if key in self._project.broken:
            return
        reads = self._project.reads[key]
        upstreams = {up: schema for up in reads if (schema := self._schemas.of(up)) is not None}
        before = self._analyzer.analyze(key, upstreams) if len(upstreams) == len(reads) else None
        if not isinstance(before, Analysis):
            return  # it is broken, or not known, with the column as well
        now = self._what_if.analyze(key, self._without(upstreams))
        asset = self._project.assets[key]
        if isinstance(now, Diagnosis):
            detail = "dropped, and needed here"
            if now.code == "contract":
                detail = f"dropped: {contract_reason(asset, now).detail}"
            elif now.code != "unknown-column":
                detail = f"dropped: {now.message}"
            yield Impact(key, None, "breaks", self._because(detail), now.place or asset.place)
        elif before.opaque or now.opaque:
            cause = (now.opaque or before.opaque)[0].cause
            detail = f"dropped; it can't be told whether it is needed here: {cause}"
            yield Impact(key, None, "changes", self._because(detail), asset.place)
        else:
            yield from self._changes(key, before, now)

    def _changes(self, key: Key, before: Analysis, now: Analysis) -> Iterable[Impact]:
        left = {column.name: column.type for column in now.schema or ()}
        then = {column.name: column.type for column in before.schema or ()}
        lost = then.keys() - left.keys()
        if lost:
            self._lost[key] = lost
        place = self._project.assets[key].place
        for name, type in then.items():
            if name in lost:
                yield Impact(key, name, "changes", self._because("dropped: this column goes as well"), place)
            elif left[name] != type or _made(before, name) != _made(now, name):
                yield Impact(key, name, "changes", self._because("dropped: it is made otherwise"), place)

    def _without(self, upstreams: Mapping[Key, Schema]) -> dict[Key, Schema]:
        return {
            key: tuple(column for column in schema if column.name not in self._lost.get(key, ()))
            for key, schema in upstreams.items()
        }

    def _because(self, detail: str) -> Reason:
        return Reason(Cause.SCHEMA, self._key, (self._column,), detail)


def _made(analysis: Analysis, name: str) -> set[tuple[Key, str | None, str]]:
    """What flows into a column and what decides it."""
    return {
        (edge.upstream, edge.upstream_column, edge.kind.value)
        for edge in analysis.edges
        if edge.column == name
    }
