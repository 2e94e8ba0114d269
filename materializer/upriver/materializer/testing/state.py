"""A store and a state for tests: in memory, by the same contract as the real ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec
from blake3 import blake3

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.model import CodePart, Key
from upriver.lineage.model import Footprint
from upriver.materializer.model import Failure, Materialization, Outcome, Run, RunStatus
from upriver.materializer.ports import Lease, SourceRecord, Staged


class MemoryStore:
    """Artifacts as bytes by ``(id, suffix)``. A fake engine uses :meth:`write` in the place of files."""

    def __init__(self) -> None:
        self.written: dict[Path, bytes] = {}
        self.published: dict[tuple[str, str], bytes] = {}
        self._count = 0

    def write(self, path: Path, data: bytes) -> None:
        """What an engine does to a path from :meth:`new_path`."""
        self.written[path] = data

    def new_path(self, suffix: str) -> Path:
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

    def path(self, id: str, suffix: str) -> Path:
        return Path(f"/memory/{id[:2]}/{id}{suffix}")

    def exists(self, id: str, suffix: str) -> bool:
        return (id, suffix) in self.published


class MemoryLease:
    """A lease of :class:`MemoryState`."""

    def __init__(self, token: int, state: MemoryState) -> None:
        self.token = token
        self._state = state

    def release(self) -> None:
        self._state.release(self)


class MemoryState:
    """The state as dictionaries. See :class:`upriver.materializer.ports.StateStore`."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._made: dict[str, Materialization] = {}
        self._pointers: dict[tuple[str, Key, str], str] = {}
        self._runs: dict[str, Run] = {}
        self._outcomes: defaultdict[str, list[Mapping[str, object]]] = defaultdict(list)
        self._failures: dict[Key, Failure] = {}
        self._fingerprints: dict[tuple[str, Footprint], str] = {}
        self._sources: dict[Key, SourceRecord] = {}
        self._recipes: dict[str, Sequence[CodePart]] = {}
        self._token = 0
        self._revision = 0
        self._held: MemoryLease | None = None

    def current(self, environment: str, assets: Iterable[Key] | None = None) -> Mapping[Key, Materialization]:
        among = None if assets is None else set(assets)
        return {
            asset: self._made[at]
            for (where, asset, partition), at in self._pointers.items()
            if where == environment and not partition and (among is None or asset in among)
        }

    def current_partitions(self, environment: str, asset: Key) -> Mapping[str, Materialization]:
        return {
            partition: self._made[at]
            for (where, key, partition), at in self._pointers.items()
            if where == environment and key == asset and partition
        }

    def revision(self) -> int:
        return self._revision

    def candidates(self, asset: Key, recipe: str, limit: int = -1) -> Sequence[Materialization]:
        found = [one for one in self.history(asset, limit=-1) if one.trace.recipe == recipe]
        return found if limit < 0 else found[:limit]

    def materialization(self, id: str) -> Materialization | None:
        return self._made.get(id)

    def history(self, asset: Key | None = None, limit: int = 50) -> Sequence[Materialization]:
        found = [one for one in reversed(self._made.values()) if asset in (None, one.asset)]
        return found if limit < 0 else found[:limit]

    def commit(
        self,
        lease: Lease,
        environment: str,
        made: Iterable[Materialization],
        reused: Iterable[Materialization] = (),
    ) -> None:
        self._check(lease)
        made, reused = tuple(made), tuple(reused)
        for one in made:
            if self._made.get(one.id, one) != one:
                raise StoreError(f"materialization {one.id} is recorded already, with other content")
        for one in reused:
            if one.id not in self._made:
                raise StoreError(f"{one.asset} can't point at materialization {one.id}: it is not recorded")
        for one in (*made, *reused):
            self._made.setdefault(one.id, one)
            self._pointers[environment, one.asset, one.partition or ""] = one.id
            self._failures.pop(one.asset, None)
        self._revision += bool(made or reused)

    def acquire(self, run: Run, wait: float | None = 0.0) -> MemoryLease:
        if self._held is not None:
            raise BusyError("another build holds the project")
        if run.id in self._runs:
            raise StoreError(f"there is a run {run.id} already: run ids must be unique")
        for one in self._runs.values():
            if one.status is RunStatus.RUNNING:
                self._end(one.id, RunStatus.ABANDONED, self._clock())
        self._token += 1
        self._revision += 1
        self._runs[run.id] = msgspec.structs.replace(run, status=RunStatus.RUNNING, finished=None)
        self._held = MemoryLease(self._token, self)
        return self._held

    def release(self, lease: MemoryLease) -> None:
        """What the lease calls."""
        if self._held is lease:
            self._held = None

    def finish(
        self,
        lease: Lease,
        run_id: str,
        status: RunStatus,
        at: float,
        counts: Mapping[Outcome, int] | None = None,
    ) -> None:
        if status is RunStatus.RUNNING:
            raise ValueError("running is no terminal state")
        self._check(lease)
        if run_id not in self._runs:
            raise StoreError(f"there is no run {run_id} to finish")
        if self._runs[run_id].status is not RunStatus.RUNNING:
            raise StoreError(f"run {run_id} has ended before; that never changes again")
        self._end(run_id, status, at)
        self._runs[run_id] = msgspec.structs.replace(self._runs[run_id], counts=dict(counts or {}))
        self._revision += 1

    def _end(self, run_id: str, status: RunStatus, at: float) -> None:
        self._runs[run_id] = msgspec.structs.replace(self._runs[run_id], status=status, finished=at)

    def _check(self, lease: Lease) -> None:
        if lease.token != self._token:
            raise BusyError("this build has lost its lease")

    def runs(self, limit: int = 50) -> Sequence[Run]:
        return list(reversed(self._runs.values()))[:limit]

    def run_outcomes(self, run_id: str) -> Sequence[Mapping[str, object]]:
        return list(self._outcomes.get(run_id, []))

    def record_outcomes(self, lease: Lease, run_id: str, outcomes: Sequence[Mapping[str, object]]) -> None:
        self._check(lease)
        self._outcomes[run_id] += outcomes

    def failures(self) -> Mapping[Key, Failure]:
        return dict(self._failures)

    def record_failure(self, lease: Lease, failure: Failure) -> None:
        self._check(lease)
        self._failures[failure.asset] = failure
        self._revision += 1

    def fingerprints(self, versions: Iterable[str]) -> Mapping[tuple[str, Footprint], str]:
        wanted = set(versions)
        return {key: value for key, value in self._fingerprints.items() if key[0] in wanted}

    def remember_fingerprints(self, found: Mapping[tuple[str, Footprint], str]) -> None:
        self._fingerprints.update(found)

    def sources(self) -> Mapping[Key, SourceRecord]:
        return dict(self._sources)

    def remember_sources(self, records: Iterable[SourceRecord]) -> None:
        self._sources.update((one.key, one) for one in records)

    def recipe_parts(self, fingerprint: str) -> Sequence[CodePart]:
        return self._recipes.get(fingerprint, [])

    def remember_recipes(self, recipes: Mapping[str, Sequence[CodePart]]) -> None:
        self._recipes.update({key: list(parts) for key, parts in recipes.items()})

    def durations(self) -> Mapping[Key, tuple[float, int | None]]:
        result: dict[Key, tuple[float, int | None]] = {}
        for asset in {one.asset for one in self._made.values()}:
            recent = self.history(asset, limit=5)
            peaks = [one.peak_memory for one in recent if one.peak_memory is not None]
            result[asset] = median(one.finished - one.started for one in recent), max(peaks, default=None)
        return result

    def close(self) -> None:
        pass
