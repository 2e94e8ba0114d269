"""Grants: what one recipe was seen to read undeclared, and may read when it runs again.

Every grant is in the trace by what it gives access to, whether or not an attempt was seen to use it: that is what makes
it sound to read through native code, programs, threads and links.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from upriver.assets.declare.paths import base_folder
from upriver.assets.model import Value
from upriver.assets.project.files import ProjectFile
from upriver.materializer.execution.local.confinement.policy import contains
from upriver.materializer.execution.local.denials import Act, Denied
from upriver.materializer.freshness.decide import FILE, LISTING, MATCHES, NAMES
from upriver.materializer.freshness.external_inputs import external_value, matching

MOST_REPETITIONS = 10
"""How often an attempt is made again for what it was denied."""

_OWN = ".upriver"


class Granted(Value, frozen=True):
    """Names as in a trace, relative to the project: files, folders to list (``.`` is the project's own, of which only
    the names directly in it are given), and patterns of files.
    """

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """What a trace has to hold for these grants."""
        found = [f"{FILE}{one}" for one in self.files]
        found += [f"{LISTING if one == '.' else NAMES}{one}" for one in self.folders]
        found += [f"{MATCHES}{one}" for one in self.patterns]
        return tuple(found)

    def reads(self) -> tuple[str, ...]:
        """What to write as ``reads=`` to have the same from the start."""
        return tuple(dict.fromkeys((*self.files, *self.patterns)))


def granted_before(remembered: Iterable[str], declared: Iterable[str], root: Path) -> Granted:
    """What an earlier attempt of the same recipe was granted, by names in its trace. *declared* are given anyway."""
    files: list[str] = []
    folders: list[str] = []
    patterns: list[str] = []
    given = set(declared)
    for name in remembered:
        if name in given:
            continue
        prefix, _, rest = name.partition(":")
        match f"{prefix}:":
            case "file:":
                if not rest.endswith((".py", ".pyc", ".pyi")) and (root / rest).exists():
                    (folders if (root / rest).is_dir() else files).append(rest)
            case "names:" | "listing:":
                folders.append(rest)
            case "files:":
                patterns.append(rest)
    return Granted(tuple(files), tuple(folders), tuple(patterns))


def learned(granted: Granted, denied: Iterable[Denied], root: Path) -> Granted:
    """*granted* with what was denied and can be granted: what really lies in the project, and is not Upriver's own."""
    for one in denied:
        granted = _with(granted, one, str(root))
    return granted


def grantable(one: Denied, root: Path) -> bool:
    """Whether what was denied may be granted."""
    own = f"{root}{os.sep}{_OWN}"
    if one.act not in (Act.READ, Act.LIST, Act.MATCH) or not contains(str(root), one.real):
        return False
    if one.act is Act.MATCH and base_folder(os.path.relpath(one.real, root)) == "":
        return False
    return not contains(own, one.real) and not contains(own, one.path)


def _with(granted: Granted, one: Denied, root: str) -> Granted:
    if not grantable(one, Path(root)):
        return granted
    # Both names: the link may be pointed elsewhere, and the file be read under its own name next time.
    names = tuple(dict.fromkeys(_named(path, root) for path in (one.path, one.real)))
    match one.act:
        case Act.LIST:
            return _added(granted, "folders", names)
        case Act.MATCH:
            pattern = os.path.relpath(one.real, root)
            folder = base_folder(pattern)
            return _added(_added(granted, "folders", (folder,)), "patterns", (pattern,))
        case _:
            pass
    folder, name = os.path.split(names[0])
    suffix = os.path.splitext(name)[1]  # noqa: PTH122
    pattern = os.path.join(glob.escape(folder), f"*{suffix}")  # noqa: PTH118
    neighbours = [
        file
        for file in granted.files
        if file not in names and os.path.split(file)[0] == folder and file.endswith(suffix)
    ]
    if suffix and neighbours and names[0] not in granted.files and not os.path.isabs(folder):  # noqa: PTH117
        kept = tuple(file for file in granted.files if file not in neighbours)
        granted = msgspec.structs.replace(granted, files=kept)
        return _added(_added(granted, "patterns", (pattern,)), "files", names[1:])
    return _added(granted, "files", names)


def _named(path: str, root: str) -> str:
    return os.path.relpath(path, root) if contains(root, path) else path


def _added(granted: Granted, field: str, names: Sequence[str]) -> Granted:
    before: tuple[str, ...] = getattr(granted, field)
    return msgspec.structs.replace(granted, **{field: tuple(dict.fromkeys((*before, *names)))})


class Given(Value, frozen=True):
    """The paths that grants come to now, resolved. *shown* are folders that can't be listed by the kernel's leave
    without more than their names, with these.
    """

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    shown: Mapping[str, tuple[str, ...]] = {}


def given_by(granted: Granted, reads: Iterable[str], root: Path) -> Given:
    """The paths that *granted* and the declared *reads* come to now. What leads out of the project is none of them."""
    files = [*granted.files]
    for pattern in (*granted.patterns, *reads):
        files += matching(root, pattern)
    folders = [one for one in granted.folders if one != "."]
    shown = {}
    if "." in granted.folders:
        shown[str(root)] = tuple(name for name in os.listdir(root) if name not in (_OWN, "__pycache__"))
    return Given(_resolved(files, root), _resolved(folders, root), shown)


def _resolved(names: Iterable[str], root: Path) -> tuple[str, ...]:
    paths = dict.fromkeys(os.path.realpath(root / name) for name in names)
    own = f"{root}{os.sep}{_OWN}"
    return tuple(path for path in paths if contains(str(root), path) and not contains(own, path))


Values = dict[str, str]


def values_of(names: Iterable[str], root: Path) -> Values:
    """What each of *names* (as in a trace) is now."""
    return {name: external_value(root, name) or "" for name in names}


def code_paths(code: Iterable[ProjectFile], root: str) -> tuple[str, ...]:
    """The project's Python files, resolved; links out of the project are left out."""
    paths = (os.path.realpath(f"{root}{os.sep}{file.path}") for file in code)
    return tuple(path for path in paths if contains(root, path))
