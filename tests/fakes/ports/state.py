"""A state for tests: in memory, by the same contract as the real one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from types import MappingProxyType

import msgspec
from tests.fakes.ports.incidents import MemoryIncidents

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.identity import Node
from upriver.assets.model import CodePart, Key
from upriver.lineage.model import Footprint
from upriver.materializer.model import (
    Acceptance,
    Failure,
    Materialization,
    Outcome,
    Refusal,
    Run,
    RunStatus,
    Verdict,
)
from upriver.materializer.ports import (
    Approval,
    Backfill,
    Claim,
    Claimed,
    ClaimRequest,
    Holder,
    KeptProfile,
    Lease,
    Pause,
    Pointer,
    Seen,
    SourceRecord,
)


class MemoryLease:
    """A lease of :class:`MemoryState`."""

    def __init__(self, token: int, state: MemoryState) -> None:
        self.token = token
        self._state = state

    def release(self) -> None:
        self._state.release(self)


class MemoryState:
    """The state as dictionaries. See :class:`upriver.materializer.ports.StateStore`."""

    kept = False

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._made: dict[str, Materialization] = {}
        self._pointers: dict[tuple[str, Node], str] = {}
        self._environments: set[str] = set()
        self._runs: dict[str, Run] = {}
        self._outcomes: defaultdict[str, list[Mapping[str, object]]] = defaultdict(list)
        self._failures: dict[tuple[str, Node], Failure] = {}
        self._durations: defaultdict[tuple[str, Node], list[Materialization]] = defaultdict(list)
        self._fingerprints: dict[tuple[str, Footprint], str] = {}
        self._sources: dict[Key, SourceRecord] = {}
        self._recipes: dict[str, Sequence[CodePart]] = {}
        self._observations: dict[tuple[str, Key, str], float] = {}
        self._pauses: dict[tuple[str, Key], Pause] = {}
        self._approvals: list[tuple[str, Approval]] = []
        self._slots: dict[tuple[str, Node, str], int] = {}
        self._backfills: dict[tuple[str, str], Backfill] = {}
        self.outbox = MemoryIncidents()
        self.incidents, self.messages = self.outbox.incidents, self.outbox.messages
        self.record_transitions, self.change_message = (
            self.outbox.record_transitions,
            self.outbox.change_message,
        )
        self._token = 0
        self._revision = 0
        self._commits = 0
        self._builders: dict[int, Holder] = {}
        self._claims: dict[tuple[str, Node], tuple[int, int]] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._profiles: dict[str, KeptProfile] = {}
        self._refusals: dict[tuple[str, Node], Refusal] = {}
        self._acceptances: dict[tuple[str, str], Acceptance] = {}

    # -- quality -----------------------------------------------------------------------------------------
    def verdicts(self, ids: Iterable[str]) -> Mapping[str, Verdict]:
        return {id_: self._verdicts[id_] for id_ in ids if id_ in self._verdicts}

    def verdict_history(self, asset: Key, check: str, limit: int = 20) -> Sequence[Verdict]:
        found = [one for one in self._verdicts.values() if (one.asset, one.check) == (asset, check)]
        return sorted(found, key=lambda one: -one.at)[:limit]

    def samples(self) -> frozenset[str]:
        return frozenset(one.sample.id for one in self._verdicts.values() if one.sample is not None)

    def remember_verdicts(self, verdicts: Mapping[str, Verdict]) -> None:
        self._verdicts.update(verdicts)
        self._revision += bool(verdicts)

    def profile(self, version: str) -> KeptProfile | None:
        return self._profiles.get(version)

    def profiles(self, asset: Key, limit: int = 50) -> Sequence[KeptProfile]:
        found = [one for one in self._profiles.values() if one.asset == asset]
        return sorted(found, key=lambda one: one.at, reverse=True)[:limit]

    def remember_profiles(self, profiles: Iterable[KeptProfile]) -> None:
        self._profiles.update({one.version: one for one in profiles})

    def refusals(self, environment: str | None = None) -> Mapping[Node, Refusal]:
        return {node: one for (where, node), one in self._refusals.items() if environment in (None, where)}

    def acceptances(self, environment: str) -> Mapping[str, Acceptance]:
        return {at: one for (where, at), one in self._acceptances.items() if where == environment}

    def approvals(self, environment: str) -> Sequence[Approval]:
        found = [one for where, one in self._approvals if where == environment]
        return sorted(found, key=lambda one: -one.at)

    def approve(self, environment: str, approval: Approval) -> None:
        self._approvals.append((environment, approval))

    def record_refusal(self, lease: Lease, environment: str, refusal: Refusal) -> None:
        self._check(lease)
        self._refusals[environment, refusal.node] = refusal
        self._revision += 1

    def accept(self, lease: Lease, environment: str, acceptances: Iterable[Acceptance]) -> None:
        self._check(lease)
        self._acceptances.update(((environment, one.verdict), one) for one in acceptances)
        self._revision += 1

    # -- reading -----------------------------------------------------------------------------------------
    def current(
        self, environment: str, nodes: Iterable[Node] | None = None
    ) -> Mapping[Node, Materialization]:
        among = None if nodes is None else set(nodes)
        return {
            node: self._made[at]
            for (where, node), at in self._pointers.items()
            if where == environment and (among is None or node in among)
        }

    def revision(self) -> int:
        return self._revision

    def journal_sequence(self) -> int:
        return self._commits

    def candidates(self, node: Node, recipe: str, limit: int = -1) -> Sequence[Materialization]:
        found = [
            one for one in self.history(node.asset, -1) if one.node == node and one.trace.recipe == recipe
        ]
        return found if limit < 0 else found[:limit]

    def materialization(self, id: str) -> Materialization | None:
        return self._made.get(id)

    def history(self, asset: Key | None = None, limit: int = 50) -> Sequence[Materialization]:
        found = [one for one in reversed(self._made.values()) if asset in (None, one.asset)]
        return found if limit < 0 else found[:limit]

    def pointers(self) -> Sequence[tuple[str, Pointer]]:
        return [
            (where, Pointer(node.asset, node.partition or "", at))
            for (where, node), at in sorted(self._pointers.items())
        ]

    def environments(self) -> Sequence[str]:
        return sorted(self._environments)

    def holders(self) -> Sequence[Holder]:
        return list(self._builders.values())

    def check(self) -> Sequence[str]:
        return []

    # -- leases and claims -------------------------------------------------------------------------------
    def acquire(self, run: Run, wait: float | None = 0.0) -> MemoryLease:
        if any(one.whole for one in self._builders.values()):
            raise BusyError("a build can't begin: another process holds the project")
        if run.id in self._runs:
            raise StoreError(f"there is a run {run.id} already: run ids must be unique")
        lease = self._lease(run.id, run.environment, whole=False)
        self._runs[run.id] = msgspec.structs.replace(run, status=RunStatus.RUNNING, finished=None)
        if run.environment:
            self._environments.add(run.environment)
        return lease

    def hold(self, purpose: str, wait: float | None = 0.0) -> MemoryLease:
        if self._builders:
            raise BusyError(f"{purpose} can't begin: a build is going on")
        return self._lease(purpose, "", whole=True)

    def _lease(self, name: str, environment: str, *, whole: bool) -> MemoryLease:
        living = {holder.run for holder in self._builders.values()}
        for one in self._runs.values():
            if one.status is RunStatus.RUNNING and one.id not in living:
                self._end(one.id, RunStatus.ABANDONED, self._clock())
        self._token += 1
        self._revision += 1
        self._builders[self._token] = Holder(
            self._token, name, 1, "memory", "test", 0.0, 0.0, "", environment, whole
        )
        return MemoryLease(self._token, self)

    def release(self, lease: MemoryLease) -> None:
        """What the lease calls: its process is gone."""
        self._builders.pop(lease.token, None)
        self._claims = {place: held for place, held in self._claims.items() if held[0] != lease.token}

    def claim(
        self, lease: Lease, environment: str, requests: Sequence[ClaimRequest], budget: int | None = None
    ) -> Sequence[Claim]:
        self._check(lease)
        return [self._claim(lease, environment, one, budget) for one in requests]

    def _claim(self, lease: Lease, environment: str, request: ClaimRequest, budget: int | None) -> Claim:
        node = request.node
        for one in (node, *request.also):
            token, _ = self._claims.get((environment, one), (lease.token, 0))
            if token != lease.token:
                return Claim(node, Claimed.HELD, self._builders[token])
        if self._pointers.get((environment, node)) != request.saw:
            return Claim(node, Claimed.MOVED)
        taken = sum(memory for _, memory in self._claims.values())
        if budget is not None and self._claims and taken + request.memory > budget:
            return Claim(node, Claimed.FULL)
        if request.pool is not None:
            inside = [token for place, token in self._slots.items() if self._in_pool(place, request.pool[0])]
            if len(inside) >= request.pool[1]:
                return Claim(node, Claimed.FULL, self._builders[inside[0]])
            self._slots[environment, node, request.pool[0]] = lease.token
        for one in (node, *request.also):
            self._claims[environment, one] = lease.token, request.memory if one == node else 0
        return Claim(node, Claimed.GRANTED)

    def _in_pool(self, place: tuple[str, Node, str], pool: str) -> bool:
        """Whether the claim is still there, and one of *pool*."""
        return place[2] == pool and place[:2] in self._claims

    def unclaim(self, lease: Lease, environment: str, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if self._claims.get((environment, node), (0, 0))[0] == lease.token:
                del self._claims[environment, node]

    def _check(self, lease: Lease) -> None:
        if lease.token not in self._builders:
            raise BusyError("this build has lost its lease")

    # -- writing -----------------------------------------------------------------------------------------
    def commit(
        self,
        lease: Lease,
        environment: str,
        made: Iterable[Materialization],
        reused: Iterable[Materialization] = (),
        seen: Mapping[Node, Seen] | None = None,
        refused: Mapping[Node, Refusal] = MappingProxyType({}),
    ) -> frozenset[Node]:
        self._check(lease)
        made, reused = tuple(made), tuple(reused)
        if not made and not reused:
            return frozenset()
        for one in made:
            if self._made.get(one.id, one) != one:
                raise StoreError(f"materialization {one.id} is recorded already, with other content")
        for one in reused:
            if one.id not in self._made:
                raise StoreError(f"{one.asset} can't point at materialization {one.id}: it is not recorded")
        known = seen or {}
        lost = {
            one.node
            for one in (*made, *reused)
            if one.node in known
            and one.node not in refused
            and not self._still_so(environment, one.node, known[one.node])
        }
        for one in made:
            self._made.setdefault(one.id, one)
            self._durations[environment, one.node].insert(0, one)
        for one in (*made, *reused):
            if one.node in refused:
                self._refusals[environment, one.node] = refused[one.node]
            elif one.node not in lost:
                self._refusals.pop((environment, one.node), None)
                self._pointers[environment, one.node] = one.id
                self._failures.pop((environment, one.node), None)
        self.unclaim(lease, environment, [one.node for one in (*made, *reused)])
        self._environments.add(environment)
        self._commits += 1
        self._revision += 1
        return frozenset(lost)

    def _still_so(self, environment: str, node: Node, seen: Seen) -> bool:
        if self._pointers.get((environment, node)) != seen.pointer:
            return False
        for upstream, version in seen.assets:
            at = self._pointers.get((environment, upstream))
            if at is None or self._made[at].version.id != version:
                return False
        return all(
            key in self._sources and self._sources[key].version.id == version for key, version in seen.sources
        )

    def drop(self, lease: Lease, ids: Sequence[str]) -> None:
        self._check(lease)
        self._pointers = {place: at for place, at in self._pointers.items() if at not in ids}
        for one in ids:
            self._made.pop(one, None)

    def compact_journal(self, lease: Lease) -> None:
        self._check(lease)

    def remove_environment(self, environment: str) -> int:
        if any(one.environment == environment for one in self._builders.values()):
            raise BusyError(f"the removal of environment {environment} can't begin: a build is going on")
        gone = [place for place in self._pointers if place[0] == environment]
        for place in gone:
            del self._pointers[place]
        self._failures = {place: one for place, one in self._failures.items() if place[0] != environment}
        for place in [place for place in self._durations if place[0] == environment]:
            del self._durations[place]
        self._observations = {p: at for p, at in self._observations.items() if p[0] != environment}
        self._pauses = {place: one for place, one in self._pauses.items() if place[0] != environment}
        self._backfills = {place: one for place, one in self._backfills.items() if place[0] != environment}
        self.outbox.remove_environment(environment)
        self._environments.discard(environment)
        self._revision += 1
        return len(gone)

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

    def runs(self, limit: int = 50) -> Sequence[Run]:
        return list(reversed(self._runs.values()))[:limit]

    def run_outcomes(self, run_id: str) -> Sequence[Mapping[str, object]]:
        return list(self._outcomes.get(run_id, []))

    def record_outcomes(self, lease: Lease, run_id: str, outcomes: Sequence[Mapping[str, object]]) -> None:
        self._check(lease)
        self._outcomes[run_id] += outcomes

    def failures(self, environment: str) -> Mapping[Node, Failure]:
        return {node: one for (where, node), one in self._failures.items() if where == environment}

    def record_failure(self, lease: Lease, environment: str, failure: Failure) -> None:
        self._check(lease)
        self._failures[environment, failure.node] = failure
        self.unclaim(lease, environment, [failure.node])
        self._revision += 1

    def durations(self, environment: str) -> Mapping[Node, tuple[float, int | None]]:
        result: dict[Node, tuple[float, int | None]] = {}
        for (where, node), made in self._durations.items():
            if where == environment:
                recent = made[:5]
                peaks = [one.peak_memory for one in recent if one.peak_memory is not None]
                result[node] = median(one.finished - one.started for one in recent), max(peaks, default=None)
        return result

    # -- goals -------------------------------------------------------------------------------------------
    def observations(self, environment: str) -> Mapping[tuple[Key, str], float]:
        found = sorted(self._observations.items())
        return {(key, version): at for (where, key, version), at in found if where in ("", environment)}

    def remember_observations(self, environment: str, seen: Mapping[tuple[Key, str], float]) -> None:
        self._observations.update({(environment, key, version): at for (key, version), at in seen.items()})

    def backfills(self, environment: str) -> tuple[Backfill, ...]:
        found = [one for (where, _), one in self._backfills.items() if where == environment]
        return tuple(sorted(found, key=lambda one: (one.at, one.id)))

    def record_backfill(self, environment: str, goal: Backfill) -> None:
        self._backfills[environment, goal.id] = goal

    def forget_backfill(self, environment: str, id: str) -> None:
        self._backfills.pop((environment, id), None)

    def pauses(self, environment: str) -> Mapping[Key, Pause]:
        return {key: pause for (where, key), pause in self._pauses.items() if where == environment}

    def set_pauses(self, environment: str, pauses: Mapping[Key, Pause | None]) -> None:
        for key, pause in pauses.items():
            self._pauses.pop((environment, key), None)
            if pause is not None:
                self._pauses[environment, key] = pause

    def duration_ranges(self, environment: str) -> Mapping[Node, tuple[float, float]]:
        return {
            node: (min(took), max(took))
            for (where, node), made in self._durations.items()
            if where == environment and (took := [one.finished - one.started for one in made[:5]])
        }

    # -- facts -------------------------------------------------------------------------------------------
    def fingerprints(self, versions: Iterable[str]) -> Mapping[tuple[str, Footprint], str]:
        wanted = set(versions)
        return {key: value for key, value in self._fingerprints.items() if key[0] in wanted}

    def remember_fingerprints(self, found: Mapping[tuple[str, Footprint], str]) -> None:
        self._fingerprints.update(found)

    def forget_fingerprints(self, except_of: Iterable[str]) -> None:
        kept = set(except_of)
        self._fingerprints = {key: value for key, value in self._fingerprints.items() if key[0] in kept}

    def distrust_fingerprints(self, of: Iterable[str]) -> None:
        gone = set(of)
        self._fingerprints = {key: value for key, value in self._fingerprints.items() if key[0] not in gone}

    def sources(self) -> Mapping[Key, SourceRecord]:
        return dict(self._sources)

    def remember_sources(self, records: Iterable[SourceRecord]) -> None:
        for one in records:
            self._sources[one.key] = one
            self._observations["", one.key, one.version.id] = one.observed

    def recipe_parts(self, fingerprint: str) -> Sequence[CodePart]:
        return self._recipes.get(fingerprint, [])

    def remember_recipes(self, recipes: Mapping[str, Sequence[CodePart]]) -> None:
        self._recipes.update({key: list(parts) for key, parts in recipes.items()})

    def close(self) -> None:
        pass
