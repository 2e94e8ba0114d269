"""Noticing what a recipe reads without having declared it. Runs in worker processes.

Files opened through Python are seen by an audit hook. What native code opens (Polars, DuckDB) is not; for
that the code itself is looked at when it is described (see :mod:`upriver.lineage.python.effects`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd")


class Undeclared:
    """Watches ``open`` from :meth:`start` to :meth:`stop`. *declared* are the files that were handed to the
    recipe.
    """

    def __init__(self, root: Path, declared: Iterable[str]) -> None:
        self._root = f"{root}{os.sep}"
        self._declared = {os.path.realpath(file) for file in declared}
        self._store = f"{self._root}.upriver{os.sep}"
        self._watching = False
        self._found: dict[str, str] = {}
        sys.addaudithook(self._hook)  # can't be removed: inert unless watching

    def start(self) -> None:
        """Begin to watch."""
        self._watching = True

    def stop(self) -> tuple[str, ...]:
        """Stop watching; a sentence for each undeclared file, with the line that read it."""
        self._watching = False
        return tuple(self._found.values())

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._watching or event != "open":
            return
        name, mode = arguments[0], arguments[1]
        if not isinstance(name, str | os.PathLike) or (isinstance(mode, str) and set(mode) & set("wax+")):
            return
        path = os.path.realpath(os.fspath(name))
        if not isinstance(path, str) or not path.startswith(self._root) or path.endswith(_CODE):
            return
        if path in self._declared or path in self._found:
            return
        line = self._line(sys._getframe(1))
        if line is None:
            return
        shown = path.removeprefix(self._root)
        what = "another asset's artifact" if path.startswith(self._store) else f"the project file {shown}"
        self._found[path] = (
            f"{line} reads {what}, which is not declared as an upstream: "
            "when it changes, this asset is not rebuilt"
        )

    def _line(self, frame: FrameType | None) -> str | None:
        """The innermost line of project code on the stack."""
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(self._root):
                return f"{file.removeprefix(self._root)}:{frame.f_lineno}"
            frame = frame.f_back
        return None
