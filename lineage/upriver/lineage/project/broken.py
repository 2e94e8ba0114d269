"""Declarations that can't be used, by their keys: what is wrong with each, and what it last was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from pathlib import Path

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Asset, Key, Place, PythonRecipe, Source, Value
from upriver.assets.project.files import ProjectFiles
from upriver.assets.project.layout import ROOM
from upriver.lineage.project.manifest import Declarations, Manifest, PythonModules, SqlModule
from upriver.lineage.project.names import file_source


class Broken(Value, frozen=True):
    """A declaration that can't be used, and why. *declared* is what it says, or what it said when it could last be
    read; None when that is not known.
    """

    key: Key
    diagnoses: tuple[Diagnosis, ...]
    declared: Asset | Source | None = None

    @property
    def place(self) -> Place | None:
        """Where the first problem is."""
        return self.diagnoses[0].place

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.diagnoses))


def last_readable(
    kept: Manifest | None, files: ProjectFiles, sql: Mapping[str, SqlModule], python: PythonModules
) -> dict[str, Declarations]:
    """The declarations of the last readable version of every module that can't be used as it is now, by path.

    *kept* is what was derived before.
    """
    wrong = {path for path, module in sql.items() if module.diagnoses}
    wrong |= {*python.failed, *(one.place.path for one in python.diagnoses if one.place is not None)}
    if python.failed:
        wrong |= {file.path for file in files.helpers} - {*python.loaded}
    unseen = tuple(f"{one.place.path.rstrip('/')}/" for one in files.diagnoses if one.place is not None)
    if kept is None or not (wrong or unseen):
        return {}

    def asked(path: str) -> bool:
        return path in wrong or (bool(unseen) and f"{path}/".startswith(unseen))

    found = {path: said for path, said in kept.readable.items() if asked(path)}
    for path, module in kept.sql.items():
        if path not in found and asked(path) and not module.diagnoses and module.asset is not None:
            sources = tuple(file_source(read) for read in module.files)
            reads = (*(one.key for one in module.mentions), *(one.key for one in sources))
            found[path] = Declarations((module.asset,), sources, reads)
    declared: dict[str, tuple[list[Asset], list[Source]]] = {}
    paths = _module_paths(kept.python)
    for asset in kept.python.assets:
        assert isinstance(asset.recipe, PythonRecipe)
        declared.setdefault(paths.get(asset.recipe.module, asset.place.path), ([], []))[0].append(asset)
    for source in kept.python.sources:
        declared.setdefault(source.place.path, ([], []))[1].append(source)
    checked: dict[str, list[Key]] = {}
    for check in kept.python.checks:
        checked.setdefault(check.check.place.path, []).append(check.of)
        declared.setdefault(check.check.place.path, ([], []))
    for path, (assets, sources_) in declared.items():
        if path not in found and asked(path):
            found[path] = Declarations(tuple(assets), tuple(sources_), checked=tuple(checked.get(path, ())))
    return found


def _module_paths(python: PythonModules) -> dict[str, str]:
    from upriver.assets.loading.imports import module_name  # asked for only when something is broken

    return {module_name(file.path): file.path for file in python.files}


class Problems:
    """Everything that is wrong with the declarations of a project, by key.

    *declared* are the keys that are declared as the files are now, *readable* what modules with a problem declared
    when they could last be read, by path.
    """

    def __init__(self, declared: Iterable[Key], readable: Mapping[str, Declarations]) -> None:
        self._declared = frozenset(declared)
        self._readable = readable
        self._found: dict[Key, dict[Diagnosis, None]] = {}
        self._all: dict[Diagnosis, None] = {}
        self._taken: dict[Key, str] = {}
        self._unread: dict[Key, dict[str, None]] = {}

    # -- adding ------------------------------------------------------------------------------------------
    def add(self, key: Key, diagnosis: Diagnosis) -> None:
        """*key* can't be used, because of *diagnosis*."""
        self._all.setdefault(diagnosis)
        self._found.setdefault(key, {}).setdefault(diagnosis)

    def add_all(self, diagnoses: Iterable[Diagnosis]) -> None:
        """Add diagnoses that name their keys."""
        for diagnosis in diagnoses:
            assert diagnosis.key is not None
            self.add(diagnosis.key, diagnosis)

    def of_files(self, files: ProjectFiles) -> None:
        """Add what is wrong with files and folders themselves."""
        for diagnosis in files.diagnoses:
            assert diagnosis.place is not None
            path = diagnosis.place.path.rstrip("/")
            below = [one for one in self._readable if f"{one}/".startswith(f"{path}/")]
            self._of_module(path, (diagnosis,), chain.from_iterable(map(self._last_keys, below)))

    def of_sql(self, modules: Mapping[str, SqlModule]) -> None:
        """Add what is wrong with SQL modules by themselves."""
        for path, module in modules.items():
            if module.diagnoses and module.asset is not None:
                for diagnosis in module.diagnoses:
                    self.add(module.asset.key, diagnosis)
            elif module.diagnoses:
                said = (one.key for one in module.diagnoses if one.key and one.key not in self._declared)
                keys = [*self._last_keys(path)] or [*said]
                self._of_module(path, module.diagnoses, keys)

    def of_python(self, python: PythonModules, files: ProjectFiles) -> None:
        """Add what is wrong with Python modules."""
        failures = {problem for problems in python.failed.values() for problem in problems}
        for path, problems in python.failed.items():
            stands = self._of_module(path, problems, self._last_keys(path))
            self._leave_unread(stands, path, *(one.place.path for one in problems if one.place is not None))
            for key in self._readable.get(path, Declarations()).checked:
                for problem in problems:  # what a lost check would have kept back must not be published
                    self.add(key, problem)
        for diagnosis in python.diagnoses:
            path = diagnosis.place.path if diagnosis.place is not None else ""
            if diagnosis in failures:
                self._all.setdefault(diagnosis)
            elif diagnosis.key is not None:
                self.add(diagnosis.key, diagnosis)
            else:
                self._leave_unread(self._of_module(path, (diagnosis,), self._last_keys(path)), path)
        if python.failed:
            for file in files.helpers:
                if file.path not in python.loaded and file.path in self._readable:
                    near = [one for one in failures if one.place and one.place.path == file.path]
                    for key in self._last_keys(file.path):
                        for diagnosis in near or failures:
                            self.add(key, diagnosis)

    def _of_module(self, path: str, diagnoses: Iterable[Diagnosis], keys: Iterable[Key]) -> Key | None:
        """A module can't be used: neither can *keys*, or what its path is called when these are none.

        Returns the key that stands for it, None for a file that declares nothing by itself.
        """
        broken = [*dict.fromkeys(keys)] or [*self._path_key(path)]
        for diagnosis in diagnoses:
            self._all.setdefault(diagnosis)
            for key in broken:
                self.add(key, diagnosis)
        return broken[0] if broken else None

    def _last_keys(self, path: str) -> Iterator[Key]:
        """What the module at *path* last declared, without what is declared elsewhere now."""
        said = self._readable.get(path, Declarations())
        keys = (*(one.key for one in said.assets), *(one.key for one in said.sources if not one.derived))
        return (key for key in keys if key not in self._declared)

    def _path_key(self, path: str) -> Iterator[Key]:
        folder, _, inside = path.partition("/")
        if folder != ROOM:
            return
        *folders, name = inside.split("/")
        key = ".".join((*folders, name.rpartition(".")[0] or name)) or ROOM
        # Not the name of something else: that is not broken.
        taken = key in self._declared or self._taken.setdefault(key, path) != path
        yield path if taken else key

    def _leave_unread(self, stands: Key | None, *paths: str) -> None:
        if stands is not None:
            self._unread.setdefault(stands, {}).update(dict.fromkeys(paths))

    # -- what was found ----------------------------------------------------------------------------------
    @property
    def keys(self) -> frozenset[Key]:
        """The keys that can't be used."""
        return frozenset(self._found)

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """All of them, in the order of their places."""
        return tuple(sorted(self._all, key=lambda one: (str(one.place or ""), one.message)))

    def unread(self, root: Path) -> dict[Key, str | None]:
        """What is written in the Python modules of which it is not known what they declare, by the key that stands
        for each; None when that can't be read either.
        """
        return {key: _text(root, paths) for key, paths in self._unread.items()}

    def broken(self, declared: Mapping[Key, Asset | Source]) -> dict[Key, Broken]:
        """Every broken declaration; *declared* is what is declared as the files are now."""
        return {
            key: Broken(
                key,
                tuple(sorted(found, key=lambda one: (str(one.place or ""), one.message))),
                declared.get(key) or self._last.get(key),
            )
            for key, found in sorted(self._found.items())
        }

    @cached_property
    def _last(self) -> dict[Key, Asset | Source]:
        found: dict[Key, Asset | Source] = {}
        for said in self._readable.values():
            found.update((one.key, one) for one in said.assets)
            found.update((one.key, one) for one in said.sources)
        return found


def _text(root: Path, paths: Iterable[str]) -> str | None:
    try:
        return "\n".join((root / path).read_text(encoding="utf-8", errors="replace") for path in paths)
    except OSError:
        return None
