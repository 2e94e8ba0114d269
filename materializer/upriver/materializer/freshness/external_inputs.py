"""What recipes take from outside the data: environment variables, and files of the project that nobody declared.

Each is a name and a value in the trace's environment, compared with what is there now. A value is a digest: an
environment variable may be secret, and a file counts by its bytes.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from upriver.materializer.freshness.decide import FILE, KIND, STAT, VARIABLE

UNSTEADY = "changed while it was read"
"""The value of what was not one content from the first read to the end: no later value equals it."""

_LARGE = 64 << 20
"""Larger files are named by their stamps: hashing them at every command would take too long."""


def variable_digest(value: str | None) -> str:
    """The value of an environment variable, None for one that is not set."""
    if value is None:
        return "not set"
    return hashlib.blake2b(value.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def declared_digest(name: str, environment: Mapping[str, str]) -> str:
    """The value of what an asset declares to read: one variable, or the names and values of all that a pattern fits."""
    if "*" not in name and "?" not in name:
        return variable_digest(environment.get(name))
    found = sorted((one, value) for one, value in environment.items() if fnmatchcase(one, name))
    if not found:
        return "none set"
    return variable_digest("\0".join(f"{one}={value}" for one, value in found))


def path_digest(path: Path) -> str:
    """The content of a file, or the names in a folder."""
    try:
        if path.is_dir():
            names = sorted(name for name in os.listdir(path) if name != "__pycache__")
            return f"folder {hashlib.blake2b(os.fsencode('/'.join(names)), digest_size=16).hexdigest()}"
        found = path.stat()
        if found.st_size > _LARGE:
            return f"stamp {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"unreadable ({os.strerror(error.errno or 0)})"


def path_kind(path: Path) -> str:
    """What is at *path*: a file, a folder, something else or nothing."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return "missing"
    return "a file" if stat.S_ISREG(mode) else "a folder" if stat.S_ISDIR(mode) else "something else"


def path_stat(path: Path) -> str:
    """The kind, the size and the time of change of what is at *path*."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return "missing"
    return f"{found.st_mode} {found.st_size} {found.st_mtime_ns}"


class Outside:
    """What is there now, looked at when first asked for. *root* is the project's."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._known: dict[str, str] = {}

    def value(self, name: str) -> str | None:
        """The value of *name* as a trace would hold it; None for a name of another kind."""
        if name.startswith(VARIABLE):
            return declared_digest(name.removeprefix(VARIABLE), self._environment)
        for prefix, look in ((FILE, path_digest), (KIND, path_kind), (STAT, path_stat)):
            if name.startswith(prefix):
                if name not in self._known:
                    self._known[name] = look(self._root / name.removeprefix(prefix))
                return self._known[name]
        return None
