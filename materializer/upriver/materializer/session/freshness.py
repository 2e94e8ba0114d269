"""The part of the session about freshness: status, plan, why, and the slices of partitioned assets."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from upriver.assets.errors import UsageError
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.lineage.partitions.slices import SlicesStatus
from upriver.lineage.project.project import Project
from upriver.materializer.answers import AssetStatus, AssetTrust, Explanation, Plan
from upriver.materializer.context import Context
from upriver.materializer.freshness.plan import plan_of
from upriver.materializer.freshness.slice_survey import listed_slices, slices_now
from upriver.materializer.freshness.slices import recorded
from upriver.materializer.freshness.status import status_of
from upriver.materializer.freshness.survey import survey
from upriver.materializer.operations import ProjectApi
from upriver.materializer.runs.history import Past
from upriver.materializer.session.partitions import ranges_of, with_counts, with_steps
from upriver.materializer.sources.systems.looking import Asking


class FreshnessOperations(ProjectApi, ABC):
    """The operations that say how fresh assets are; documented in :class:`ProjectApi`."""

    context: Context
    environment: str
    _past: Past
    _reading: threading.RLock

    @abstractmethod
    def _select(self, project: Project, texts: Sequence[str]) -> frozenset[Key]:
        """The keys that match SELECT."""

    @abstractmethod
    def _known(self, key: Key, *, as_watched: bool = True) -> Project:
        """The project, in which *key* is known. Raises UsageError."""

    def status(self, select: Sequence[str] = (), *, verify: bool = False) -> tuple[AssetStatus, ...]:
        with self._reading:
            project = self.context.project()
            chosen = self._select(project, select) if select else frozenset(project.graph.order)
            seen = survey(self.context, among=project.graph.ancestors(chosen), verify=verify)
            durations = self.context.state.durations(self.environment)
            running = self._past.running_now()
            return with_counts(
                self.context,
                seen,
                [
                    status_of(seen, key, durations.get(Node(key), (None, None))[0], running.get(key))
                    for key in project.graph.sort(chosen)
                ],
            )

    def trust(self, select: Sequence[str] = ()) -> tuple[AssetTrust, ...]:
        from upriver.materializer.freshness.trust import trust_of

        with self._reading:
            project = self.context.project()
            chosen = self._select(project, select) if select else frozenset(project.graph.order)
            records = self.context.state.current(self.context.environment)
            seen, now = self.context.state.sources(), self.context.clock.now()
            return tuple(
                trust_of(project.assets[key], records.get(Node(key)), project.sources, seen.get, now)
                for key in project.graph.sort(chosen)
                if key in project.assets
            )

    def plan(self, select: Sequence[str] = (), *, force: bool = False) -> Plan:
        with self._reading:
            project = self.context.project()
            chosen = self._select(project, select)
            forced = [key for key in chosen if key in project.assets] if force else ()
            among = project.graph.ancestors(chosen)
            seen = survey(
                self.context, among=among, forced=forced, check=True, planning=True, asking=Asking.FIRST
            )
            return with_steps(self.context, seen, plan_of(self.context, seen))

    def why(self, key: Key) -> Explanation:
        from upriver.materializer.freshness.explain import explain

        with self._reading:
            project = self._known(key, as_watched=False)
            seen = survey(self.context, among=project.graph.ancestors([key]), diagnose=True)
            return explain(self.context, seen, key)

    def slice_filter(self, key: Key, partition: Sequence[str]) -> str:
        from upriver.lineage.partitions.keys import key_of_row
        from upriver.lineage.partitions.ranges import runs, within
        from upriver.lineage.sql.names import quote

        with self._reading:
            project = self._known(key)
            asset, record = project.assets.get(key), None
            if asset is not None and asset.partition is not None:
                record = self.context.state.current(self.environment, [Node(key)]).get(Node(key))
                chosen = ranges_of(project, [key], partition)[key]
            held = recorded(record, self.context.locator, self.context.store)
            if asset is None or asset.partition is None or record is None or held is None:
                raise UsageError(f"{key} has no slices; `upriver status {key} --partitions` tells of them")
            keys = sorted(held.slices)
            found = chosen.among(keys)
            for name, near in chosen.unknown(keys):
                raise UsageError(f"{key} has no slice {name!r}" + (f"; {near}" if near else ""))
            if not found:
                raise UsageError(f"{key} has no slice there; its slices go from {keys[0]} to {keys[-1]}")
            columns = {column.name.casefold(): column for column in record.version.schema}
            by = [columns[name.casefold()] for name in asset.partition.columns]
            dimensions = asset.partition.dimensions
            text = key_of_row(dimensions, [one.type for one in by], [quote(one.name) for one in by])
            return within(text, runs(keys, found))

    def partitions(self, select: Sequence[str] = ()) -> tuple[SlicesStatus, ...]:
        with self._reading:
            project = self.context.project()
            chosen = self._select(project, select) if select else frozenset(project.assets)
            seen = survey(self.context, among=project.graph.ancestors(chosen))
            result = []
            for key in project.graph.sort(chosen):
                found = slices_now(self.context, seen, key)
                if found is not None:
                    listed = tuple(listed_slices(self.context, seen, key))
                    result.append(msgspec.structs.replace(found, slices=listed))
            return tuple(result)
