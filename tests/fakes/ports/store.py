"""A store for tests: artifacts in memory, by the same contract as the real one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from blake3 import blake3

from upriver.assets.errors import BusyError, StoreError
from upriver.materializer.model import ArtifactRef
from upriver.materializer.ports import Staged, Stored


class MemoryStore:
    """Artifacts as bytes by ``(id, suffix)``. A fake engine uses :meth:`write` in the place of files."""

    def __init__(self) -> None:
        self.written: dict[Path, bytes] = {}
        self.published: dict[tuple[str, str], bytes] = {}
        self.aside: dict[str, bytes] = {}
        self._count = 0
        self._readers = 0

    def write(self, path: Path, data: bytes) -> None:
        """What an engine does to a path from :meth:`reserve`."""
        self.written[path] = data

    def reserve(self, suffix: str) -> Path:
        self._count += 1
        return Path(f"/memory/staging/{self._count}{suffix}")

    def stage(self, path: Path, suffix: str) -> Staged:
        if path not in self.written:
            raise StoreError(f"the engine reported success but wrote no file at {path}")
        data = self.written[path]
        return Staged(str(path), blake3(data).hexdigest(), len(data), suffix)

    def publish(self, staged: Sequence[Staged]) -> None:
        for one in staged:
            self.published.setdefault((one.id, one.suffix), self.written.pop(Path(one.path)))

    def locate(self, ref: ArtifactRef) -> str:
        return f"/memory/{ref.id[:2]}/{ref.id}{ref.suffix}"

    def exists_many(self, refs: Iterable[ArtifactRef]) -> frozenset[ArtifactRef]:
        return frozenset(ref for ref in refs if (ref.id, ref.suffix) in self.published)

    def list(self) -> Iterator[Stored]:
        for (id_, suffix), data in sorted(self.published.items()):
            ref = ArtifactRef(id_, suffix, len(data))
            yield Stored(self.locate(ref), ref)

    def digest(self, stored: Stored) -> str:
        return blake3(self._data(stored)).hexdigest()

    def damaged(self, refs: Iterable[ArtifactRef]) -> Sequence[Stored]:
        asked = {(ref.id, ref.suffix) for ref in refs}
        return [
            one
            for one in self.list()
            if one.ref is not None
            and (one.ref.id, one.ref.suffix) in asked
            and self.digest(one) != one.ref.id
        ]

    def remove(self, stored: Iterable[Stored]) -> None:
        for one in stored:
            if one.ref is not None:
                del self.published[one.ref.id, one.ref.suffix]

    def set_aside(self, stored: Stored) -> str:
        place = f"/memory/quarantine/{len(self.aside)}"
        self.aside[place] = self._data(stored)
        self.remove([stored])
        return place

    def put_back(self, place: str, ref: ArtifactRef) -> None:
        self.published[ref.id, ref.suffix] = self.aside.pop(place)

    def _data(self, stored: Stored) -> bytes:
        assert stored.ref is not None  # nothing else ever comes here
        return self.published[stored.ref.id, stored.ref.suffix]

    def sweep(self, dry_run: bool = False) -> Sequence[str]:
        return []

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    @contextlib.contextmanager
    def collecting(self, wait: float | None) -> Iterator[None]:
        if self._readers:
            raise BusyError("somebody is reading artifacts")
        yield

    def close(self) -> None:
        self.written.clear()
