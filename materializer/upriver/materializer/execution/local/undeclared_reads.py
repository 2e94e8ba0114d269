"""Noticing what a recipe reads without having declared it. Runs in worker processes.

Files and folders opened through Python are seen by an audit hook, environment variables by a mapping in the
place of ``os.environ``, questions about files (is it there, how large is it) by functions in the place of
``os.stat`` and its like, and what Polars, DuckDB and Arrow open by what they are called with (see
:mod:`upriver.assets.loading.native_reads`).

In a confined process the kernel denies what was not granted, whether it is seen here or not; what is seen here is told
with its line, and fails the attempt even if the recipe makes nothing of it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from upriver.assets.loading.native_reads import watch_libraries
from upriver.assets.loading.stat_hooks import tell_questions
from upriver.assets.model import Permissions
from upriver.materializer.execution.local.callers import FOREIGN, Callers
from upriver.materializer.execution.local.confinement.policy import Access, Index, contains
from upriver.materializer.execution.local.denials import Act, Denied
from upriver.materializer.execution.local.listing_hooks import watch_listings, watch_opens
from upriver.materializer.execution.local.opened_files import (
    DeclaredPaths,
    database_files,
    exists,
    fitting,
    looks_in,
    only_writes,
    pattern_of,
    resolved,
    stamp,
    words,
    writes,
)
from upriver.materializer.execution.local.undeclared_variables import Variables
from upriver.materializer.freshness.decide import EACH_BUILD, FILE, KIND, LINK, STAT
from upriver.materializer.freshness.external_inputs import (
    UNSTEADY,
    path_digest,
    path_kind,
    path_link,
    path_stat,
)

_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd")
_LISTINGS = frozenset({"os.listdir", "os.scandir"})
_STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"})
_CHANGES = frozenset(
    {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate"}
)
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"})
_ATTRIBUTES = frozenset({"os.getxattr", "os.listxattr"})
_EVENTS = (
    _LISTINGS | _STARTS | _CHANGES | _CONNECTS | _ATTRIBUTES | {"open", "sqlite3.connect", "ctypes.dlopen"}
)
_PASSING = ("/proc/", "/sys/", "/dev/", "/run/", "/var/run/")
"""Where libraries look for what the machine is like: a denial there makes them go without, and is not told."""


class Undeclared:
    """Watches from :meth:`start` to :meth:`stop`. *declared* are the files that were handed to the recipe, *names*
    the environment variables that are among its inputs, *permissions* what it may touch besides, *scratch* its own
    folder. *permitted* answers what a confined process may do, and is None in one that is not; *shown* are folders that
    it can't list, with the names that it may know.
    """

    def __init__(
        self,
        root: Path,
        declared: Iterable[str],
        names: Iterable[str],
        permissions: Permissions,
        scratch: str,
        permitted: Index | None,
        shown: Mapping[str, Sequence[str]],
    ) -> None:
        self._root = f"{root}{os.sep}"
        self._project = str(root)
        self._declared = {resolved(file) for file in declared}
        self._permissions = permissions
        self._declarations = DeclaredPaths(self._project, permissions)
        self._scratch = resolved(scratch)
        self._permitted = permitted
        self._store = f"{self._root}.upriver{os.sep}"
        self._callers = Callers(root)
        self._variables = Variables(self._callers, names, confined=permitted is not None)
        self._watching = False
        self._warnings: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._stamps: dict[str, tuple[int, ...] | None] = {}
        self._written: set[str] = set()
        self._denied: dict[Denied, None] = {}
        # None of these can be taken back; all are inert unless watching. The project's modules must find them in
        # place when they are imported: some take the names of what is watched.
        sys.addaudithook(self._hook)
        self._busy = threading.local()
        self._asked: dict[str, tuple[str, bool]] = {}
        tell_questions(self._asks)
        watch_listings(shown, self._listed, self._asks)
        watch_opens(self._opened_in)
        watch_libraries(self._opened, self._unnamed)

    def start(self) -> None:
        """Begin to watch."""
        self._watching = True

    def stop(self) -> tuple[str, ...]:
        """Stop watching; a sentence for each undeclared file, with the line that read it."""
        self._watching = False
        return (*self._warnings.values(), *self._variables.warnings.values())

    @property
    def denied(self) -> tuple[Denied, ...]:
        """What was seen to be denied."""
        return tuple(self._denied)

    def with_mentioned(self, mentioned: Iterable[Denied]) -> tuple[Denied, ...]:
        """What was seen to be denied, and what of *mentioned* is."""
        found = dict(self._denied)
        seen = {one.real for one in found}
        for one in mentioned:
            access = Access.READ if one.act is Act.READ else Access.LIST
            if (
                self._permitted is not None
                and one.real not in seen
                and not self._permitted.permits(one.real, access)
            ):
                found.setdefault(one)
        return tuple(found)

    def values(self) -> tuple[tuple[str, str], ...]:
        """What was read, as names and values of a trace's external inputs (see freshness/external_inputs.py).

        Each value is that from before the first read; what has changed since then gets one that nothing equals. What a
        confined process was granted is not among them: the grant takes its value.
        """
        for name, before in self._stamps.items():
            if stamp(f"{self._root}{name}") != before:
                self._values[f"{FILE}{name}"] = UNSTEADY
        for path, (value, directly) in self._asked.items():
            # A library that reads a file asks for its size first, and means no more by it than what it reads.
            if directly or path.removeprefix(self._root) not in self._stamps:
                self._values[f"{STAT}{path.removeprefix(self._root)}"] = value
        return tuple(sorted((self._values | self._variables.values).items()))

    # -- what Python tells ---------------------------------------------------------------------------------
    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _EVENTS and self._listening():
            with self._looking():
                self._event(event, arguments)

    def _listening(self) -> bool:
        return self._watching and not getattr(self._busy, "looking", False)

    def _event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            name, mode, flags = arguments
            if writes(mode, flags):
                self._writes(name)
            if not only_writes(mode, flags):
                self._path(name)
            elif isinstance(name, str | os.PathLike) and mode != "a" and self._permitted is None:
                self._written.add(resolved(os.fspath(name)))  # what is read of it is its own
        elif event == "sqlite3.connect":
            for name in database_files(arguments[0]):
                self._path(name)
        elif event == "ctypes.dlopen":
            if isinstance(arguments[0], str) and os.sep in arguments[0]:
                self._path(arguments[0], code=True)
        elif event in _LISTINGS:
            self._path("." if arguments[0] is None else arguments[0])
        elif event in _STARTS:
            self._started(event, arguments)
        elif event in _CHANGES:
            self._changes(arguments)
        elif event in _CONNECTS:
            self._connects()
        elif event in _ATTRIBUTES:
            self._attributes(arguments[0])

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """What this thread opens and asks meanwhile is not the recipe's doing."""
        before = getattr(self._busy, "looking", False)
        self._busy.looking = True
        try:
            yield
        finally:
            self._busy.looking = before

    # -- reading -------------------------------------------------------------------------------------------
    def _path(self, name: object, code: bool = False) -> None:
        """Something reads *name*. Code counts only if it is read as a text, by the project itself, or with *code*."""
        if not isinstance(name, str | bytes | os.PathLike):
            return  # a descriptor: its file was opened before
        named = os.path.abspath(os.fsdecode(name))  # noqa: PTH100 -- not followed: the link itself may be pointed elsewhere
        real = resolved(named)
        if self._callers.of_secrets() or self._deny_read(named, real):
            return
        if real in self._declared or real in self._written or contains(self._scratch, real):
            return
        if not self._is_own(real) or (real.endswith(_CODE) and not code and not self._callers.directly()):
            return
        if self._callers.import_system():
            return
        self._count(named, real)

    def _count(self, named: str, real: str) -> None:
        """*named*, which leads to *real*, is read."""
        line = self._callers.line() or self._callers.any_line() or "a library"
        shown = "." if named == self._project else named.removeprefix(self._root)
        if real.startswith(self._store):
            self._warnings.setdefault(
                named,
                f"{line} reads another asset's artifact, which is not declared as an upstream: "
                "when that asset is rebuilt, this one is not",
            )
            return
        if not self._declarations.read(shown):
            self._warnings.setdefault(
                named,
                f"{line} reads {shown}, which is not declared as a source: it counts as a whole, "
                "and is not in the lineage",
            )
        if self._permitted is not None and not real.endswith(_CODE) and exists(real):
            return  # it was granted, and counts for that
        for path in dict.fromkeys((named, real)):
            if path.startswith(self._root) and (one := path.removeprefix(self._root)) not in self._stamps:
                self._stamps[one] = stamp(path)
                self._values[f"{FILE}{one}"] = path_digest(Path(path))

    def _is_own(self, real: str) -> bool:
        """Whether *real* is the project's, and not a library's in it."""
        return real.startswith(self._root) and FOREIGN.isdisjoint(
            real.removeprefix(self._root).split(os.sep)  # noqa: PTH206 -- for everything that is opened
        )

    def _deny_read(self, named: str, real: str) -> bool:
        """Whether the kernel denies to read *real*, which is noted if that makes a difference to the recipe."""
        if self._permitted is None:
            return False
        is_folder = os.path.isdir(real)  # noqa: PTH112
        if self._permitted.permits(real, Access.LIST if is_folder else Access.READ) or not exists(real):
            return False
        if not self._callers.import_system():
            self._deny(Act.LIST if is_folder else Act.READ, named, real)
        return True

    def _deny(self, act: Act, named: str, real: str) -> None:
        inside = contains(self._project, real)
        if not inside and (real.startswith(_PASSING) or self._callers.line() is None):
            return
        self._denied[Denied(act, named, real, self._callers.any_line())] = None

    def _opened_in(self, name: str) -> None:
        """A file is opened whose name is told from a folder that is open."""
        if self._listening():
            with self._looking():
                self._path(name)

    def _listed(self, name: str) -> None:
        """A folder whose names were taken before is listed."""
        if self._listening() and not self._callers.import_system():
            with self._looking():
                named = os.path.abspath(name)  # noqa: PTH100
                self._count(named, resolved(named))

    def _attributes(self, name: object) -> None:
        if isinstance(name, str | bytes | os.PathLike) and (line := self._callers.line()):
            path = resolved(os.fsdecode(name))
            if self._is_own(path):
                self._each_build(f"the extended attributes of {path.removeprefix(self._root)}", line)

    def _started(self, event: str, arguments: Sequence[Any]) -> None:
        """A program is started: what its words name may be read by it."""
        told = arguments[1] if event in ("subprocess.Popen", "os.exec", "os.posix_spawn") else arguments[-1:]
        folder = (arguments[2] if event == "subprocess.Popen" else None) or "."
        for text in told if isinstance(told, list | tuple) else (told,):
            for word in words(text):
                path = os.path.join(os.fsdecode(folder), word)  # noqa: PTH118
                if os.path.isfile(path) and resolved(path).startswith(self._root):  # noqa: PTH113
                    self._path(path, code=True)

    # -- what libraries open ---------------------------------------------------------------------------------
    def _opened(self, source: object) -> None:
        """A library is about to open *source*: a path or a pattern, or a list of them."""
        if not self._listening():
            return
        for one in source if isinstance(source, list | tuple | set) else (source,):
            if not isinstance(one, str | os.PathLike):
                continue
            text = os.fspath(one)
            if not isinstance(text, str) or "\0" in text or text.startswith((":memory:", ":default:")):
                continue
            with self._looking():
                for path in self._named(text):
                    self._path(path)

    def _named(self, text: str) -> Iterator[str]:
        """What *text* names in the project: a file, what is in a folder, or what a pattern fits, and where it looks."""
        pattern = pattern_of(text)
        if pattern is None:
            yield text
            return
        where = looks_in(pattern)
        folder = resolved(where)
        if not contains(self._project, folder):
            return
        if self._permitted is not None and not self._permitted.permits(folder, Access.LIST):
            named = os.path.abspath(pattern)  # noqa: PTH100
            self._deny(Act.MATCH, named, named if folder != self._project else folder)
            return
        yield where
        yield from fitting(pattern)

    def _unnamed(self) -> None:
        """A query is about to read files that it does not name."""
        if self._permitted is None and self._listening() and (line := self._callers.line()) is not None:
            self._values[f"what a query reads for {line}"] = EACH_BUILD
            self._warnings[line] = (
                f"{line} has a query read files whose names are not written in it, so this asset is built each time. "
                "Name them there, or declare a source"
            )

    def _each_build(self, what: str, line: str) -> None:
        self._values[what] = EACH_BUILD
        self._warnings[what] = (
            f"{line} reads {what}, which can't be followed, so this asset is built each time"
        )

    # -- writing and connecting ------------------------------------------------------------------------------
    def _writes(self, name: object) -> None:
        """Something opens *name* to write."""
        if self._permitted is None or not isinstance(name, str | bytes | os.PathLike):
            return
        named = os.path.abspath(os.fsdecode(name))  # noqa: PTH100
        real = resolved(named)
        if self._permitted.permits(real, Access.WRITE) and (
            self._permitted.permits(real, Access.READ) or self._declarations.write(real)
        ):
            return
        if "__pycache__" not in real:
            self._deny(Act.WRITE, named, real)

    def _changes(self, arguments: Sequence[Any]) -> None:
        for name in arguments[:2]:
            if self._permitted is not None and isinstance(name, str | bytes | os.PathLike):
                real = resolved(os.fsdecode(name))
                if not self._permitted.permits(real, Access.MAKE) and self._callers.directly():
                    self._deny(Act.WRITE, os.path.abspath(os.fsdecode(name)), real)  # noqa: PTH100

    def _connects(self) -> None:
        if self._permitted is None or self._permissions.network:
            return
        self._denied[Denied(Act.CONNECT, line=self._callers.any_line())] = None

    # -- questions about files -------------------------------------------------------------------------------
    def _asks(self, name: object, function: str) -> None:
        if not self._listening() or not isinstance(name, str | bytes | os.PathLike):
            return
        with self._looking():
            self._question(os.fsdecode(name), function)

    def _question(self, name: str, function: str) -> None:
        path = os.path.abspath(name)  # noqa: PTH100 -- not followed: the link itself may be meant
        if not self._is_own(path) or f"{path}{os.sep}".startswith(self._store):
            return
        if resolved(path) in self._written | self._declared or self._callers.import_system():
            return
        line, directly = self._callers.line(), self._callers.directly()
        if line is None or (path.endswith(_CODE) and not directly) or self._callers.of_secrets():
            return
        shown = path.removeprefix(self._root)
        if function in ("lstat", "readlink") and self._callers.resolves():
            # Of every folder on the way, by code that only resolves its own path: the kind is all that it learns.
            self._values.setdefault(f"{KIND}{shown}", path_kind(Path(path)))
            self._values.setdefault(f"{LINK}{shown}", path_link(Path(path)))
        elif function == "access" or self._callers.asks_whether():
            self._values.setdefault(f"{KIND}{shown}", path_kind(Path(path)))
            if not self._declarations.read(shown):
                self._warnings.setdefault(
                    f"whether {path}",
                    f"{line} asks whether {shown} is there, which is not declared as a source: when it comes or goes, "
                    "this asset is built again",
                )
        else:
            self._asked.setdefault(path, (path_stat(Path(path)), directly))

    # -- variables ---------------------------------------------------------------------------------------
    def variable(self, name: str, value: str | None) -> None:
        """An environment variable that is not declared is read."""
        if self._listening():
            self._variables.read(name, value)
