"""Stamps of files: change noticed without reading, and content named by bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

import msgspec

from upriver.assets.errors import StoreError
from upriver.assets.project.files import TRUST_AFTER
from upriver.materializer.model import FileStamp


def stamps_of(root: Path, paths: Iterable[str]) -> tuple[FileStamp, ...]:
    """The stamps of those *paths* (below *root*, or absolute) that are there, in their order."""
    found = []
    for path in paths:
        try:
            stat = (root / path).stat()
        except FileNotFoundError:
            continue
        found.append(FileStamp(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino))
    return tuple(found)


def expand(root: Path, patterns: Iterable[str]) -> list[str]:
    """The files that *patterns* match, sorted, each once."""
    paths: set[str] = set()
    for pattern in patterns:
        if has_magic(pattern):
            paths.update(glob(pattern, root_dir=root, recursive=True))  # noqa: PTH207 -- root_dir keeps paths relative
        elif (root / pattern).is_file():
            paths.add(pattern)
    return sorted(path for path in paths if (root / path).is_file())


def settled(stamped: Iterable[FileStamp], observed: float) -> bool:
    """Whether every file was last changed well before it was looked at, and the clock was not set back since."""
    return all(max(stamp.mtime, stamp.ctime) / 1e9 < observed - TRUST_AFTER for stamp in stamped)


def digest_of_bytes(root: Path, stamped: Iterable[FileStamp]) -> str:
    """SHA-256 over the names and bytes of all files. Raises StoreError when one can't be read."""
    whole = hashlib.sha256()
    for stamp in stamped:
        try:
            with (root / stamp.path).open("rb") as file:
                one = hashlib.file_digest(file, "sha256").digest()
        except FileNotFoundError:
            one = b"gone"  # the stamps taken afterwards will differ
        except OSError as error:
            raise StoreError(f"{stamp.path}: can't be read: {os.strerror(error.errno or 0)}") from error
        whole.update(one)
        whole.update(stamp.path.encode() + b"\0")
    return whole.hexdigest()


def digest_of_stamps(stamped: Iterable[FileStamp]) -> str:
    """A digest of the stamps alone: it differs whenever one of them does."""
    return hashlib.sha256(msgspec.json.encode(tuple(stamped))).hexdigest()
