"""Manifest: what was last derived from each project file, kept so that only changed files are read again.

The manifest is a cache: when it is missing, older than the program or can't be read, everything is derived
anew.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from upriver import assets, lineage
from upriver.assets.errors import Diagnosis
from upriver.assets.loading.declared_check import DeclaredCheck
from upriver.assets.loading.import_reads import Observed
from upriver.assets.model import Asset, Check, CodePart, Key, Place, Source, Value
from upriver.assets.project.files import TRUST_AFTER, ProjectFile
from upriver.assets.support import checksum
from upriver.lineage.project.distributions import installed_version
from upriver.lineage.sql.parse.query import FileRead


class Mention(Value, frozen=True):
    """A table name in a query, and where."""

    key: Key
    place: Place


class SqlModule(Value, frozen=True):
    """What one SQL module declares. *digest* is of its bytes. With *diagnoses* it can't be used; *asset* is None when
    it can't even be told what it declares, *fingerprint* empty when its query can't be parsed.
    """

    file: ProjectFile
    digest: str
    asset: Asset | None
    fingerprint: str = ""
    mentions: tuple[Mention, ...] = ()
    files: tuple[FileRead, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()


class CheckModule(Value, frozen=True):
    """What one file below ``checks/`` declares. *digest* is of its bytes. With *diagnoses* it can't be used; *of* is
    the asset concerned, None when that can't be told.
    """

    file: ProjectFile
    digest: str
    of: Key | None = None
    check: Check | None = None
    at: Place | None = None
    diagnoses: tuple[Diagnosis, ...] = ()


class PythonModules(Value, frozen=True):
    """What all Python modules of the project declare together. *digests* are of the bytes of *files*, in
    their order.

    *observed* is what else they read while loading; *failed* are the modules that could not be loaded, by path, and
    why; *loaded* are the paths of those that could, helpers included. Recipes are without their code parts, which are
    kept apart: only a diff needs them.
    """

    files: tuple[ProjectFile, ...] = ()
    digests: tuple[str, ...] = ()
    observed: Observed = Observed()
    assets: tuple[Asset, ...] = ()
    sources: tuple[Source, ...] = ()
    checks: tuple[DeclaredCheck, ...] = ()
    failed: dict[str, tuple[Diagnosis, ...]] = {}
    loaded: tuple[str, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    output: str = ""


class Described(Value, frozen=True):
    """What the describing process reports: declarations, and the code behind each recipe fingerprint."""

    modules: PythonModules
    parts: dict[str, tuple[CodePart, ...]]


class Declarations(Value, frozen=True):
    """What one module declares. *reads* are the keys that the query of a SQL module names, *checked* the assets that
    a Python module has checks of.
    """

    assets: tuple[Asset, ...] = ()
    sources: tuple[Source, ...] = ()
    reads: tuple[Key, ...] = ()
    checked: tuple[Key, ...] = ()


class Manifest(Value, frozen=True):
    """Everything derived from the files of a project. *written* is seconds since the epoch.

    *readable* are, by path, the declarations of the last readable version of those modules that can't be used as
    they are now.
    """

    program: str
    written: float
    sql: dict[str, SqlModule] = {}
    python: PythonModules = PythonModules()
    readable: dict[str, Declarations] = {}
    checks: dict[str, CheckModule] = {}

    @property
    def current(self) -> bool:
        """Whether this program has written it: only then all of it can be taken for what the files say."""
        return self.program == program()


@functools.cache
def program() -> str:
    """What a manifest depends on besides the project: Python, the engines, and the code of Upriver that derives.

    The version alone does not tell that code: in a checkout it changes without one.
    """
    names = ("upriver", "duckdb", "sqlglot", "polars")
    python = ".".join(str(part) for part in sys.version_info[:3])
    stamps = sorted(stamp for folder in (*assets.__path__, *lineage.__path__) for stamp in _stamps(folder))
    code = hashlib.blake2b(repr(stamps).encode(), digest_size=8).hexdigest()
    return " ".join([python, *(installed_version(name) for name in names), code])


def _stamps(folder: str) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of each module under *folder*."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _stamps(entry.path)
            elif entry.name.endswith(".py"):
                found = entry.stat()
                yield entry.path, found.st_size, found.st_mtime_ns


def trusted(file: ProjectFile, written: float) -> bool:
    """Whether *file* was last changed well before the manifest was written, so that its stamp can be
    believed.
    """
    return max(file.mtime, file.ctime) / 1e9 < written - TRUST_AFTER


def load_manifest(folder: Path) -> Manifest | None:
    """The manifest kept in *folder*, None when there is none that can be read. See :attr:`Manifest.current`."""
    try:
        return msgspec.json.decode(checksum.read((folder / "manifest.json").read_bytes()), type=Manifest)
    except (OSError, checksum.ChecksumError, msgspec.DecodeError):
        return None


def save_manifest(folder: Path, manifest: Manifest) -> None:
    """Keep *manifest*; on a full or read-only disk it is just not kept."""
    _replace(folder, "manifest.json", msgspec.json.encode(manifest))


def load_parts(folder: Path) -> dict[str, tuple[CodePart, ...]]:
    """The code behind Python recipe fingerprints, as far as it is kept."""
    try:
        data = checksum.read((folder / "parts.json").read_bytes())
        return msgspec.json.decode(data, type=dict[str, tuple[CodePart, ...]])
    except (OSError, checksum.ChecksumError, msgspec.DecodeError):
        return {}


def save_parts(folder: Path, parts: dict[str, tuple[CodePart, ...]]) -> None:
    """Keep the code behind Python recipe fingerprints."""
    _replace(folder, "parts.json", msgspec.json.encode(parts))


def _replace(folder: Path, name: str, data: bytes) -> None:
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{name}.{os.getpid()}"
        temporary.write_bytes(checksum.write(data))
        temporary.replace(folder / name)
