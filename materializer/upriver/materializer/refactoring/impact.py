"""Impact of changed columns downstream: which recipes break, which columns only change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from upriver.assets.errors import DeclarationError, Diagnosis, UsageError
from upriver.assets.model import Asset, Key, Schema, Value
from upriver.lineage.model import Analysis
from upriver.materializer.answers import Impact, Impacts
from upriver.materializer.context import Context
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.inspection.lineage import Lineage
from upriver.materializer.model import Cause, Reason
from upriver.materializer.sources.observe import sources_of


class Fate(StrEnum):
    """What became of a column."""

    DROPPED = "dropped"
    ADDED = "added"
    RETYPED = "retyped"
    MOVED = "moved"


class Difference(Value, frozen=True):
    """One column of one asset or source that is not what it was. *detail* is a phrase for people."""

    key: Key
    column: str
    fate: Fate
    detail: str

    @property
    def reason(self) -> Reason:
        """As the cause of what it does to others."""
        return Reason(Cause.SCHEMA, self.key, (self.column,), self.detail)


def impact(context: Context, since: str | None) -> Impacts:
    """What the columns that differ from before do to those that read them.

    Before is what was last built, or with *since* the project as of that git revision, analysed against
    today's sources. The recipes are today's. Raises UsageError when there is no before.
    """
    now = Schemas(context, SourceViews(sources_of(context)))
    project = context.project(refresh=False)
    before = _schemas_at(context, since) if since else _schemas_built(context)
    differences = {
        key: _differences(key, before[key], present)
        for key in project.graph.order
        if key in before and (present := now.of(key)) is not None
    }
    judge = _Judge(context, now, before)
    found: list[Impact] = []
    for key in project.graph.order:
        if key in project.assets:
            concerned = [one for up in project.reads[key] for one in differences.get(up, ())]
            found += judge.reader(key, concerned)
    return tuple(dict.fromkeys(found))


class _Judge:
    """Tells what differences do to one reader, by its lineage over the columns of now and of before."""

    def __init__(self, context: Context, now: Schemas, before: Mapping[Key, Schema]) -> None:
        self._reads = context.project(refresh=False).reads
        self._assets = context.project(refresh=False).assets
        self._analyzer = context.analyzer()
        self._lineage = Lineage(context, now)
        self._now = now
        self._before = before

    def reader(self, key: Key, differences: list[Difference]) -> Iterable[Impact]:
        """What *differences* of its upstreams do to *key*."""
        problem = self._now.problem(key)
        before = self._analysis_before(key)
        if problem is not None and problem.code == "contract":
            asset = self._assets[key]
            return [Impact(key, None, "breaks", contract_reason(asset, problem), problem.place)]
        if problem is not None:
            return self._broken(key, str(problem).partition("\n")[0], differences, before)
        if not differences:
            return ()
        now = self._lineage.analysis(key)
        if before is not None and not before.opaque and now.opaque:
            return self._broken(key, now.opaque[0].cause, differences, before)
        return [effect for one in differences for effect in _changed(key, one, before, now)]

    def _analysis_before(self, key: Key) -> Analysis | None:
        """The recipe of now over the columns of before; None when these are not known, or can't be bound."""
        schemas = {up: self._before[up] for up in self._reads[key] if up in self._before}
        if len(schemas) < len(self._reads[key]):
            return None
        found = self._analyzer.analyze(key, schemas)
        return None if isinstance(found, Diagnosis) else found

    def _broken(
        self, key: Key, problem: str, differences: list[Difference], before: Analysis | None
    ) -> list[Impact]:
        """Every lost column that it read is why, else every one that is not what it was; without one, the error
        itself is told. What else happened to its upstreams only changes its columns.
        """
        read = None if before is None or before.opaque else _columns_read(before)
        concerned = [
            one
            for one in differences
            if one.fate is not Fate.ADDED and (read is None or (one.key, one.column) in read)
        ]
        causes = [one for one in concerned if one.fate is Fate.DROPPED] or concerned
        reasons = [one.reason for one in causes] or [Reason(Cause.SCHEMA, key, detail=problem)]
        effects = [Impact(key, None, "breaks", reason) for reason in reasons]
        if read is None or before is None:
            return effects
        others = [one for one in concerned if one not in causes and one.fate is Fate.RETYPED]
        return effects + [effect for one in others for effect in _changed(key, one, before, before)]


def contract_reason(asset: Asset, problem: Diagnosis) -> Reason:
    """Why the contract of *asset* is broken, and whose it is."""
    whose = f" (owner {asset.owner})" if asset.owner else ""
    return Reason(Cause.SCHEMA, asset.key, detail=f"its contract{whose} is broken: {problem.message}")


def _changed(key: Key, one: Difference, before: Analysis | None, now: Analysis) -> list[Impact]:
    """A lost column is looked for in the lineage of before, others in that of now; one that only stands elsewhere
    matters where the lineage is another.
    """
    analysis = before if one.fate is Fate.DROPPED else now
    if analysis is None or analysis.opaque:
        return [Impact(key, None, "changes", one.reason)]
    hit = _made_of(analysis, one)
    if one.fate is Fate.MOVED and before is not None and not before.opaque:
        hit ^= _made_of(before, one)
    columns = sorted(column for column in hit if column is not None)
    rows = [None] if None in hit else []
    return [Impact(key, column, "changes", one.reason) for column in (*columns, *rows)]


def _made_of(analysis: Analysis, one: Difference) -> set[str | None]:
    """The columns that are made or decided by one, None among them for the rows."""
    return {
        edge.column
        for edge in analysis.edges
        if edge.upstream == one.key and edge.upstream_column == one.column
    }


def _columns_read(analysis: Analysis) -> set[tuple[Key, str | None]]:
    return {(edge.upstream, edge.upstream_column) for edge in analysis.edges}


def _differences(key: Key, before: Schema, now: Schema) -> list[Difference]:
    then = {column.name: column.type for column in before}
    present = {column.name: column.type for column in now}
    found = []
    for place, column in enumerate(before):
        if column.name not in present:
            heir = now[place] if place < len(now) else None
            renamed = heir is not None and heir.name not in then and heir.type == column.type
            detail = f"; {heir.name} is in its place" if renamed and heir is not None else ""
            found.append(Difference(key, column.name, Fate.DROPPED, f"dropped (was {column.type}){detail}"))
    for name, type in present.items():
        if name not in then:
            found.append(Difference(key, name, Fate.ADDED, f"added as {type}"))
        elif then[name] != type:
            found.append(Difference(key, name, Fate.RETYPED, f"{then[name]} became {type}"))
    return found + _moves(key, before, now)


def _moves(key: Key, before: Schema, now: Schema) -> list[Difference]:
    """The columns that stand elsewhere among those that there were and are."""
    names = {column.name for column in before} & {column.name for column in now}
    then = [column.name for column in before if column.name in names]
    present = [column.name for column in now if column.name in names]
    return [
        Difference(key, name, Fate.MOVED, f"moved from place {then.index(name) + 1} to {at + 1}")
        for at, name in enumerate(present)
        if then[at] != name
    ]


def _schemas_built(context: Context) -> Mapping[Key, Schema]:
    current = context.state.current(context.environment)
    if not current:
        raise UsageError(
            "nothing has been built yet, so there is nothing to compare with: build first, or name a git "
            "revision with --since"
        )
    return {node.asset: record.version.schema for node, record in current.items() if record.version.schema}


def _schemas_at(context: Context, revision: str) -> Mapping[Key, Schema]:
    """The columns that the project had at a git revision, from a copy of its files of then beside today's
    data.
    """
    from upriver.materializer.refactoring.git_checkout import checkout

    with checkout(context.root, revision) as root:
        then = context.beside(root)
        try:
            project = then.project()
            schemas = Schemas(then, SourceViews(sources_of(then)))
            return {key: schema for key in project.graph.order if (schema := schemas.of(key))}
        except DeclarationError as error:
            raise UsageError(f"the project of revision {revision!r} can't be read:\n\n{error}") from error
        finally:
            then.close()
