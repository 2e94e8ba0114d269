# ruff: noqa: PTH113, PTH116
# Ten thousand files are listed here at every command; Path objects would double the time
"""Files of a project: modules, and other Python files that modules may import, with their stamps.

Only names and stamps are read here, never contents (but of YAML files, which are no modules), so that it can be done
at every command.
"""

from __future__ import annotations

import hashlib
import os
from operator import attrgetter
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Place, Value
from upriver.assets.project.config import CONFIG
from upriver.assets.project.layout import CHECKS, ROOM
from upriver.assets.project.properties import ENDINGS, properties_diagnosis

SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Folders (besides hidden ones) that hold no code of the project itself."""

TRUST_AFTER = 2.0
"""Seconds that must lie between a file's last change and a look at it before equal stamps are taken as equal bytes: a
change within one tick of the file system's clock leaves the stamps as they were.
"""

_HINTS = {
    "linked-folder": "move the files here, or link each file that is inside the project",
    "link-outside": "copy it into the project, or install it as a package",
}
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"


class ProjectFile(Value, frozen=True):
    """A file and its stamp. *path* is relative to the root, with slashes; times are nanoseconds."""

    path: str
    size: int
    mtime: int
    ctime: int
    inode: int


class ProjectFiles(Value, frozen=True):
    """All files of a project that declare or compute, each list sorted by path.

    *sql* and *python* are the modules below ``assets/``; *checks* the SQL files below ``checks/``; *helpers* all other
    Python files of the project.
    """

    sql: tuple[ProjectFile, ...] = ()
    python: tuple[ProjectFile, ...] = ()
    helpers: tuple[ProjectFile, ...] = ()
    checks: tuple[ProjectFile, ...] = ()
    config: ProjectFile | None = None
    diagnoses: tuple[Diagnosis, ...] = ()

    def code_digest(self) -> str:
        """A digest of the stamps of all Python files: another one means that one of them was touched."""
        digest = hashlib.blake2b(digest_size=16)
        for file in (*self.python, *self.helpers):
            stamp = f"{file.path}\0{file.size} {file.mtime} {file.ctime} {file.inode}\n"
            digest.update(stamp.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def discover(root: Path) -> ProjectFiles:
    """The files of the project at *root*. Hidden folders, virtual environments and caches are not entered."""
    walk = _Walk(os.path.realpath(root))
    walk.enter("", False)
    while walk.open:
        walk.enter(*walk.open.pop())
    return ProjectFiles(
        sql=_sorted(walk.sql),
        python=_sorted(walk.python),
        helpers=_sorted(walk.helpers),
        checks=_sorted(walk.checks),
        config=walk.config(),
        diagnoses=tuple(sorted(walk.diagnoses, key=str)),
    )


def _sorted(files: list[ProjectFile]) -> tuple[ProjectFile, ...]:
    return tuple(sorted(files, key=attrgetter("path")))


class _Walk:
    """One walk through a project. *open* are the folders still to enter, and whether modules are in them."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.open: list[tuple[str, bool]] = []
        self.sql: list[ProjectFile] = []
        self.python: list[ProjectFile] = []
        self.helpers: list[ProjectFile] = []
        self.checks: list[ProjectFile] = []
        self.diagnoses: list[Diagnosis] = []

    def enter(self, prefix: str, modules: bool) -> None:
        """Look at the folder *prefix* (empty, or with a slash at its end)."""
        try:
            with os.scandir(f"{self._root}/{prefix}") as listing:
                entries = list(listing)
        except OSError as error:
            if modules or not prefix:  # elsewhere nothing is promised to be looked at
                self._note("unreadable", f"this folder can't be read: {error.strerror}", prefix or ".")
            return
        if prefix and any(entry.name == _VIRTUAL_ENVIRONMENT for entry in entries):
            return
        checks = prefix.startswith(f"{CHECKS}/")
        for entry in entries:
            name = entry.name
            if name[0] == "." or name in SKIPPED_FOLDERS:
                continue
            if name.endswith(".py") or ((modules or checks) and name.lower().endswith(".sql")):
                try:
                    found = entry.stat(follow_symlinks=False)
                except OSError:  # removed since the folder was listed
                    continue
                if (
                    S_ISREG(found.st_mode) and name.isascii()
                ):  # nearly always; ten thousand times in a large project
                    listed = self._list_of(name, modules)
                    listed.append(
                        ProjectFile(
                            prefix + name, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
                        )
                    )
                else:
                    self._unusual(entry, found, prefix + name, modules)
            elif modules and name.endswith(ENDINGS) and entry.is_file():
                if (problem := properties_diagnosis(self._root, prefix + name)) is not None:
                    self.diagnoses.append(problem)
            elif entry.is_symlink():
                self._link(entry, prefix + name, modules or name == ROOM)
            elif entry.is_dir(follow_symlinks=False):
                self.open.append((f"{prefix}{name}/", modules or (not prefix and name == ROOM)))

    def _list_of(self, name: str, modules: bool) -> list[ProjectFile]:
        if name[-1] == "y":
            return self.python if modules else self.helpers
        return self.sql if modules else self.checks

    def config(self) -> ProjectFile | None:
        """``upriver.toml``, when there is one."""
        try:
            return _stamped(CONFIG, os.stat(f"{self._root}/{CONFIG}"))
        except OSError:
            return None

    def _unusual(self, entry: os.DirEntry[str], found: os.stat_result, path: str, modules: bool) -> None:
        if S_ISLNK(found.st_mode):
            if not self._is_usable_link(entry, path):
                return
            found = entry.stat()
        if S_ISDIR(found.st_mode):
            self.open.append((f"{path}/", modules))
        elif not S_ISREG(found.st_mode):
            return
        elif not _is_text(path):
            self._note("bad-key", "the name of this file is not UTF-8", path)
        else:
            listed = self._list_of(path, modules)
            listed.append(_stamped(path, found))

    def _is_usable_link(self, entry: os.DirEntry[str], path: str) -> bool:
        target = os.path.realpath(entry.path)
        if not target.startswith(self._root + os.sep):
            self._note("link-outside", f"this is a link to a file outside of the project: {target}", path)
        elif not os.path.isfile(target):
            self._note("broken-link", f"this is a link to nothing: there is no file {target}", path)
        else:
            return True
        return False

    def _link(self, entry: os.DirEntry[str], path: str, modules: bool) -> None:
        # Links to data are none of our business; a linked folder of modules would be silently left out.
        if modules and entry.is_dir():
            target = os.path.realpath(entry.path)
            self._note(
                "linked-folder", f"this folder is a link to {target}; linked folders are not followed", path
            )

    def _note(self, code: str, message: str, path: str) -> None:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        self.diagnoses.append(Diagnosis(code, message, Place(shown), hint=_HINTS.get(code)))


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stamped(path: str, stat: os.stat_result) -> ProjectFile:
    return ProjectFile(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
