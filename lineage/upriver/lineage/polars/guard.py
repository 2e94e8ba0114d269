"""Guard around a function that is run only to see what it plans: it touches nothing outside."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl


class SideEffect(BaseException):
    """The function tried to do something outside. ``except Exception`` lets it pass."""


_BLOCKED = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "os.kill",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.utime",
    "os.putenv",
    "os.unsetenv",
    "shutil.",
    "tempfile.",
    "sqlite3.connect",
    "urllib.",
    "http.client.",
    "smtplib.",
    "ftplib.",
    "webbrowser.",
    "signal.pthread_kill",
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class _Guard:
    """The process's one audit hook. Python never takes one off, so it is set once and rests in between."""

    def __init__(self) -> None:
        self.active = False
        self.tried: list[str] = []
        self._set = False

    def set(self) -> None:
        if not self._set:
            self._set = True
            sys.addaudithook(self._hook)

    def refuse(self, what: str) -> None:
        self.tried.append(what)
        raise SideEffect(what)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = isinstance(flags, int) and flags & _WRITES
            if (writes or (isinstance(mode, str) and set(mode) & set("wax+"))) and path != os.devnull:
                self.refuse(f"opens {path} to write")
        elif event.startswith(_BLOCKED):
            self.refuse(f"does {event}")


_GUARD = _Guard()


@contextmanager
def no_side_effects() -> Iterator[list[str]]:
    """While it lasts, sockets, processes and writing files raise SideEffect. Yields what was tried.

    Polars writes files without Python's knowledge, so its methods that do are taken away meanwhile. What a
    library does in C on its own (a database driver) is not seen.
    """
    _GUARD.set()
    writers = [
        (cls, n)
        for cls in (pl.DataFrame, pl.LazyFrame)
        for n in vars(cls)
        if n.startswith(("write_", "sink_"))
    ]
    originals = [(cls, name, vars(cls)[name]) for cls, name in writers if name != "write_json"]
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _GUARD.tried = []
    for cls, name, _ in originals:
        setattr(cls, name, _refusal(f"{cls.__name__}.{name}"))
    _GUARD.active = True
    try:
        yield _GUARD.tried
    finally:
        _GUARD.active = False
        for cls, name, original in originals:
            setattr(cls, name, original)
        sys.dont_write_bytecode = bytecode


def _refusal(what: str) -> Callable[..., None]:
    def refused(*_: object, **__: object) -> None:
        _GUARD.refuse(f"calls {what}")

    return refused
