"""From the files of a project to its graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Asset, Key, PythonRecipe
from upriver.assets.project.config import Config, read_config
from upriver.assets.project.files import ProjectFiles, discover
from upriver.assets.project.layout import path_parts
from upriver.assets.project.lookalikes import with_lookalikes
from upriver.assets.project.validate import check_keys, check_settings
from upriver.lineage.graph import AssetGraph, CycleError
from upriver.lineage.project.manifest import (
    Manifest,
    PythonModules,
    SqlModule,
    load_manifest,
    program,
    save_manifest,
    save_parts,
)
from upriver.lineage.project.names import Names, check_mentions, file_source, resolve_python
from upriver.lineage.project.project import CACHE, Project, as_declared
from upriver.lineage.project.python_modules import python_modules
from upriver.lineage.project.sql_modules import sql_modules

if TYPE_CHECKING:
    from upriver.assets.support.supervised_process import Starter
    from upriver.lineage.sql.parse.query import Query


def derive(
    root: Path,
    *,
    clock: Callable[[], float] = time.time,
    last: Project | None = None,
    starter: Callable[[], Starter] | None = None,
) -> Project:
    """Derive the project at *root*, reading only what has changed since it was last derived. Never raises for
    user errors.

    *last* is what was derived here before, if anything was: it comes back when nothing has changed since. *starter*
    gives what starts the process that loads Python modules.
    """
    folder = root / CACHE
    files = discover(root)
    config, config_problems = read_config(root)
    before = load_manifest(folder) if last is None else last.manifest
    queries: dict[Key, Query] = {}
    with python_modules(root, files, before, starter) as declared:
        # A process loads the Python modules meanwhile.
        sql, sql_changed = sql_modules(root, files, before, queries)
        python, parts = declared()
    if parts is not None:
        save_parts(folder, parts)
    if sql_changed or parts is not None or before is None:
        before = Manifest(program(), clock(), sql, python)
        save_manifest(folder, before)
    elif last is not None and _same(last, files, config) and not config_problems:
        return last
    project = _assemble(root, config, files, sql, python, [*files.diagnoses, *config_problems])
    project.keep_queries(queries)
    project.manifest = before
    return project


def _same(last: Project, files: ProjectFiles, config: Config) -> bool:
    return not last.diagnoses and last.files == files and last.config == config


def _assemble(
    root: Path,
    config: Config,
    files: ProjectFiles,
    sql: Mapping[str, SqlModule],
    python: PythonModules,
    problems: list[Diagnosis],
) -> Project:
    problems += python.diagnoses
    sources = {source.key: source for source in python.sources}
    declared = list(python.assets)
    problems += with_lookalikes((problem for module in sql.values() for problem in module.diagnoses), sql)
    for module in sql.values():
        if module.asset is not None:
            declared.append(module.asset)
        for read in module.files:
            if not read.remote and (key := read.key) not in sources:
                sources[key] = file_source(read)
    problems += check_keys(declared, sources.values())

    unusable = [key for path, module in sql.items() if module.asset is None for key in _keys(path, module)]
    names = Names([*(asset.key for asset in declared), *sources], unusable, _texts(root, python.failed))
    assets: dict[Key, Asset] = {}
    upstreams: dict[Key, tuple[Key, ...]] = dict.fromkeys(sources, ())
    fingerprints: dict[Key, str] = {}
    for path in sorted(sql):
        module = sql[path]
        if module.asset is None:
            continue
        asset = module.asset
        reads = {mention.key for mention in module.mentions}
        if asset.key in reads or not reads <= names.keys:
            problems += check_mentions(module, names)
            reads = (reads & names.keys) - {asset.key}
        if module.files:
            reads |= ({read.key for read in module.files} & names.keys) - {asset.key}
        if asset.after:
            problems += _check_after(asset, names)
        assets[asset.key] = asset
        fingerprints[asset.key] = as_declared(asset, module.fingerprint)
        upstreams[asset.key] = tuple(sorted(reads))
    for asset in python.assets:
        assert isinstance(asset.recipe, PythonRecipe)
        resolved, unresolved = resolve_python(asset, asset.recipe, names)
        problems += unresolved
        problems += _check_after(asset, names)
        assert isinstance(resolved.recipe, PythonRecipe)
        assets[asset.key] = resolved
        fingerprints[asset.key] = as_declared(resolved, resolved.recipe.fingerprint)
        reads = {one.key for one in resolved.recipe.inputs if one.key is not None}
        upstreams[asset.key] = tuple(sorted((reads & names.keys) - {asset.key}))
    problems += check_settings(assets.values(), config)
    graph = None
    try:
        graph = AssetGraph({key: _with_after(key, reads, assets, names) for key, reads in upstreams.items()})
    except CycleError as error:
        first = assets[error.path[0]]
        problems.append(
            Diagnosis(
                "cycle",
                f"these assets read each other in a circle: {error}",
                first.place,
                tuple(f"{key} is declared at {assets[key].place}" for key in error.path[:-1]),
                "one of them has to read something else",
                key=first.key,
            )
        )
    ordered = tuple(sorted(problems, key=lambda d: (str(d.place or ""), d.message)))
    return Project(
        root, config, assets, sources, fingerprints, upstreams, graph, ordered, files, python.output
    )


def _keys(path: str, module: SqlModule) -> set[Key]:
    """What the asset of *module* is called, though there is something wrong with it."""
    return {".".join(path_parts(path)), *(problem.key for problem in module.diagnoses if problem.key)}


def _texts(root: Path, failed: Iterable[str]) -> list[str] | None:
    """What is written in the modules that could not be loaded; None when that can't be told."""
    try:
        return [(root / path).read_text(encoding="utf-8", errors="replace") for path in failed]
    except OSError:  # a file has gone, or all of them failed together
        return None


def _with_after(
    key: Key, reads: tuple[Key, ...], assets: Mapping[Key, Asset], names: Names
) -> tuple[Key, ...]:
    asset = assets.get(key)
    if asset is None or not asset.after:
        return reads
    return tuple(sorted({*reads, *(other for other in asset.after if other in names.keys)}))


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
