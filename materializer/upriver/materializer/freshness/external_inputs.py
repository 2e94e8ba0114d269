"""External inputs of recipes: environment variables, and files that are read without being declared.

Each is a name and a value in the trace's environment, compared with what is there now. A value is a digest: an
environment variable may be secret, and a file counts by its bytes.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from upriver.assets.model import Asset, PythonRecipe
from upriver.assets.project.config import Config
from upriver.materializer.freshness.decide import (
    CONTENTS,
    FILE,
    KIND,
    LINK,
    LISTING,
    MATCHES,
    NAMES,
    STAMPS,
    STAT,
    VARIABLE,
)

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
        if not stat.S_ISREG(found.st_mode):  # a device or a pipe, which may have no end
            return f"no file but {stat.filemode(found.st_mode)[0]} {found.st_rdev}"
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


def path_link(path: Path) -> str:
    """Where *path* itself leads, if it is a link."""
    try:
        return f"a link to {os.readlink(path)}"  # noqa: PTH115 -- as it is written, whatever it is
    except (OSError, ValueError):
        return "no link"


def path_stat(path: Path) -> str:
    """The kind, the size and the time of change of what is at *path*."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return "missing"
    return f"{found.st_mode} {found.st_size} {found.st_mtime_ns}"


def names_digest(folder: Path) -> str:
    """All names below a folder, with what each is; links are not followed."""
    if not folder.is_dir():
        return path_kind(folder)
    return _digest(
        f"{'/' if one.is_dir else '@' if one.is_link else '-'}{one.path}" for one in _below(folder)
    )


def listing_digest(folder: Path) -> str:
    """The names directly in a folder but for Upriver's own, with what each is."""
    if not folder.is_dir():
        return path_kind(folder)
    return _digest(
        f"{'/' if one.is_dir() else '-'}{one.name}" for one in os.scandir(folder) if one.name not in _HIDDEN
    )


def matches_digest(root: Path, pattern: str) -> str:
    """The names and contents of all files that *pattern* fits (relative to *root*)."""
    return _digest(f"{path}\0{path_digest(root / path)}" for path in matching(root, pattern))


def matching(root: Path, pattern: str) -> list[str]:
    """The files that *pattern* fits, relative to *root*, sorted; a folder means all files in it."""
    found: set[str] = set()
    for path in glob.glob(pattern, root_dir=root, recursive=True, include_hidden=False):  # noqa: PTH207
        if (root / path).is_dir():
            found |= {os.path.join(path, one.path) for one in _below(root / path) if not one.is_dir}  # noqa: PTH118
        else:
            found.add(path)
    return sorted(path for path in found if _HIDDEN.isdisjoint(Path(path).parts))


def contents_digest(path: Path) -> str:
    """The content of a file, or of all files in a folder."""
    if not path.is_dir():
        return path_digest(path)
    return _digest(
        f"{one.path}\0{'' if one.is_dir else path_digest(path / one.path)}" for one in _below(path)
    )


def stamps_digest(path: Path) -> str:
    """The size and time of a file, or of all files in a folder."""
    if not path.is_dir():
        return path_stat(path)
    return _digest(f"{one.path}\0{'' if one.is_dir else path_stat(path / one.path)}" for one in _below(path))


_HIDDEN = frozenset({".upriver", "__pycache__"})


class _Entry(NamedTuple):
    path: str
    is_dir: bool
    is_link: bool


def _below(folder: Path) -> Iterator[_Entry]:
    """Everything below *folder*, by relative path; folders behind links are not entered."""
    open_ = [""]
    while open_:
        prefix = open_.pop()
        try:
            listing = list(os.scandir(folder / prefix))
        except OSError as error:
            yield _Entry(f"{prefix} unreadable ({os.strerror(error.errno or 0)})", False, False)
            continue
        for one in listing:
            if one.name in _HIDDEN:
                continue
            is_dir = one.is_dir(follow_symlinks=False)
            yield _Entry(f"{prefix}{one.name}", is_dir, one.is_symlink())
            if is_dir:
                open_.append(f"{prefix}{one.name}/")


def _digest(lines: Iterable[str]) -> str:
    text = "\n".join(sorted(lines))
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


_LOOKS: tuple[tuple[str, Callable[[Path], str]], ...] = (
    (FILE, path_digest),
    (KIND, path_kind),
    (LINK, path_link),
    (STAT, path_stat),
    (NAMES, names_digest),
    (LISTING, listing_digest),
    (CONTENTS, contents_digest),
    (STAMPS, stamps_digest),
)


def external_value(root: Path, name: str) -> str | None:
    """What a path or pattern, named as in a trace, is now; None for a name of another kind."""
    if name.startswith(MATCHES):
        return matches_digest(root, name.removeprefix(MATCHES))
    for prefix, look in _LOOKS:
        if name.startswith(prefix):
            return look(root / name.removeprefix(prefix))
    return None


def declared_names(asset: Asset, config: Config) -> tuple[str, ...]:
    """What an asset declares to read besides its upstreams, and what every recipe may read, named as in a trace."""
    if not isinstance(asset.recipe, PythonRecipe):
        return ()
    found = [f"{MATCHES}{pattern}" for pattern in asset.permissions.reads]
    found += [f"{STAMPS if one.stat else CONTENTS}{one.path}" for one in config.allow_read]
    return tuple(found)


class ExternalInputs:
    """External inputs by their value now, looked at when first asked for. *root* is the project's."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._known: dict[str, str] = {}

    def value(self, name: str) -> str | None:
        """The value of *name* as a trace would hold it; None for a name of another kind."""
        if name.startswith(VARIABLE):
            return declared_digest(name.removeprefix(VARIABLE), self._environment)
        if name not in self._known:
            found = external_value(self._root, name)
            if found is None:
                return None
            self._known[name] = found
        return self._known[name]

    def forget(self) -> None:
        """Look again at what lies in the project: a recipe may have written there."""
        for name in [one for one in self._known if not one.startswith((CONTENTS, STAMPS))]:
            del self._known[name]
