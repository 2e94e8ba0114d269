"""The present: every asset decided against what its upstreams are now. Status, plan, why and build all start
here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from os.path import exists

from upriver.assets.errors import Diagnosis, UpriverError
from upriver.assets.model import Key, PythonRecipe, Schema, SqlRecipe
from upriver.lineage.analysis.analyzer import plannable
from upriver.lineage.model import WHOLE, Analysis, Footprint
from upriver.lineage.project.project import Project
from upriver.materializer.context import Context
from upriver.materializer.freshness.comparison import LiveContents, contents_of
from upriver.materializer.freshness.decide import Settled, Unsettled, Upstream
from upriver.materializer.freshness.decider import Decider, Finding
from upriver.materializer.freshness.row_order import ordered_assets
from upriver.materializer.freshness.subjects import subjects, today
from upriver.materializer.model import Cause, Failure, Materialization, State
from upriver.materializer.sources.observe import SourceMissing, Sources, source_schema, sources_of

_MANY = 64
"""So many queries are bound by several threads; fewer are done before the threads have begun."""
_BINDERS = 4


class SourceViews:
    """Sources as upstreams; remembers why one has no content."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.problems: dict[Key, str] = {}
        self.missing: set[Key] = set()

    def upstream(self, key: Key) -> Upstream:
        """What *key* holds now; unsettled when it can't be read."""
        try:
            version = self.sources.version(key)
        except SourceMissing as error:
            self.problems[key] = str(error)
            self.missing.add(key)
        except UpriverError as error:
            self.problems[key] = str(error)
        else:
            self.problems.pop(key, None)
            return Settled(version)
        return Unsettled(State.MISSING)

    def sizes(self, keys: Iterable[Key]) -> dict[Key, int]:
        """The bytes of those sources among *keys* that were ever looked at."""
        known = {key: self.sources.known(key) for key in keys}
        return {key: record.version.bytes for key, record in known.items() if record is not None}


@dataclass
class Survey:
    """All assets decided, and what was looked at for it."""

    project: Project
    records: Mapping[Key, Materialization]
    failures: Mapping[Key, Failure]
    findings: dict[Key, Finding]
    broken: Mapping[Key, Diagnosis]
    decider: Decider
    contents: LiveContents
    views: SourceViews
    ordered: frozenset[Key] = frozenset()


def survey(
    context: Context,
    *,
    among: Collection[Key] | None = None,
    forced: Collection[Key] = (),
    verify: bool = False,
    check: bool = False,
    planning: bool = False,
    on_unbuilt: Callable[[], None] = lambda: None,
) -> Survey:
    """Decide the assets *among* (complete with their upstream; None: all). Raises DeclarationError.

    With *check*, queries that would be built are bound first, so that what can't work is known before
    anything runs; with *planning*, lazy Python recipes as well, which a build learns as soon by running them.
    *on_unbuilt* is called as soon as it is seen that something is not built, before it is bound.
    """
    project = context.project(refresh=False)
    graph = project.graph
    order = graph.order if among is None else graph.sort(among)
    state = context.state
    records = state.current(context.environment)
    failures = state.failures()
    contents = contents_of(context)
    contents.expect(read for record in records.values() for read in record.trace.reads)
    views = SourceViews(sources_of(context, verify=verify))
    sources = project.sources
    contents.keep_while(
        lambda key, version: key not in sources or views.sources.unchanged_since_look(key, version)
    )
    root = f"{context.root}/"

    def there(record: Materialization) -> bool:
        # For every asset at every command: pathlib would take as long as all the rest.
        return all(exists(root + file) for file in record.version.files)  # noqa: PTH110

    # What has another recipe now is built or reused before anybody takes what its record has read: with *check*, what
    # it will read is looked at below.
    ordered = ordered_assets(
        project.reads,
        (
            (read.upstream, read.footprint)
            for key, record in records.items()
            if key in project.assets and not (check and record.trace.recipe != project.fingerprints[key])
            for read in record.trace.reads
        ),
    )

    def decider(broken: Mapping[Key, Diagnosis], ordered: frozenset[Key]) -> Decider:
        return Decider(
            subjects(context, ordered),
            records,
            views.upstream,
            state.candidates,
            there,
            contents,
            failures=failures,
            broken={key: str(diagnosis) for key, diagnosis in broken.items()},
            today=today(context),
            forced=forced,
        )

    first = decider({}, ordered)
    findings = first.survey(order)
    broken: Mapping[Key, Diagnosis] = {}
    footprints: list[tuple[Key, Footprint]] = []
    if check:
        if any(finding.version is None for finding in findings.values()):
            on_unbuilt()
        broken, footprints = unbindable(context, findings, views, planning=planning)
    else:
        new = [key for key, finding in findings.items() if finding.version is None]
        # Who asks about one asset is told what is so when all are built.
        new += [key for key in project.assets if key not in findings and _is_new(project, records, key)]
        footprints = _reads_unbound(context, findings, new)
    # An earlier materialization that is to be taken again may have read in order, though that of now does not.
    reused = [finding.reuse for finding in findings.values() if finding.reuse is not None]
    footprints += [(read.upstream, read.footprint) for one in reused for read in one.trace.reads]
    wanted = ordered | ordered_assets(project.reads, footprints)
    if broken or wanted != ordered:
        ordered = wanted
        first = decider(broken, ordered)
        findings = first.survey(order)
    contents.flush()
    return Survey(project, records, failures, findings, broken, first, contents, views, ordered)


def unbindable(
    context: Context, findings: Mapping[Key, Finding], views: SourceViews, *, planning: bool = False
) -> tuple[dict[Key, Diagnosis], list[tuple[Key, Footprint]]]:
    """What would be built, bound against the schemas that its upstreams will have.

    Returns the queries (with *planning* the lazy Python recipes too) that can't be bound, and what all that would be
    built will read, as far as that is known.
    """
    project = context.project(refresh=False)
    unbuilt = [key for key, finding in findings.items() if finding.version is None]
    unmade = [key for key in unbuilt if isinstance(project.assets[key].recipe, SqlRecipe)]
    schemas = Schemas(context, views)
    schemas.take({key: finding.version.schema for key, finding in findings.items() if finding.version})
    project.parse_all(unmade)
    schemas.find(unmade)
    found: dict[Key, Diagnosis] = {}
    footprints: list[tuple[Key, Footprint]] = []
    for key in unbuilt:
        recipe = project.assets[key].recipe
        if isinstance(recipe, PythonRecipe):
            if planning and plannable(recipe) and (problem := schemas.problem(key)) is not None:
                found[key] = problem
            footprints += _python_reads(context, schemas, findings[key])
    for key in unmade:
        problem = schemas.problem(key)
        if problem is not None:
            found[key] = problem
        elif (upstreams := schemas.upstreams(key)) is not None:
            analysis = context.analyzer().analyze(key, upstreams)
            footprints += analysis.footprints if isinstance(analysis, Analysis) else ()
    context.analyzer().flush()
    return found, footprints


def _is_new(project: Project, records: Mapping[Key, Materialization], key: Key) -> bool:
    """Whether what *key* reads is not told by a record, because its recipe is another now."""
    record = records.get(key)
    return record is None or record.trace.recipe != project.fingerprints[key]


def _reads_unbound(
    context: Context, findings: Mapping[Key, Finding], keys: Iterable[Key]
) -> list[tuple[Key, Footprint]]:
    """What *keys* will read of what is built, without binding anything: as an earlier command has found, else
    everything in order. Who asks for the state of things must not be told that fresh is what a build makes again.
    """
    project, analyzer = context.project(refresh=False), context.analyzer()
    schemas = {key: finding.version.schema for key, finding in findings.items() if finding.version}
    found: list[tuple[Key, Footprint]] = []
    for key in keys:
        reads = project.reads[key]
        built = [up for up in reads if up in schemas]
        if not built:
            continue
        known = None
        if len(built) == len(reads) and isinstance(project.assets[key].recipe, SqlRecipe):
            known = analyzer.known(key, {up: schemas[up] for up in reads})
        footprints = dict(known.footprints) if known is not None else {}
        found += [(up, footprints.get(up, WHOLE)) for up in built]
    return found


def _python_reads(context: Context, schemas: Schemas, finding: Finding) -> list[tuple[Key, Footprint]]:
    """What a Python recipe will read: everything, in order, unless it is one lazy plan that is known.

    A plan that was made without a look at the data is the same for any data; but not for another recipe or
    environment, hence only where nothing but data has changed.
    """
    reads = context.project(refresh=False).reads[finding.asset]
    known: dict[Key, Footprint] = {}
    if all(reason.kind in (Cause.DATA, Cause.UPSTREAM) for reason in finding.reasons):
        upstreams = schemas.upstreams(finding.asset)
        analysis = None if upstreams is None else context.analyzer().known(finding.asset, upstreams)
        if analysis is not None and not analysis.opaque:
            known = dict(analysis.footprints)
    return [(up, known.get(up, WHOLE)) for up in reads]


class Schemas:
    """The columns of every asset, known without running anything where that is possible.

    A source's come from what was last seen of it, or from a look at its beginning; an asset's from binding
    its recipe, or from its last materialization when it can't be bound without running.
    """

    def __init__(self, context: Context, views: SourceViews) -> None:
        self._context = context
        self._project = context.project(refresh=False)
        self._views = views
        self._records = context.state.current(context.environment)
        self._known: dict[Key, Schema | None] = {}
        self._analyses: dict[Key, Analysis | Diagnosis] = {}

    def take(self, known: Mapping[Key, Schema]) -> None:
        """Believe these: what is up to date has the columns that it was built with."""
        self._known.update(known)

    def of(self, key: Key) -> Schema | None:
        """The columns of *key*; None when they can't be known before it is built, empty for a file."""
        if key in self._known:
            return self._known[key]
        for one in self._unknown_ancestors([key]):
            self._known[one] = self._find(one)
        return self._known[key]

    def find(self, keys: Collection[Key]) -> None:
        """Find the columns of many assets together, those of each layer at the same time."""
        order = self._unknown_ancestors(keys)
        threads = min(_BINDERS, os.cpu_count() or 1)
        if len(order) < _MANY or threads == 1:
            return  # each is found when it is asked for
        from concurrent.futures import ThreadPoolExecutor

        depth: dict[Key, int] = {}
        layers: list[list[Key]] = []
        for key in order:
            depth[key] = 1 + max((depth[up] for up in self._project.reads[key] if up in depth), default=-1)
            if depth[key] == len(layers):
                layers.append([])
            layers[depth[key]].append(key)
        with ThreadPoolExecutor(threads, thread_name_prefix="binder") as pool:
            for layer in layers:
                queries = [key for key in layer if self._is_query(key)]
                self._known.update(zip(queries, pool.map(self._find, queries), strict=True))
                for key in layer:
                    if key not in self._known:
                        self._known[key] = self._find(key)

    def _is_query(self, key: Key) -> bool:
        return key in self._project.assets and isinstance(self._project.assets[key].recipe, SqlRecipe)

    def _unknown_ancestors(self, keys: Iterable[Key]) -> tuple[Key, ...]:
        seen = {key for key in keys if key not in self._known}
        waiting = list(seen)
        while waiting:
            for up in self._project.reads[waiting.pop()]:
                if up not in seen and up not in self._known:
                    seen.add(up)
                    waiting.append(up)
        return self._project.graph.sort(seen)

    def upstreams(self, key: Key) -> dict[Key, Schema] | None:
        """The columns of everything *key* reads; None when some can't be known."""
        found: dict[Key, Schema] = {}
        for up in self._project.reads[key]:
            schema = self.of(up)
            if schema is None:
                return None
            found[up] = schema
        return found

    def problem(self, key: Key) -> Diagnosis | None:
        """Why the recipe of *key* can't be bound; None when it can, or when that is not known."""
        found = self.analysis(key)
        return found if isinstance(found, Diagnosis) else None

    def analysis(self, key: Key) -> Analysis | Diagnosis | None:
        """The recipe of *key* bound to the columns of its upstreams; None when these are not known, or not needed."""
        self.of(key)
        return self._analyses.get(key)

    def _find(self, key: Key) -> Schema | None:
        if key in self._project.sources:
            return self._source(key)
        upstreams = self.upstreams(key)
        if upstreams is not None:
            found = self._analyses[key] = self._context.analyzer().analyze(key, upstreams)
            if isinstance(found, Diagnosis):
                return None
            if found.schema is not None:
                return found.schema
        record = self._records.get(key)
        if record is not None and record.trace.recipe == self._project.fingerprints[key]:
            return record.version.schema
        return None

    def _source(self, key: Key) -> Schema | None:
        known = self._views.sources.known(key)
        try:
            if known is not None:
                return self._views.sources.version(key).schema
            return source_schema(self._context.root, self._project.sources[key])
        except (UpriverError, OSError):  # told when it is read
            return None
