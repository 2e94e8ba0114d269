"""Finder of the project's modules that asks for them by name: a confined process can't list the folders they are in."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
from collections.abc import Callable, Iterator
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    ModuleSpec,
    SourceFileLoader,
)

from upriver.assets.loading.stat_hooks import real_stat

_Loader = type[ExtensionFileLoader] | type[SourceFileLoader]
_LOADERS: tuple[tuple[str, _Loader], ...] = (
    *((suffix, ExtensionFileLoader) for suffix in EXTENSION_SUFFIXES),
    *((suffix, SourceFileLoader) for suffix in SOURCE_SUFFIXES),
)


def finder_hook(can_list: Callable[[str], bool]) -> Callable[[str], NamedFinder]:
    """A path hook (see ``sys.path_hooks``) for the folders that this process can't list."""

    def hook(path: str) -> NamedFinder:
        folder = os.path.realpath(path or ".")
        if not _is_folder(folder) or can_list(folder):
            raise ImportError(f"{path} can be listed, or is no folder")
        return NamedFinder(path or os.getcwd())  # noqa: PTH109 -- the import system deals in strings

    return hook


class NamedFinder:
    """Finds modules in one folder, in the order in which Python's own finder does."""

    def __init__(self, path: str) -> None:
        self.path = path

    def find_spec(self, name: str, target: object = None) -> ModuleSpec | None:
        """The module *name*, or a part of a namespace package."""
        base = f"{self.path}/{name.rpartition('.')[2]}"
        for suffix, loader in _LOADERS:
            if _is_file(f"{base}/__init__{suffix}"):
                return self._spec(name, f"{base}/__init__{suffix}", loader, [base])
        for suffix, loader in _LOADERS:
            if _is_file(f"{base}{suffix}"):
                return self._spec(name, f"{base}{suffix}", loader, None)
        if _is_folder(base):
            found = ModuleSpec(name, None)
            found.submodule_search_locations = [base]
            return found
        return None

    def _spec(
        self,
        name: str,
        path: str,
        loader: _Loader,
        package: list[str] | None,
    ) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(
            name, path, loader=loader(name, path), submodule_search_locations=package
        )

    def invalidate_caches(self) -> None:
        """Nothing is remembered."""

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """The modules in the folder, for :mod:`pkgutil`: this does list it."""
        yield from pkgutil._iter_file_finder_modules(self, prefix)  # type: ignore[attr-defined]


def _is_file(path: str) -> bool:
    return _mode(path) & 0o170000 == 0o100000


def _is_folder(path: str) -> bool:
    return _mode(path) & 0o170000 == 0o040000


def _mode(path: str) -> int:
    try:
        return real_stat(path).st_mode
    except (OSError, ValueError):
        return 0
