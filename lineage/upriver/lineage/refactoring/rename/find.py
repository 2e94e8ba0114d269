"""All places of a project that name an asset or source, and what each file becomes when it is called otherwise."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from upriver.assets.errors import UsageError, did_you_mean
from upriver.assets.model import (
    Asset,
    Key,
    Offenders,
    Place,
    PythonRecipe,
    Relationship,
    SqlRecipe,
    key_problem,
)
from upriver.assets.project.layout import ROOM, path_parts
from upriver.lineage.project.names import Names
from upriver.lineage.project.project import Project
from upriver.lineage.refactoring.rename.files import change, mentions, read
from upriver.lineage.refactoring.rename.python import Module, rename_in_asset, rename_source
from upriver.lineage.refactoring.rename.quality import Naming, edits_of, in_decorator, target_of
from upriver.lineage.refactoring.rename.sql import sql_edits
from upriver.lineage.refactoring.rename.values import ByHand, FileChange, Renaming
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query


def renaming(project: Project, old: Key, new: Key) -> Renaming:
    """What calling *old* *new* changes. Nothing is written.

    Raises UsageError when *new* can't be its key, or when a place can only be changed by hand, or when
    something that is broken names it; DeclarationError for a project that can't be used.
    """
    graph = project.graph
    _check(project, old, new)
    _check_broken(project, old)
    readers = [key for key in graph.downstreams(old) if key in project.assets]
    by_hand: list[ByHand] = []
    files: list[FileChange] = []
    for path in sorted(
        {project.assets[key].place.path for key in readers if _is_sql(project.assets[key])}
        | _own_sql(project, old)
        | {asset.place.path for asset in _related(project, old) if _is_sql(asset)}
    ):
        _rename_sql(project, path, old, new, files, by_hand)
    _rename_checks(project, old, new, files, by_hand)
    _rename_python(project, old, new, files, by_hand)
    if by_hand:
        places = "\n".join(f"  {one.place}: {one.why}" for one in by_hand)
        raise UsageError(
            f"{old} can't be called {new} before this is changed by hand; nothing was changed\n{places}"
        )
    # What only comes after it has the same recipe as before.
    rebuilt = [key for key in (old, *readers) if key in project.assets and old in (key, *project.reads[key])]
    named = {file.path: file for file in files}
    said = mentions(project.root, old, named) if "." in old else ()
    return Renaming(old, new, tuple(files), tuple(new if key == old else key for key in rebuilt), said)


def _check(project: Project, old: Key, new: Key) -> None:
    known = project.graph.order
    if old not in project.graph:
        hint = did_you_mean(old, known)
        raise UsageError(f"there is no asset or source {old!r}" + (f"; {hint}" if hint else ""))
    if (broken := project.broken.get(old)) is not None:
        raise UsageError(f"{old} can't be renamed before its declaration is mended:\n\n{broken}")
    if old in project.sources and project.sources[old].derived:
        raise UsageError(
            f"{old} has its name from the file that it is: declare a source over it to give it another"
        )
    if problem := key_problem(new):
        raise UsageError(f"{new!r} can't be a key: {problem}")
    if new == old:
        raise UsageError(f"{old} is called that already")
    taken = next(
        (key for key in known if key.removeprefix("main.") == new.removeprefix("main.") and key != old), None
    )
    if taken is not None:
        raise UsageError(f"there is {taken} already, at {_place(project, taken)}")


def _check_broken(project: Project, old: Key) -> None:
    """What can't be read may name *old* where it is not seen: it would mean something else, or nothing, afterwards."""
    failed = project.manifest.python.failed
    for key, broken in project.broken.items():
        where = [one.place for one in (*broken.diagnoses, broken.declared) if one is not None]
        paths = {place.path for place in where if place is not None}
        paths |= {path for path, problems in failed.items() if {*problems} & {*broken.diagnoses}}
        if old in project.reads[key] or any(_names(project, path, old) for path in sorted(paths)):
            raise UsageError(
                f"{old} can't be renamed while {key} is broken: it may read {old}; nothing was changed\n"
                f"  hint: mend it first\n\n{broken}"
            )


def _names(project: Project, path: str, key: Key) -> bool:
    """Whether the file at *path* may name *key*: it says its last part, as parameters do, or can't be read."""
    try:
        text = (project.root / path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return re.search(rf"(?<![^\W_]){re.escape(key.rpartition('.')[2])}(?![^\W_])", text) is not None


def _place(project: Project, key: Key) -> Place | None:
    declared = project.declared(key)
    return declared.place if declared is not None else project.broken[key].place


def _is_sql(asset: Asset) -> bool:
    return isinstance(asset.recipe, SqlRecipe)


def _related(project: Project, old: Key) -> list[Asset]:
    """The assets whose own checks look at *old*."""
    return [
        asset
        for asset in project.assets.values()
        if any(isinstance(one.rule, Relationship) and one.rule.to == old for one in asset.quality.checks)
    ]


def _rename_checks(
    project: Project, old: Key, new: Key, files: list[FileChange], by_hand: list[ByHand]
) -> None:
    """The queries below ``checks/`` that are of *old* or read it."""
    for path, module in sorted(project.manifest.checks.items()):
        rule = module.check.rule if module.check is not None else None
        if not isinstance(rule, Offenders) or old not in (module.of, *rule.reads):
            continue
        query = parse_query(rule.text, rule.dialect, path, rule.line)
        assert isinstance(query, Query)  # it was read before
        content = read(project, path)
        found = sql_edits(path, content, query, old, new)
        if isinstance(found, ByHand):
            by_hand.append(found)
        elif found:
            files.append(change(path, path, content, found))


def _own_sql(project: Project, old: Key) -> set[str]:
    asset = project.assets.get(old)
    return {asset.place.path} if asset is not None and _is_sql(asset) else set()


def _rename_sql(
    project: Project, path: str, old: Key, new: Key, files: list[FileChange], by_hand: list[ByHand]
) -> None:
    content = read(project, path)
    asset = next(one for one in project.assets.values() if one.place.path == path)
    found = sql_edits(path, content, project.query(asset.key), old, new)
    if isinstance(found, ByHand):
        by_hand.append(found)
        return
    becomes = path
    if asset.key == old and ".".join(path_parts(path)) == old:
        becomes = str(PurePosixPath(ROOM, *new.split("."))) + PurePosixPath(path).suffix
        if (project.root / becomes).exists():
            raise UsageError(f"{becomes} is there already")
    if found or becomes != path:
        files.append(change(path, becomes, content, found))


def _rename_python(
    project: Project, old: Key, new: Key, files: list[FileChange], by_hand: list[ByHand]
) -> None:
    declared = project.manifest.python
    if not declared.assets and not declared.sources:
        return
    keys = frozenset(project.reads)
    before, after = Names(keys), Names(keys - {old} | {new})
    modules: dict[str, Module] = {}

    def module(path: str) -> Module:
        if path not in modules:
            modules[path] = Module(path, read(project, path))
        return modules[path]

    for asset in declared.assets:
        if asset.key in project.broken:
            continue  # it does not name what is renamed: that was looked at
        assert isinstance(asset.recipe, PythonRecipe)
        rename_in_asset(module(asset.place.path), asset, old, new, before, after)
    for asset in _related(project, old):
        if not _is_sql(asset):
            _rename_targets(module(asset.place.path), asset, old, new)
    if old in project.sources:
        rename_source(module(project.sources[old].place.path), project.sources[old], new)
    for path in sorted(modules):
        by_hand += modules[path].by_hand
        if modules[path].edits:
            files.append(change(path, path, modules[path].content, modules[path].edits))


def _rename_targets(module: Module, asset: Asset, old: Key, new: Key) -> None:
    """The checks of *asset* that look at *old*."""
    trees = in_decorator(module, asset)
    found = (
        trees
        if isinstance(trees, ByHand)
        else edits_of(trees, Naming(target_of(old, new)), asset.place, module.content)
    )
    if isinstance(found, ByHand):
        module.by_hand.append(found)
    else:
        module.edits += found
