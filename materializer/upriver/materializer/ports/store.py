"""The store port: immutable artifacts, named by the hash of their bytes and handed out as references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from upriver.assets.model import Value
from upriver.materializer.model import ArtifactRef


class Staged(Value, frozen=True):
    """A file written under a temporary name in the store's file system, hashed, not yet published."""

    path: str
    id: str
    bytes: int
    suffix: str

    @property
    def ref(self) -> ArtifactRef:
        """The artifact that it becomes when it is published."""
        return ArtifactRef(self.id, self.suffix, self.bytes)


class Stored(Value, frozen=True):
    """Something that lies in the store: *place* says where; *ref* is None for what the store did not put there.

    The size in *ref* is that of the bytes found. A thing that is no plain file is listed with *plain* False.
    """

    place: str
    ref: ArtifactRef | None
    plain: bool = True


class Store(Protocol):
    """Immutable artifacts by the hash of their bytes. Threads and processes may use it at the same time."""

    def reserve(self, suffix: str) -> Path:
        """A fresh name in the staging folder, for an engine to write to."""
        ...

    def stage(self, path: Path, suffix: str) -> Staged:
        """Hash and fsync the file that an engine has written at *path*. On any error the file is removed."""
        ...

    def publish(self, staged: Sequence[Staged]) -> None:
        """Make the artifacts durable under their ids, without ever replacing a sound one."""
        ...

    def locate(self, ref: ArtifactRef) -> str:
        """Where a reader finds the artifact's bytes now: an absolute path. Raises StoreError for a reference that
        can be none.
        """
        ...

    def exists_many(self, refs: Iterable[ArtifactRef]) -> frozenset[ArtifactRef]:
        """Those of *refs* that are there (their bytes are not checked)."""
        ...

    def list(self) -> Iterator[Stored]:
        """Everything that lies where artifacts belong, also what does not belong there."""
        ...

    def digest(self, stored: Stored) -> str:
        """The id that the bytes of *stored* have: its own, when they are sound. Raises OSError."""
        ...

    def damaged(self, refs: Iterable[ArtifactRef]) -> Sequence[Stored]:
        """Those of *refs* that are there with other bytes than their names say. Bytes that nothing has touched since
        they were last hashed are not hashed again.
        """
        ...

    def remove(self, stored: Iterable[Stored]) -> None:
        """Delete artifacts. Only a collection without readers may do that. Raises StoreError."""
        ...

    def set_aside(self, stored: Stored) -> str:
        """Move *stored* out of the store, into quarantine; where it is then. Raises StoreError."""
        ...

    def put_back(self, place: str, ref: ArtifactRef) -> None:
        """Move what was set aside at *place* to where the artifact *ref* belongs. Raises StoreError."""
        ...

    def sweep(self, dry_run: bool = False) -> Sequence[str]:
        """Remove what processes that are gone have left half done; the places of it. Live ones are spared."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """While it lasts, no artifact is removed. Raises StoreError when a collection does not end."""
        ...

    def collecting(self, wait: float | None) -> AbstractContextManager[None]:
        """While it lasts, no reader begins. Raises BusyError when one does not end within *wait* seconds."""
        ...

    def close(self) -> None:
        """Drop what this process has staged and not published. Safe to call twice."""
        ...
