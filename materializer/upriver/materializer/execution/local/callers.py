"""Callers behind a call that a hook sees: a line of the project, the import system, or a library on its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from types import FrameType

FOREIGN = frozenset({"site-packages", "dist-packages", "__pycache__", ".git", ".venv"})
"""Folders whose files are none of the project's own."""

_BETWEEN = frozenset(
    {
        "os", "os.path", "posixpath", "ntpath", "genericpath", "pathlib", "pathlib._local", "pathlib._os", "glob",
        "io", "runpy", "contextlib", "collections.abc", "_collections_abc", "string", "re", "shutil", "fnmatch",
        "zipfile", "zipfile._path",
        "upriver.assets.loading.stat_hooks", "upriver.assets.loading.native_reads",
        "upriver.materializer.execution.local.undeclared_reads", "upriver.materializer.execution.local.callers",
        "upriver.materializer.execution.local.confinement.environment",
        "upriver.materializer.execution.local.listing_hooks", "upriver.materializer.execution.local.worker",
        "upriver.materializer.execution.local.undeclared_variables",
    }
)  # fmt: skip
"""Modules that stand between the code that reads or asks and what tells of it."""

_RESOLVING = frozenset({"realpath", "_joinrealpath", "resolve"})
_WHETHER = frozenset(
    {
        "exists", "lexists", "isfile", "isdir", "islink", "ismount", "is_file", "is_dir", "is_symlink", "is_mount",
        "glob", "rglob", "iglob", "_iglob", "_glob0", "_lexists",
    }
)  # fmt: skip
_IMPORTING = (
    "importlib._bootstrap",
    "_frozen_importlib",
    "importlib.metadata",
    "importlib_metadata",
    "pkg_resources",
)


class Callers:
    """Looks at the stack of the present thread. *root* is the project's."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}{os.sep}"

    def line(self) -> str | None:
        """The innermost line of project code; None if there is none, or an import of a library stands before it."""
        for frame in _stack():
            # Loaders also read what is no code, when they are asked for it (``pkgutil.get_data``).
            if (
                frame.f_code.co_filename.startswith("<frozen importlib")
                and frame.f_code.co_name == "_find_and_load"
            ):
                return None
            if self._is_project(frame):
                return f"{frame.f_code.co_filename.removeprefix(self._root)}:{frame.f_lineno}"
        return None

    def any_line(self) -> str:
        """The innermost line of project code, whatever stands before it; empty if there is none."""
        for frame in _stack():
            if self._is_project(frame):
                return f"{frame.f_code.co_filename.removeprefix(self._root)}:{frame.f_lineno}"
        return ""

    def directly(self) -> bool:
        """Whether project code itself reads or asks, not a library that it has called."""
        frame = next(_beyond(), None)
        return frame is not None and self._is_project(frame)

    def import_system(self) -> bool:
        """Whether the import system itself asks, for modules or for what is installed: no recipe depends on that."""
        for frame in _beyond():
            name = str(frame.f_globals.get("__name__"))
            if name.startswith(_IMPORTING):
                return frame.f_code.co_name != "get_data" or not self._asked_for_data()
            if name != "importlib._common" and not name.startswith("importlib."):
                return False
        return False

    def of_secrets(self) -> bool:
        """Whether a secret is looked up: a new value of one is no new input, wherever it is kept."""
        return any(frame.f_globals.get("__name__") == "upriver.assets.declare.secret" for frame in _stack())

    def resolves(self) -> bool:
        """Whether it is asked only where a path leads."""
        return _among(_RESOLVING)

    def asks_whether(self) -> bool:
        """Whether it is asked only what there is, or whether there is something."""
        return _among(_WHETHER)

    def _asked_for_data(self) -> bool:
        """Whether other code than the import system has a loader read a file."""
        return not any(
            frame.f_code.co_filename.startswith("<frozen importlib")
            and frame.f_code.co_name in ("_find_and_load", "get_code")
            for frame in _stack()
            if not self._is_project(frame)
        )

    def _is_project(self, frame: FrameType) -> bool:
        file = frame.f_code.co_filename
        return file.startswith(self._root) and FOREIGN.isdisjoint(file.removeprefix(self._root).split(os.sep))  # noqa: PTH206


def _among(functions: Container[str]) -> bool:
    """Whether one of *functions* of the modules between asks."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in _BETWEEN:
        if frame.f_code.co_name in functions:
            return True
        frame = frame.f_back
    return False


def _stack() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _beyond() -> Iterator[FrameType]:
    """The frames of the present stack from the first that is not of a module between."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in _BETWEEN:
        frame = frame.f_back
    while frame is not None:
        yield frame
        frame = frame.f_back
