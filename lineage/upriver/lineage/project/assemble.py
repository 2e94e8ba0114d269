"""Assembly of a project from what its modules declare, each by itself: the graph, and what can't be used."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Asset, Check, Key, PythonRecipe, Source
from upriver.assets.project.config import Config
from upriver.assets.project.files import ProjectFiles
from upriver.assets.project.lookalikes import with_lookalikes
from upriver.assets.project.validate import check_connections, check_keys, check_settings, of_database
from upriver.lineage.graph import AssetGraph, CycleError
from upriver.lineage.project.broken import Problems
from upriver.lineage.project.checks import attach, attach_python, audit_facts, check_others
from upriver.lineage.project.manifest import Manifest, PythonModules, SqlModule
from upriver.lineage.project.names import Names, check_mentions, file_source, resolve_python
from upriver.lineage.project.project import Project, as_declared


def assemble(
    root: Path, config: Config, refusals: tuple[Diagnosis, ...], files: ProjectFiles, manifest: Manifest
) -> Project:
    """The project that *manifest* describes. A wrong declaration breaks itself only; *refusals*, what is wrong with
    the configuration, make the whole unusable.
    """
    return _Assembly(root, config, files, manifest).project(refusals)


class _Assembly:
    def __init__(self, root: Path, config: Config, files: ProjectFiles, manifest: Manifest) -> None:
        self._root = root
        self._config = config
        self._files = files
        self._manifest = manifest
        self._assets: dict[Key, Asset] = {}
        self._fingerprints: dict[Key, str] = {}
        self._reads: dict[Key, tuple[Key, ...]] = {}
        self._after: dict[Key, tuple[Key, ...]] = {}
        self._checks: dict[Key, tuple[Check, ...]] = {}

    def project(self, refusals: tuple[Diagnosis, ...]) -> Project:
        manifest = self._manifest
        python = manifest.python
        sql = {path: _with_lookalikes(module, manifest.sql) for path, module in manifest.sql.items()}
        usable = {path: one for path, one in sorted(sql.items()) if one.asset is not None and one.fingerprint}
        declared_sources = _sources(usable.values(), python)
        self._sources = {key: of_database(one, self._config) for key, one in declared_sources.items()}
        declared = [*python.assets, *(one.asset for one in sql.values() if one.asset is not None)]
        own = (source.key for source in self._sources.values() if not source.derived)
        problems = self._problems = Problems((*own, *(one.key for one in declared)), manifest.readable)
        problems.of_files(self._files)
        problems.of_sql(sql)
        problems.of_python(python, self._files)
        problems.add_all(check_keys(declared, (*python.sources, *self._derived())))
        for said in manifest.readable.values():
            for source in said.sources:
                if source.derived:  # a file is what it is, whatever is wrong with the query that reads it
                    self._sources.setdefault(source.key, source)
        keys = {*(one.key for one in declared), *self._sources, *problems.keys}
        self._names = Names(keys, problems.unread(self._root))
        for module in usable.values():
            self._add_sql(module)
        for asset in python.assets:
            self._add_python(asset)
        problems.add_all(check_connections(declared_sources.values(), self._config))
        problems.add_all(check_settings(self._assets.values(), self._config))
        self._add_checks()
        graph = self._graph()
        broken = problems.broken({**self._sources, **{one.key: one for one in declared}, **self._assets})
        return Project(
            self._root,
            self._config,
            {key: asset for key, asset in self._assets.items() if key not in broken},
            {key: source for key, source in self._sources.items() if key not in broken},
            broken,
            {key: text for key, text in self._fingerprints.items() if key not in broken},
            self._reads,
            graph,
            refusals,
            tuple(sorted((*problems.diagnoses, *refusals), key=lambda d: (str(d.place or ""), d.message))),
            self._files,
            python.output,
            manifest,
            {key: checks for key, checks in self._checks.items() if key not in broken},
        )

    def _derived(self) -> Iterable[Source]:
        return (source for source in self._sources.values() if source.derived)

    def _add_sql(self, module: SqlModule) -> None:
        asset, names = module.asset, self._names
        assert asset is not None
        reads = {mention.key for mention in module.mentions}
        if asset.key in reads or not reads <= names.keys:
            self._problems.add_all(check_mentions(module, names))
            for key in reads - names.keys:
                reads |= names.perhaps(key)
        reads |= {read.key for read in module.files}
        self._add(asset, module.fingerprint, reads)

    def _add_python(self, asset: Asset) -> None:
        assert isinstance(asset.recipe, PythonRecipe)
        resolved, unresolved = resolve_python(asset, asset.recipe, self._names)
        self._problems.add_all(unresolved)
        assert isinstance(resolved.recipe, PythonRecipe)
        reads: set[Key] = set()
        for one in resolved.recipe.inputs:
            reads |= (
                {one.key} if one.key in self._names.keys else self._names.perhaps(one.key or one.parameter)
            )
        self._add(resolved, resolved.recipe.fingerprint, reads)

    def _add(self, asset: Asset, fingerprint: str, reads: set[Key]) -> None:
        key, names = asset.key, self._names
        self._assets[key] = asset
        self._fingerprints[key] = as_declared(asset, fingerprint)
        self._reads[key] = tuple(sorted((reads & names.keys) - {key}))
        if asset.after:
            self._problems.add_all(_check_after(asset, names))
            after = {
                one
                for other in asset.after
                for one in ({other} if other in names.keys else names.perhaps(other))
            }
            self._after[key] = tuple(sorted(after - {key}))

    def _add_checks(self) -> None:
        """Add the checks of every asset, and that each is decided after what its checks read beside it."""
        for asset in self._assets.values():
            if asset.quality.checks:
                self._checks[asset.key] = asset.quality.checks
        self._problems.add_all(attach(self._manifest.checks, self._assets, self._checks, self._names))
        of_python = self._manifest.python.checks
        self._problems.add_all(attach_python(of_python, self._assets, self._checks, self._names))
        for key, checks in self._checks.items():
            self._problems.add_all(check_others(self._assets[key], checks, self._names))
            others = {other for check in checks for other in check.others} & self._names.keys
            if others - {key}:
                self._after[key] = tuple(sorted({*self._after.get(key, ()), *others} - {key}))

    # -- the graph ---------------------------------------------------------------------------------------
    def _graph(self) -> AssetGraph:
        """The graph, without the edges that close a circle; an asset in a circle is broken."""
        self._reads = {**dict.fromkeys(self._sources, ()), **self._reads}
        edges: dict[Key, tuple[Key, ...]] = {}
        for key, reads in self._reads.items():
            edges[key] = tuple(sorted({*reads, *self._after.get(key, ())}))
        remembered = self._remembered()
        for key in sorted(self._problems.keys - edges.keys()):
            self._reads[key] = edges[key] = remembered.get(key, ())
        while True:
            try:
                return AssetGraph(edges)
            except CycleError as error:
                circle = error.path[:-1]
                past = [key for key in circle if key in remembered and key not in self._assets]
                for key in past or circle:
                    edges[key] = tuple(up for up in edges[key] if up not in circle)
                    self._reads[key] = tuple(up for up in self._reads[key] if up not in circle)
                if not past:  # what was read before means nothing
                    self._add_circle(error)

    def _add_circle(self, error: CycleError) -> None:
        first = self._assets[error.path[0]]
        diagnosis = Diagnosis(
            "cycle",
            f"these assets read each other in a circle: {error}",
            first.place,
            (
                *(f"{key} is declared at {self._assets[key].place}" for key in error.path[:-1]),
                *audit_facts(error.path, self._reads, self._checks),
            ),
            "one of them has to read something else",
            key=first.key,
        )
        for key in error.path[:-1]:
            self._problems.add(key, diagnosis)

    def _remembered(self) -> dict[Key, tuple[Key, ...]]:
        """What broken declarations read when they could last be read."""
        found: dict[Key, tuple[Key, ...]] = {}
        for said in self._manifest.readable.values():
            for asset in said.assets:
                reads = set(said.reads)
                if isinstance(asset.recipe, PythonRecipe):
                    resolved, _ = resolve_python(asset, asset.recipe, self._names)
                    assert isinstance(resolved.recipe, PythonRecipe)
                    reads |= {one.key for one in resolved.recipe.inputs if one.key is not None}
                found[asset.key] = tuple(sorted((reads & self._names.keys) - {asset.key}))
        return found


def _with_lookalikes(module: SqlModule, paths: Iterable[str]) -> SqlModule:
    if not module.diagnoses:
        return module
    return msgspec.structs.replace(module, diagnoses=tuple(with_lookalikes(module.diagnoses, paths)))


def _sources(modules: Iterable[SqlModule], python: PythonModules) -> dict[Key, Source]:
    sources = {source.key: source for source in python.sources}
    for module in modules:
        for read in module.files:
            if not read.remote and (key := read.key) not in sources:
                sources[key] = file_source(read)
    return sources


def _check_after(asset: Asset, names: Names) -> list[Diagnosis]:
    return [
        Diagnosis(
            "unknown-upstream",
            f"{asset.key} is to run after {key!r}, which is no asset or source",
            asset.place,
            hint=names.suggestion(key),
            key=asset.key,
        )
        for key in asset.after
        if names.missing(key)
    ]
