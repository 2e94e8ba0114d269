"""All places of a project that name an asset or source, and what each file becomes when it is called otherwise."""

from __future__ import annotations

from pathlib import PurePosixPath

from upriver.assets.errors import UsageError, did_you_mean
from upriver.assets.model import Asset, Key, Place, PythonRecipe, SqlRecipe, key_problem
from upriver.assets.project.layout import ROOM, path_parts
from upriver.lineage.project.names import Names
from upriver.lineage.project.project import Project
from upriver.lineage.refactoring.rename.files import change, mentions, read
from upriver.lineage.refactoring.rename.python import Module, rename_in_asset, rename_source
from upriver.lineage.refactoring.rename.sql import sql_edits
from upriver.lineage.refactoring.rename.values import ByHand, FileChange, Renaming


def renaming(project: Project, old: Key, new: Key) -> Renaming:
    """What calling *old* *new* changes. Nothing is written.

    Raises UsageError when *new* can't be its key, or when a place can only be changed by hand; DeclarationError for a
    project that can't be used.
    """
    graph = project.graph
    _check(project, old, new)
    readers = [key for key in graph.downstreams(old) if key in project.assets]
    by_hand: list[ByHand] = []
    files: list[FileChange] = []
    for path in sorted(
        {project.assets[key].place.path for key in readers if _is_sql(project.assets[key])}
        | _own_sql(project, old)
    ):
        _rename_sql(project, path, old, new, files, by_hand)
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


def _place(project: Project, key: Key) -> Place:
    return (project.assets[key] if key in project.assets else project.sources[key]).place


def _is_sql(asset: Asset) -> bool:
    return isinstance(asset.recipe, SqlRecipe)


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
    manifest = project.manifest
    declared = manifest.python if manifest is not None else None
    if declared is None or (not declared.assets and not declared.sources):
        return
    keys = frozenset((*project.assets, *project.sources))
    before, after = Names(keys), Names(keys - {old} | {new})
    modules: dict[str, Module] = {}

    def module(path: str) -> Module:
        if path not in modules:
            modules[path] = Module(path, read(project, path))
        return modules[path]

    for asset in declared.assets:
        assert isinstance(asset.recipe, PythonRecipe)
        rename_in_asset(module(asset.place.path), asset, old, new, before, after)
    if old in project.sources:
        rename_source(module(project.sources[old].place.path), project.sources[old], new)
    for path in sorted(modules):
        by_hand += modules[path].by_hand
        if modules[path].edits:
            files.append(change(path, path, modules[path].content, modules[path].edits))
