"""The store port: immutable artifacts, named by the hash of their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from upriver.assets.model import Value


class Staged(Value, frozen=True):
    """A file written under a temporary name in the store's file system, hashed, not yet published."""

    path: str
    id: str
    bytes: int
    suffix: str


class Store(Protocol):
    """Immutable artifacts by the hash of their bytes: ``store/ab/<id><suffix>``."""

    def new_path(self, suffix: str) -> Path:
        """A fresh name in the staging folder, for an engine to write to."""
        ...

    def stage(self, path: Path, suffix: str) -> Staged:
        """Hash and fsync the file that an engine has written at *path*. On any error the file is removed."""
        ...

    def publish(self, staged: Sequence[Staged]) -> None:
        """Move files to their final names without ever replacing one, then fsync each directory once."""
        ...

    def path(self, id: str, suffix: str) -> Path:
        """Where the artifact *id* is, or would be."""
        ...

    def exists(self, id: str, suffix: str) -> bool:
        """Whether the artifact is there (its bytes are not checked)."""
        ...
