"""Runs: how each ended, what became of its nodes, what failed, how long things take."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import msgspec

from upriver.assets.errors import StoreError
from upriver.assets.identity import Node
from upriver.materializer.model import Failure, Outcome, Run, RunStatus
from upriver.materializer.ports import Lease
from upriver.materializer.state.builders import release_claims
from upriver.materializer.state.database import Database
from upriver.materializer.state.rows import check_lease, columns_of, decode, encode, increase


class Runs:
    """The part of the state that remembers runs and failures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def finish(
        self,
        lease: Lease,
        run_id: str,
        status: RunStatus,
        at: float,
        counts: Mapping[Outcome, int] | None = None,
    ) -> None:
        """Put the run in its terminal state, with how many nodes ended how. That never changes again."""
        if status is RunStatus.RUNNING:
            raise ValueError("running is no terminal state")
        with self._database.write() as connection:
            check_lease(connection, lease)
            found = connection.execute("select status, body from runs where id = ?", (run_id,)).fetchall()
            if not found:
                raise StoreError(f"there is no run {run_id} to finish")
            if found[0][0] != RunStatus.RUNNING:
                raise StoreError(f"run {run_id} has ended before ({found[0][0]}); that never changes again")
            run = decode(found[0][1], Run)
            run = msgspec.structs.replace(run, status=status, finished=at, counts=dict(counts or {}))
            connection.execute(
                "update runs set status = ?, body = ? where id = ?", (status, encode(run), run_id)
            )
            increase(connection, "revision")

    def runs(self, limit: int = 50) -> Sequence[Run]:
        """Runs, newest first."""
        found = self._database.query("select body from runs order by seq desc limit ?", (limit,))
        return [decode(body, Run) for (body,) in found]

    def run_outcomes(self, run_id: str) -> Sequence[Mapping[str, object]]:
        """What happened to each node in the run, in the order recorded."""
        found = self._database.query("select body from outcomes where run = ? order by position", (run_id,))
        return [decode(body, dict[str, object]) for (body,) in found]

    def record_outcomes(self, lease: Lease, run_id: str, outcomes: Sequence[Mapping[str, object]]) -> None:
        """Keep the JSON-like outcome of each node of the run; later calls add to earlier ones."""
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.executemany(
                "insert into outcomes"
                " select ?, 1 + coalesce(max(position), 0), ? from outcomes where run = ?",
                [(run_id, encode(outcome), run_id) for outcome in outcomes],
            )

    def failures(self, environment: str) -> Mapping[Node, Failure]:
        """The last failure of each node that has failed in *environment* since it was last materialized there."""
        found = self._database.query(
            "select asset, partition, body from failures where environment = ?", (environment,)
        )
        return {Node(asset, partition or None): decode(body, Failure) for asset, partition, body in found}

    def record_failure(self, lease: Lease, environment: str, failure: Failure) -> None:
        """Remember that a node failed in *environment*, and give its claim back."""
        place = (environment, *columns_of(failure.node))
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.execute(
                "insert or replace into failures values (?, ?, ?, ?)", (*place, encode(failure))
            )
            release_claims(connection, [(*place, lease.token)])
            increase(connection, "revision")

    def durations(self, environment: str) -> Mapping[Node, tuple[float, int | None]]:
        """Median seconds and largest peak memory (bytes) of each node's last few materializations."""
        result: dict[Node, tuple[float, int | None]] = {}
        for asset, partition, body in self._database.query(
            "select asset, partition, recent from durations where environment = ?", (environment,)
        ):
            recent = decode(body, list[tuple[float, int | None]])
            peaks = [peak for _, peak in recent if peak is not None]
            middle = statistics.median(seconds for seconds, _ in recent)
            result[Node(asset, partition or None)] = middle, max(peaks, default=None)
        return result
