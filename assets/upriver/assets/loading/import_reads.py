# ruff: noqa: PTH100, PTH118
# Audit events deal in strings
"""Recorder of what modules read while they are loaded, besides code: files (also whether there is one), listings of
folders, environment variables.

What a project declares may depend on them (an asset for each line of a list), so a remembered declaration is
worth something only while they are as they were. Reads by the import system and by packages that are being
imported do not count. Some reads can't be seen from Python: of a subprocess, of the network, or of files that
Polars, DuckDB or PyArrow open themselves. Where such a thing happened it is named, and nothing should be
remembered.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import stat
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeAlias

from upriver.assets.loading.native_reads import watch_libraries
from upriver.assets.loading.stat_hooks import real_stat, tell_questions
from upriver.assets.model import Value

Stamp: TypeAlias = tuple[int, int, int, int]
"""Size, modification and change time in nanoseconds, inode."""

EVERY_NAME = "*"
"""In :attr:`Observed.environment`: the list of all names was read."""

_LISTINGS = frozenset({"os.listdir", "os.scandir"})
_UNSEEN = {
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.posix_spawn": "starts a process",
    "socket.connect": "connects to the network",
    "socket.getaddrinfo": "connects to the network",
    "sqlite3.connect": "opens a SQLite database",
}
_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd")
_CHANGING = ("/dev/", "/proc/", "/sys/")


class Observed(Value, frozen=True):
    """What was read. Paths are relative to the root when below it; a stamp is None for what was missing.

    *asked* are paths about which something was asked; of a folder only which one it is counts there.
    *environment* are names with a digest of the value (it may be secret), None for a variable that was not
    set. *unseen* are sentences about reads that could not be followed.
    """

    files: tuple[tuple[str, Stamp | None], ...] = ()
    folders: tuple[tuple[str, Stamp | None], ...] = ()
    environment: tuple[tuple[str, str | None], ...] = ()
    unseen: tuple[str, ...] = ()
    asked: tuple[tuple[str, Stamp | None], ...] = ()

    def changed(self, root: str, environment: Mapping[str, str]) -> tuple[str, ...]:
        """The names of what is not as it was: paths, and variables as ``$NAME``. One stat for each path."""
        paths = [
            path for path, stamp in (*self.files, *self.folders) if _stamp(os.path.join(root, path)) != stamp
        ]
        paths += [path for path, stamp in self.asked if _answer(os.path.join(root, path)) != stamp]
        names = [f"${name}" for name, digest in self.environment if _digest_of(name, environment) != digest]
        return (*paths, *names)


def _stamp(path: str) -> Stamp | None:
    try:
        found = real_stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _answer(path: str) -> Stamp | None:
    """The stamp of a file; of a folder not its times, for they change with everything that comes and goes in it."""
    found = _stamp(path)
    return (0, 0, 0, found[3]) if found is not None and stat.S_ISDIR(real_stat(path).st_mode) else found


def _digest_of(name: str, environment: Mapping[str, str]) -> str | None:
    value = "\0".join(sorted(environment)) if name == EVERY_NAME else environment.get(name)
    if value is None:
        return None
    return hashlib.blake2b(os.fsencode(value), digest_size=16, person=b"upriver env").hexdigest()


class Recorder:
    """Notes what code of one project reads. *is_project* tells whether a file (absolute) is such code."""

    def __init__(self, root: str, is_project: Callable[[str], bool]) -> None:
        self._root = root
        self._is_project = is_project
        self._files: dict[str, Stamp | None] = {}
        self._folders: dict[str, Stamp | None] = {}
        self._asked: dict[str, Stamp | None] = {}
        self._environment: dict[str, str | None] = {}
        self._unseen: set[str] = set()
        self._ignored = tuple(
            {
                os.path.realpath(path) + os.sep
                for path in map(sysconfig.get_path, ("stdlib", "purelib", "platlib"))
            }
        )

    def observed(self) -> Observed:
        """All that was read until now."""
        return Observed(
            files=tuple(sorted(self._files.items())),
            folders=tuple(sorted(self._folders.items())),
            environment=tuple(sorted(self._environment.items())),
            unseen=tuple(sorted(self._unseen)),
            asked=tuple(sorted(self._asked.items())),
        )

    def event(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit event (https://docs.python.org/3/library/audit_events.html)."""
        if event == "open":
            path, mode, flags = args
            if not _only_writes(mode, flags):
                self._path(self._files, path)
        elif event in _LISTINGS:
            self._path(self._folders, "." if args[0] is None else args[0])
        elif event in _UNSEEN:
            reader = self._reader()
            if reader is not None:
                self._unseen.add(f"{self._shown(reader)} {_UNSEEN[event]}")

    def question(self, path: object) -> None:
        """Whether *path* is there, or what it is like, is being asked."""
        self._path(self._asked, path)

    def variable(self, name: str, environment: Mapping[str, str]) -> None:
        """Environment variable *name* is being read."""
        if name not in self._environment and self._reader() is not None:
            self._environment[name] = _digest_of(name, environment)

    def call(self, path: str, line: int, function: str) -> None:
        """Module *path* calls *function*, which reads files without Python seeing it."""
        self._unseen.add(f"{path}:{line} calls {function}")

    def native(self, source: object) -> None:
        """A library is about to open *source* with code of its own, for a module or for a function that it calls."""
        paths = source if isinstance(source, list | tuple) else (source,)
        reader = self._reader() if any(isinstance(one, str | os.PathLike) for one in paths) else None
        if reader is not None:
            self._unseen.add(f"{self._shown(reader)} has a library read files")

    def _path(self, seen: dict[str, Stamp | None], path: object) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):  # a file descriptor: it was opened before
            return
        text = os.path.abspath(os.fsdecode(path))
        inside = text.startswith(self._root + os.sep)
        if (
            text.endswith(_CODE)
            or text.startswith(self._ignored)
            or (not inside and text.startswith(_CHANGING))
        ):
            return
        name = os.path.relpath(text, self._root) if inside else text
        if name not in seen and self._reader() is not None:
            # Stamped before it is read: a change after this is found, if perhaps once too often.
            seen[name] = _answer(text) if seen is self._asked else _stamp(text)

    def _reader(self) -> FrameType | None:
        """The project's code that is reading, directly or through a library it called; None for imports."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith("<frozen importlib") and code.co_name == "_find_and_load":
                return None
            if self._is_project(code.co_filename):
                return frame
            frame = frame.f_back
        return None

    def _shown(self, frame: FrameType) -> str:
        return f"{os.path.relpath(frame.f_code.co_filename, self._root)}:{frame.f_lineno}"


def _only_writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return "r" not in mode and "+" not in mode
    return isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) == os.O_WRONLY


class _Environ(os._Environ[str]):
    """``os.environ`` that records what is read of it, while a recorder is set."""

    def __init__(self, real: os._Environ[str], recorder: Recorder) -> None:
        data: Any = real._data  # type: ignore[attr-defined]
        super().__init__(data, real.encodekey, real.decodekey, real.encodevalue, real.decodevalue)
        self._real = real
        self.recorder: Recorder | None = recorder

    def __getitem__(self, key: str) -> str:
        if self.recorder is not None and isinstance(key, str):
            self.recorder.variable(key, self._real)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        if self.recorder is not None:
            self.recorder.variable(EVERY_NAME, self._real)
        return super().__iter__()


_recorder: Recorder | None = None
_hooked = False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    recorder = _recorder
    if recorder is not None:
        # Whatever goes wrong here must not fail the user's call.
        with contextlib.suppress(Exception):
            recorder.event(event, args)


def _asked(path: object, function: str) -> None:
    recorder = _recorder
    if recorder is not None:
        with contextlib.suppress(Exception):  # as above
            recorder.question(path)


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Tell *recorder* of everything that is read. Changes made to ``os.environ`` are undone at the end.

    An audit hook can't be removed; the one installed here does nothing outside of this context.
    """
    global _recorder, _hooked  # noqa: PLW0603 - an audit hook is for the whole process
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    put_back = tell_questions(_asked)
    native = watch_libraries(recorder.native, lambda: recorder.native(""))
    real = os.environ
    before = dict(real)
    environ = _Environ(real, recorder)
    os.environ = environ  # noqa: B003 - it shares its content with the real one
    previous, _recorder = _recorder, recorder
    try:
        yield
    finally:
        native.close()
        put_back()
        _recorder = previous
        environ.recorder = None
        os.environ = real  # noqa: B003
        for name in real.keys() - before.keys():
            del real[name]
        real.update({name: value for name, value in before.items() if real.get(name) != value})


_NATIVE_READS = frozenset({"connect", "sql", "query", "execute"})
_SEEN_READS = frozenset({"read_text", "read_bytes", "read_file", "read_string", "read_dict"})


def native_reads(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Calls, outside of functions, that look as if a native library reads a file: their lines and names."""
    open_nodes: list[ast.AST] = [module]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, ast.Call):
            name = str(getattr(node.func, "attr", None) or getattr(node.func, "id", ""))
            reads = name.startswith(("read_", "scan_")) and name not in _SEEN_READS
            if reads or name in _NATIVE_READS:
                yield node.lineno, ast.unparse(node.func)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            open_nodes += node.decorator_list
        elif not isinstance(node, ast.Lambda):
            open_nodes += ast.iter_child_nodes(node)
