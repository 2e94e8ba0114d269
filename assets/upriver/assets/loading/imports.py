# ruff: noqa: PTH109, PTH118, PTH206
# The import system deals in strings
"""Importer of a project's modules that leaves no trace in the process.

A module below ``assets/`` has one name, its path from the project root (``assets.marts.routes``), and is
executed once even when it is also imported the short way (``marts.routes``). Python's own modules and
Upriver's dependencies are never hidden by project files of the same name; any other installed package is, as
for a script.
"""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import Any

from upriver.assets.errors import DeclarationError, Diagnosis
from upriver.assets.loading.preloaded import imported_since, preloaded
from upriver.assets.project.files import SKIPPED_FOLDERS, ProjectFiles
from upriver.assets.project.layout import ROOM

_DEPENDENCIES = frozenset(
    {"_duckdb", "apsw", "duckdb", "msgspec", "numpy", "pandas", "polars", "pyarrow", "rich", "sqlglot"}
    | {"textual", "upriver", "yaml"}
)
PROTECTED = frozenset(sys.stdlib_module_names) | _DEPENDENCIES
"""Top-level names which mean the installed module, whatever the project calls its files."""

_lock = threading.RLock()
_NONE: Mapping[str, Diagnosis] = MappingProxyType({})


def module_name(path: str) -> str:
    """The name of the module at *path* relative to the project root."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class ProjectImports:
    """Makes the modules of one project importable between enter and exit, with the root as working directory.

    *refused* are modules, by path, that can't be imported, and why. *executing* is told the path of each module that
    begins to be executed, and None when one has ended.

    On exit they leave ``sys.modules``, and what was there before comes back; code that holds a module can go on
    using it, but an import statement that is executed only later (in a function) needs the project entered
    again. One project can be entered at a time; other threads wait.
    """

    def __init__(
        self,
        root: Path,
        files: ProjectFiles,
        *,
        refused: Mapping[str, Diagnosis] = _NONE,
        executing: Callable[[str | None], None] = lambda path: None,
    ) -> None:
        self.root = os.path.realpath(root)
        self.executing = executing
        self._folders = [self.root, os.path.join(self.root, ROOM)]
        paths = [file.path for file in (*files.python, *files.helpers)]
        names = {path.split("/")[0] for path in paths}
        names |= {path.split("/")[1] for path in paths if path.startswith(f"{ROOM}/")}
        self._refused = {one.place.path.rstrip("/"): one for one in files.diagnoses if one.place is not None}
        self._refused |= refused
        self.names = frozenset(name.removesuffix(".py") for name in names)
        """The top-level names that the project's own files have."""

    def __enter__(self) -> ProjectImports:
        _lock.acquire()
        self._folder = _working_directory()
        try:
            os.chdir(self.root)
        except OSError:
            _lock.release()
            raise
        self._path = sys.path[:]
        names = self.names - PROTECTED
        may_be = sys.modules.items() if preloaded().has(names, self.root, self.contains) else imported_since()
        self._hidden = {
            name: module
            for name, module in may_be
            if self._is_own(name, module) or (name.partition(".")[0] in names and name != "__main__")
        }
        for name in self._hidden:
            del sys.modules[name]
        self._finder = _Finder(self)
        sys.meta_path.insert(0, self._finder)
        sys.path[:] = [*self._folders, *(entry for entry in sys.path if entry not in self._folders)]
        self._forget_listings()
        return self

    def __exit__(self, *_: object) -> None:
        for name in [name for name, module in sys.modules.items() if self._is_own(name, module)]:
            del sys.modules[name]
        sys.modules.update(self._hidden)
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self._finder]
        sys.path[:] = self._path
        self._forget_listings()
        if self._folder is not None:
            os.chdir(self._folder)
        _lock.release()

    def module(self, name: str) -> ModuleType:
        """Import the project module *name*. Raises whatever the module raises."""
        return importlib.import_module(name)

    def with_text(self, name: str, text: str) -> ModuleType:
        """The project module *name* as if *text* were its source. No import finds it; the real one stays what it is.

        Raises whatever the module raises.
        """
        real = self.module(name)
        spec = real.__spec__
        assert spec is not None
        assert spec.origin is not None
        loader = _WithText(name, spec.origin, text)
        made = ModuleSpec(name, loader, origin=spec.origin)
        made.has_location = True  # so that it knows its file
        module = importlib.util.module_from_spec(made)
        lines = linecache.cache.get(spec.origin)
        sys.modules[name] = module  # a module that looks itself up by its name finds this one
        try:
            loader.exec_module(module)
        finally:
            sys.modules[name] = real
            if lines is not None:
                linecache.cache[spec.origin] = lines
        return module

    def contains(self, path: str) -> bool:
        """Whether *path* (absolute) is the project's own, and not of a virtual environment in it."""
        if not path.startswith(self.root):
            return False
        below = path[len(self.root) :]
        if below and below[0] != os.sep:
            return False
        return not any(part in SKIPPED_FOLDERS or part[:1] == "." for part in below.split(os.sep))

    def modules(self) -> dict[str, ModuleType]:
        """The project's modules that are loaded, by name."""
        return {name: module for name, module in sys.modules.items() if self._is_own(name, module)}

    def _is_own(self, name: str, module: object) -> bool:
        # By type, here and in scan.py: isinstance asks the object too, which for a proxy may run anything.
        if (
            name.partition(".")[0] in PROTECTED
            or name == "__main__"
            or not issubclass(type(module), ModuleType)
        ):
            return False
        held = vars(module)
        file = held.get("__file__")
        if isinstance(file, str):
            return self.contains(file)
        try:
            return any(self.contains(entry) for entry in list(held.get("__path__") or ()))
        except (TypeError, KeyError, AttributeError):
            return False  # no list of paths, or one whose parent package has gone

    def find(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """What ``import name`` finds while the project is entered; None leaves it to Python."""
        if path is not None:
            return (
                self._own(name, PathFinder.find_spec(name, list(path))) if _any(self.contains, path) else None
            )
        if name in PROTECTED:
            if name not in self.names:
                return None
            return PathFinder.find_spec(name, [entry for entry in sys.path if not self._is_mine(entry)])
        if name == ROOM:
            return self._own(name, self._with_modules(PathFinder.find_spec(name, self._folders[:1])))
        return self._own(name, PathFinder.find_spec(name, self._folders if name in self.names else None))

    def _with_modules(self, spec: ModuleSpec | None) -> ModuleSpec | None:
        """A file ``assets.py`` beside the folder would hide all modules in it; here it is one package with them."""
        if spec is not None and spec.submodule_search_locations is None:
            spec.submodule_search_locations = [os.path.join(self.root, ROOM)]
        return spec

    def _is_mine(self, entry: str) -> bool:
        return self.contains(os.path.realpath(entry)) if isinstance(entry, str) else False

    def _own(self, name: str, spec: ModuleSpec | None) -> ModuleSpec | None:
        if spec is None:
            return None
        if spec.loader is None or spec.origin is None:
            entries = list(spec.submodule_search_locations or ())
            if entries and all(map(self.contains, entries)):
                # A plain list: the one that Python makes would follow sys.path into other folders.
                spec.submodule_search_locations = entries
            return spec
        if not isinstance(spec.loader, SourceFileLoader) or not self.contains(spec.origin):
            return spec
        path = os.path.relpath(spec.origin, self.root).replace(os.sep, "/")
        # A file that is not taken for the project's is not watched: what it holds must not get into anything.
        for refused, diagnosis in self._refused.items():
            if path == refused or path.startswith(f"{refused}/"):
                raise DeclarationError([diagnosis])
        if path.startswith(f"{ROOM}/") and module_name(path) != name:
            return ModuleSpec(name, _OtherName(module_name(path)), origin=spec.origin)
        spec.loader = _Uncached(name, spec.origin, lambda begins: self.executing(path if begins else None))
        spec.cached = None
        return spec

    def _forget_listings(self) -> None:
        """Python lists a folder again only when its time stamp changed, which a quick edit need not do."""
        for entry in [entry for entry in sys.path_importer_cache if entry.startswith(self.root)]:
            sys.path_importer_cache.pop(entry, None)


def _any(test: Any, entries: Sequence[str]) -> bool:
    return any(isinstance(entry, str) and test(entry) for entry in list(entries))


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


class _Finder:
    """Asks the project first, for every import."""

    def __init__(self, imports: ProjectImports) -> None:
        self._imports = imports

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        return self._imports.find(name, path)


class _Uncached(SourceFileLoader):
    """Compiles the source each time: the time stamp in a ``.pyc`` file has whole seconds, too coarse here.

    The source is kept for tracebacks and for reading a function's source: it is what was executed.
    """

    def __init__(self, name: str, path: str, executing: Callable[[bool], None] = lambda begins: None) -> None:
        super().__init__(name, path)
        self._executing = executing

    def exec_module(self, module: ModuleType) -> None:
        self._executing(True)
        try:
            super().exec_module(module)
        finally:
            self._executing(False)

    def get_code(self, fullname: str) -> CodeType:
        data = self.get_data(self.path)
        text = _decoded(data)
        if text is not None:
            linecache.cache[self.path] = (len(data), None, _lines(text), self.path)
        code: CodeType = self.source_to_code(data, self.path)
        return code


class _WithText(_Uncached):
    """Takes *text* for what is in the file."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_data(self, path: str) -> bytes:
        return self._text.encode()


def _lines(text: str) -> list[str]:
    """Lines as Python counts them (``splitlines`` also splits at form feeds)."""
    return [line + "\n" for line in text.split("\n")]


def _decoded(data: bytes) -> str | None:
    try:
        return importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError):
        return None


class _OtherName(Loader):
    """Loads a module under a second name: as the same module object."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes what sys.modules holds after this call.
        sys.modules[module.__name__] = importlib.import_module(self._name)
