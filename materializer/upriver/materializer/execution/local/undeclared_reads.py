"""Noticing what a recipe reads without having declared it. Runs in worker processes.

Files and folders opened through Python are seen by an audit hook, environment variables by a mapping in the
place of ``os.environ``, questions about files (is it there, how large is it) by functions in the place of
``os.stat`` and its like, and what Polars, DuckDB and Arrow open by what they are called with (see
:mod:`upriver.assets.loading.native_reads`). What a subprocess or other native code opens is not seen.
"""

from __future__ import annotations

import glob
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from upriver.assets.loading.native_reads import Native
from upriver.assets.loading.stat_hooks import tell_questions
from upriver.materializer.freshness.decide import EACH_BUILD, FILE, KIND, STAT, VARIABLE
from upriver.materializer.freshness.external_inputs import (
    UNSTEADY,
    path_digest,
    path_kind,
    path_stat,
    variable_digest,
)

_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd")
_RESOLVING = frozenset({"realpath", "_joinrealpath", "resolve"})
_FOREIGN = frozenset({"site-packages", "dist-packages", "__pycache__", ".git", ".venv"})
_LISTINGS = frozenset({"os.listdir", "os.scandir"})
_EVENTS = _LISTINGS | {"open", "sqlite3.connect", "subprocess.Popen"}
_OF_LIBRARIES = frozenset({"PYARROW_IGNORE_TIMEZONE"})
"""Variables that compiled libraries look at for themselves: they are not on the stack, and what called them is."""
_BETWEEN = frozenset(
    {
        "os", "os.path", "posixpath", "ntpath", "genericpath", "pathlib", "pathlib._local", "pathlib._os", "glob",
        "io", "runpy", "contextlib",
        "upriver.assets.loading.stat_hooks", "upriver.materializer.execution.local.undeclared_reads",
    }
)  # fmt: skip
"""Modules that stand between who reads or asks and what tells of it."""
_WHETHER = frozenset(
    {
        "exists", "lexists", "isfile", "isdir", "islink", "ismount", "is_file", "is_dir", "is_symlink", "is_mount",
        "glob", "rglob", "iglob", "_iglob", "_glob0", "_lexists",
    }
)  # fmt: skip


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
        self._busy = threading.local()
        self._asked: dict[str, tuple[str, bool]] = {}
        tell_questions(self._asks)
        Native(self._opened, self._unnamed)

    def start(self) -> None:
        """Begin to watch."""
        self._watching = True

    def stop(self) -> tuple[str, ...]:
        """Stop watching; a sentence for each undeclared file, with the line that read it."""
        self._watching = False
        return tuple(self._warnings.values())

    def values(self) -> tuple[tuple[str, str], ...]:
        """What was read, as names and values of a trace's external inputs (see freshness/external_inputs.py).

        Each value is that from before the first read; what has changed since then gets one that nothing equals.
        """
        for path, stamp in self._stamps.items():
            if _stamp(path) != stamp:
                self._values[self._name(path)] = UNSTEADY
        for path, (value, directly) in self._asked.items():
            # A library that reads a file asks for its size first, and means no more by it than what it reads.
            if directly or path not in self._stamps:
                self._values[f"{STAT}{path.removeprefix(self._root)}"] = value
        return tuple(sorted(self._values.items()))

    # -- files -------------------------------------------------------------------------------------------
    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _EVENTS and self._listening():
            with self._looking():
                self._event(event, arguments)

    def _listening(self) -> bool:
        return self._watching and not getattr(self._busy, "looking", False)

    def _event(self, event: str, arguments: tuple[Any, ...]) -> None:
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
                    path = os.path.join(os.fsdecode(folder), os.fsdecode(word))  # noqa: PTH118
                    if os.path.isfile(path):  # noqa: PTH113
                        self._path(path, code=True)

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """What this thread opens and asks meanwhile is not the recipe's doing."""
        before = getattr(self._busy, "looking", False)
        self._busy.looking = True
        try:
            yield
        finally:
            self._busy.looking = before

    def _path(self, name: object, code: bool = False) -> None:
        """Something reads *name*. Code counts only if it is read as a text, by the project itself, or with *code*."""
        if not isinstance(name, str | bytes | os.PathLike):
            return  # a descriptor: its file was opened before
        path = os.path.realpath(os.fsdecode(name))
        if not path.startswith(self._root) or (path.endswith(_CODE) and not code and not self._directly()):
            return
        if path in self._declared or path in self._written or path in self._warnings:
            return
        if not _FOREIGN.isdisjoint(Path(path).parts):
            return
        line = self._line()
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
        self._stamps[path] = _stamp(path)
        self._values[self._name(path)] = path_digest(Path(path))

    def _name(self, path: str) -> str:
        return f"{FILE}{path.removeprefix(self._root)}"

    def _opened(self, source: object) -> None:
        """A library is about to open *source*: a path or a pattern, or a list of them."""
        if not self._listening() or self._line() is None:
            return
        for one in source if isinstance(source, list | tuple | set) else (source,):
            if not isinstance(one, str | os.PathLike):
                continue
            text = os.fspath(one)
            if not isinstance(text, str) or "\0" in text:
                continue
            with self._looking():
                for path in self._named(text):
                    self._path(path)

    def _named(self, text: str) -> Iterator[str]:
        """What *text* names in the project: a file, what is in a folder, or what a pattern fits, and where it looks."""
        if glob.has_magic(text) and not os.path.exists(text):  # noqa: PTH110 -- as it was written
            where = Path(text[: text.index(next(c for c in text if c in "*?["))] + "x").parent
            yield str(where)
            if self._is_inside(where):
                yield from glob.glob(text, recursive=True)  # noqa: PTH207 -- absolute or not
            return
        yield text
        if os.path.isdir(text) and self._is_inside(Path(text)):  # noqa: PTH112 -- as it was written
            for folder, folders, files in os.walk(text):
                folders[:] = [one for one in folders if one not in _FOREIGN and one != ".upriver"]
                yield folder
                yield from (os.path.join(folder, file) for file in files)  # noqa: PTH118 -- as it was written

    def _is_inside(self, path: Path) -> bool:
        return f"{os.path.realpath(path)}{os.sep}".startswith(self._root)

    def _unnamed(self) -> None:
        """A query is about to read files that it does not name."""
        line = self._line() if self._listening() else None
        if line is not None:
            self._values[f"what a query reads for {line}"] = EACH_BUILD
            self._warnings[line] = (
                f"{line} has a query read files whose names are not written in it, so this asset is built each time. "
                "Name them there, or declare a source"
            )

    # -- questions about files -------------------------------------------------------------------------------
    def _asks(self, name: object, function: str) -> None:
        if not self._listening() or not isinstance(name, str | bytes | os.PathLike):
            return
        with self._looking():
            self._question(os.fsdecode(name), function)

    def _question(self, name: str, function: str) -> None:
        path = os.path.abspath(name)  # noqa: PTH100 -- not followed: the link itself may be meant
        if not path.startswith(self._root) or f"{path}{os.sep}".startswith(self._store):
            return
        if not _FOREIGN.isdisjoint(Path(path).parts):
            return
        if os.path.realpath(path) in self._written | self._declared:
            return
        line, directly = self._line(), self._directly()
        if line is None or (path.endswith(_CODE) and not directly):
            return
        shown = path.removeprefix(self._root)
        if function in ("lstat", "readlink") and self._asks_among(_RESOLVING):
            # Of every folder on the way, by who only wants to know where he is: nothing to write home about.
            self._values.setdefault(f"{KIND}{shown}", path_kind(Path(path)))
        elif function == "access" or self._asks_among(_WHETHER):
            self._values.setdefault(f"{KIND}{shown}", path_kind(Path(path)))
            self._warnings.setdefault(
                path,
                f"{line} asks whether {shown} is there, which is not declared as a source: when it comes or goes, "
                "this asset is built again",
            )
        else:
            self._asked.setdefault(path, (path_stat(Path(path)), directly))

    # -- variables ---------------------------------------------------------------------------------------
    def _variable(self, name: str, value: str | None) -> None:
        if (
            not self._watching
            or name in self._names
            or name in _OF_LIBRARIES
            or f"{VARIABLE}{name}" in self._values
        ):
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

    def _line(self) -> str | None:
        """The innermost line of project code on the stack; None if an import stands before it."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not (
            # Loaders also read what is no code, when they are asked for it (``pkgutil.get_data``).
            frame.f_code.co_filename.startswith("<frozen importlib")
            and frame.f_code.co_name == "_find_and_load"
        ):
            if frame.f_globals.get("__name__") == "upriver.assets.declare.secret":
                return None  # a new value of a secret is no new input, wherever it is kept
            if self._is_project(frame):
                return f"{frame.f_code.co_filename.removeprefix(self._root)}:{frame.f_lineno}"
            frame = frame.f_back
        return None

    def _directly(self) -> bool:
        """Whether project code itself reads or asks, not a library that it has called."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__") in _BETWEEN:
            frame = frame.f_back
        return frame is not None and self._is_project(frame)

    def _asks_among(self, functions: frozenset[str]) -> bool:
        """Whether one of *functions* of the modules between asks."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__") in _BETWEEN:
            if frame.f_code.co_name in functions:
                return True
            frame = frame.f_back
        return False


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
