"""Noticing what a recipe reads without having declared it. Runs in worker processes.

Files and folders opened through Python are seen by an audit hook, environment variables by a mapping in the
place of ``os.environ``, and the files that Polars opens by the names that its readers are called with. What other
native code opens (DuckDB inside a recipe, a subprocess) is not seen; for that the code itself is looked at when
it is described (see :mod:`upriver.lineage.python.resolve`).
"""

from __future__ import annotations

import functools
import glob
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from upriver.materializer.outside import UNSTEADY, path_digest, variable_digest
from upriver.materializer.staleness import FILE, VARIABLE

_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd")
_FOREIGN = frozenset({"site-packages", "dist-packages", "__pycache__", ".git", ".venv"})
_LISTINGS = frozenset({"os.listdir", "os.scandir"})
_READERS = ("read_", "scan_")


class Undeclared:
    """Watches from :meth:`start` to :meth:`stop`. *declared* are the files that were handed to the recipe, *names*
    the environment variables that are among its inputs.
    """

    def __init__(self, root: Path, declared: Iterable[str], names: Iterable[str] = ()) -> None:
        self._root = f"{root}{os.sep}"
        self._declared = {os.path.realpath(file) for file in declared}
        self._names = frozenset(names)
        self._store = f"{self._root}.upriver{os.sep}"
        self._watching = False
        self._warnings: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._stamps: dict[str, tuple[int, ...] | None] = {}
        self._written: set[str] = set()
        # None of these can be taken back; all are inert unless watching. The project's modules must find them in
        # place when they are imported: some take the names of what is watched.
        sys.addaudithook(self._hook)
        os.environ = _Environ(os.environ, self._variable)  # noqa: B003 -- it shares its content with the real one
        _watch_polars(self._polars_reads)

    def start(self) -> None:
        """Begin to watch."""
        self._watching = True

    def stop(self) -> tuple[str, ...]:
        """Stop watching; a sentence for each undeclared file, with the line that read it."""
        self._watching = False
        return tuple(self._warnings.values())

    def values(self) -> tuple[tuple[str, str], ...]:
        """What was read, as names and values of a trace's environment (see :mod:`~upriver.materializer.outside`).

        Each value is that from before the first read; what has changed since then gets one that nothing equals.
        """
        for path, stamp in self._stamps.items():
            if _stamp(path) != stamp:
                self._values[self._name(path)] = UNSTEADY
        return tuple(sorted(self._values.items()))

    # -- files -------------------------------------------------------------------------------------------
    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._watching:
            return
        if event == "open":
            name, mode, flags = arguments
            if not _only_writes(mode, flags):
                self._path(name)
            elif isinstance(name, str | os.PathLike) and mode != "a":
                self._written.add(os.path.realpath(os.fspath(name)))  # what is read of it is its own
        elif event == "sqlite3.connect":
            self._path(arguments[0])
        elif event in _LISTINGS:
            self._path("." if arguments[0] is None else arguments[0])
        elif event == "subprocess.Popen":
            words = arguments[1]
            folder = arguments[2] or "."
            for word in words if isinstance(words, list | tuple) else ():
                with suppress(TypeError, ValueError, OSError):
                    path = os.path.join(os.fsdecode(folder), os.fsdecode(word))  # type: ignore[arg-type]  # noqa: PTH118
                    if os.path.isfile(path):  # noqa: PTH113
                        self._path(path, code=True)

    def _path(self, name: object, code: bool = False) -> None:
        if not isinstance(name, str | bytes | os.PathLike):
            return  # a descriptor: its file was opened before
        path = os.path.realpath(os.fsdecode(name))
        if not path.startswith(self._root) or (path.endswith(_CODE) and not code):
            return
        if path in self._declared or path in self._written or path in self._warnings:
            return
        if not _FOREIGN.isdisjoint(Path(path).parts):
            return
        line = self._line(sys._getframe(2))
        if line is None:
            return
        shown = path.removeprefix(self._root)
        if path.startswith(self._store):
            self._warnings[path] = (
                f"{line} reads another asset's artifact, which is not declared as an upstream: "
                "when that asset is rebuilt, this one is not"
            )
            return
        self._warnings[path] = (
            f"{line} reads {shown}, which is not declared as a source: it counts as a whole, "
            "and is not in the lineage"
        )
        self._watching = False  # what is opened here is not the recipe's doing
        try:
            self._stamps[path] = _stamp(path)
            self._values[self._name(path)] = path_digest(Path(path))
        finally:
            self._watching = True

    def _name(self, path: str) -> str:
        return f"{FILE}{path.removeprefix(self._root)}"

    def _polars_reads(self, source: object) -> None:
        if not self._watching:
            return
        for one in source if isinstance(source, list | tuple) else (source,):
            if not isinstance(one, str | Path):
                continue
            text = str(one)
            inside: list[str] = []
            if glob.has_magic(text):
                self._path(Path(text[: text.index(next(c for c in text if c in "*?["))]).parent)
                inside = glob.glob(text, recursive=True)  # noqa: PTH207 -- a pattern, absolute or not
            else:
                self._path(text)
                if Path(text).is_dir():
                    inside = [str(path) for path in Path(text).rglob("*")]
            for path in inside:
                self._path(path)

    # -- variables ---------------------------------------------------------------------------------------
    def _variable(self, name: str, value: str | None) -> None:
        if not self._watching or name in self._names or f"{VARIABLE}{name}" in self._values:
            return
        # Only what project code asks for itself: libraries look at many, and mean nothing by it.
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_globals.get("__name__") in (
            "os",
            "collections.abc",
            "_collections_abc",
        ):
            frame = frame.f_back
        if frame is None or not self._is_project(frame):
            return
        self._values[f"{VARIABLE}{name}"] = variable_digest(value)
        line = f"{frame.f_code.co_filename.removeprefix(self._root)}:{frame.f_lineno}"
        self._warnings[f"${name}"] = (
            f"{line} reads the environment variable {name} without declaring it: when its value changes, "
            f"this asset is built again. Write environment=[{name!r}] to say so"
        )

    # -- who reads ---------------------------------------------------------------------------------------
    def _is_project(self, frame: FrameType) -> bool:
        file = frame.f_code.co_filename
        return file.startswith(self._root) and _FOREIGN.isdisjoint(Path(file).parts)

    def _line(self, frame: FrameType | None) -> str | None:
        """The innermost line of project code on the stack."""
        while frame is not None:
            if self._is_project(frame):
                return f"{frame.f_code.co_filename.removeprefix(self._root)}:{frame.f_lineno}"
            frame = frame.f_back
        return None


def _only_writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return "r" not in mode and not ("a" in mode and "+" in mode)
    return isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) == os.O_WRONLY


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 -- audit events deal in strings
    except OSError:
        return None
    if os.path.isdir(path):  # noqa: PTH112 -- a folder's times change with files that come and go at once
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


class _Environ(os._Environ[str]):
    """``os.environ`` that tells of each variable that is read."""

    def __init__(self, real: os._Environ[str], read: Callable[[str, str | None], None]) -> None:
        data: Any = real._data  # type: ignore[attr-defined]
        super().__init__(data, real.encodekey, real.decodekey, real.encodevalue, real.decodevalue)
        self._real = real
        self._read = read

    def __getitem__(self, key: str) -> str:
        if isinstance(key, str):
            self._read(key, self._real.get(key))
        return super().__getitem__(key)


def _watch_polars(reads: Callable[[object], None]) -> None:
    """Have Polars' readers tell what they are about to open: its own code opens it out of Python's sight."""
    polars = sys.modules.get("polars")
    if polars is None:
        return
    for name, function in list(vars(polars).items()):
        if name.startswith(_READERS) and callable(function):
            setattr(polars, name, _telling(function, reads))


def _telling(function: Callable[..., Any], reads: Callable[[object], None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def told(*arguments: Any, **named: Any) -> Any:
        source = arguments[0] if arguments else named.get("source", named.get("sources"))
        reads(source)
        return function(*arguments, **named)

    return told
