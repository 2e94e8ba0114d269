"""Files that a call opens, read from its arguments."""

from __future__ import annotations

import glob
import os
import shlex
import stat
import urllib.parse
from collections.abc import Iterator
from fnmatch import fnmatchcase

from upriver.assets.loading.stat_hooks import real_stat
from upriver.assets.model import Permissions

_SKIPPED = frozenset({".upriver", "site-packages", "dist-packages", "__pycache__", ".git", ".venv"})


def resolved(path: str) -> str:
    """Where *path* leads, as far as that can be told."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # a link of another process's, in /proc
        return os.path.abspath(path)  # noqa: PTH100 -- plain strings throughout


class DeclaredPaths:
    """What the recipe of the project at *root* has declared to read and write."""

    def __init__(self, root: str, permissions: Permissions) -> None:
        self._reads = permissions.reads
        self._writes = [os.path.join(root, one) for one in permissions.writes]  # noqa: PTH118 -- strings

    def read(self, shown: str) -> bool:
        """Whether *shown* (relative to the project) is declared to be read."""
        return any(fnmatchcase(shown, one) or shown.startswith(f"{one}/") for one in self._reads)

    def write(self, real: str) -> bool:
        """Whether *real* (resolved) is declared to be written."""
        return any(
            fnmatchcase(real, resolved(one)) or real.startswith(f"{resolved(one)}/") for one in self._writes
        )


def pattern_of(text: str) -> str | None:
    """The pattern that *text* is for a library that opens files: a folder means all that is in it; None for a file."""
    if os.path.isdir(text):  # noqa: PTH112 -- as it was written, here and below
        return os.path.join(text, "**")  # noqa: PTH118
    return text if glob.has_magic(text) and not os.path.exists(text) else None  # noqa: PTH110


def looks_in(pattern: str) -> str:
    """The folder below which all that *pattern* fits lies."""
    first = next(number for number, character in enumerate(pattern) if character in "*?[")
    return os.path.dirname(f"{pattern[:first]}x")  # noqa: PTH120


def fitting(pattern: str) -> Iterator[str]:
    """The files that *pattern* fits, but for those of libraries in the project and Upriver's own."""
    for path in glob.iglob(pattern, recursive=True, include_hidden=True):  # noqa: PTH207 -- absolute or not
        if _SKIPPED.isdisjoint(path.split(os.sep)):  # noqa: PTH206
            yield path


def writes(mode: object, flags: object) -> bool:
    """Whether a file is opened to be changed."""
    if isinstance(mode, str):
        return not {"w", "a", "x", "+"}.isdisjoint(mode)
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def only_writes(mode: object, flags: object) -> bool:
    """Whether nothing that was there before is read of a file."""
    if isinstance(mode, str):
        return "r" not in mode and not ("a" in mode and "+" in mode)
    return isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) == os.O_WRONLY


def database_files(database: object) -> Iterator[str]:
    """The files of a SQLite database, which may be named by a URI: itself, and what belongs to it."""
    if not isinstance(database, str | bytes | os.PathLike):
        return
    path = os.fsdecode(database)
    if path.startswith("file:"):
        path = urllib.parse.unquote(path.removeprefix("file:").partition("?")[0].partition("#")[0])
        path = f"/{path.lstrip('/')}" if path.startswith("//") else path
    if path and not path.startswith(":memory:"):
        yield path
        yield from (one for suffix in ("-wal", "-journal") if exists(one := f"{path}{suffix}"))


def words(text: object) -> Iterator[str]:
    """*text*, and its words as a shell takes them: each may name a file."""
    if not isinstance(text, str | bytes | os.PathLike):
        return
    whole = os.fsdecode(text)
    if "\0" in whole:
        return
    yield whole
    try:
        yield from shlex.split(whole.replace(";", " ").replace("<", " ").replace("|", " "))
    except ValueError:
        yield from whole.split()


def exists(path: str) -> bool:
    """Whether there is something at *path*."""
    try:
        real_stat(path)
    except (OSError, ValueError):
        return False
    return True


def stamp(path: str) -> tuple[int, ...] | None:
    """What tells one content of a file from another; None for a folder and for nothing."""
    try:
        found = real_stat(path)
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):  # a folder's times change with files that come and go at once
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
