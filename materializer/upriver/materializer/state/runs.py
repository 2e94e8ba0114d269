"""Runs: who may build, what is building, how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import apsw
import msgspec

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.model import Key
from upriver.materializer.model import Failure, Outcome, Run, RunStatus
from upriver.materializer.ports import Lease
from upriver.materializer.state.database import Database
from upriver.materializer.state.rows import check_lease, decode, encode, increase
from upriver.materializer.storage import locks
from upriver.materializer.storage.durable_files import disk_error
from upriver.materializer.storage.locks import BuildLock, HeldLease, Holder


class Runs:
    """The part of the state that grants leases and remembers runs and failures."""

    def __init__(
        self,
        database: Database,
        lock_path: Path | None = None,
        term: float = locks.TERM,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._lock_path = lock_path
        self._term = term
        self._clock = clock

    def acquire(self, run: Run, wait: float | None = 0.0) -> HeldLease:
        """Take the right to build for *run*, recorded as running; reaps runs whose process is gone.

        Waits up to *wait* seconds (None: for ever). Raises BusyError naming who holds it.
        """
        return self._acquire(run, run.id, wait)

    def hold(self, purpose: str, wait: float | None = 0.0) -> HeldLease:
        """As :meth:`acquire`, for a repair or a collection: no run is recorded."""
        return self._acquire(None, purpose, wait)

    def _acquire(self, run: Run | None, name: str, wait: float | None) -> HeldLease:
        held: Holder | None = None
        for _ in locks.poll(wait):
            try:
                granted = self._try_acquire(run, name)
            except BusyError:  # of the database: somebody has held it for as long as we wait for that
                held = self.holder()
                if held is None:
                    raise
                continue
            if isinstance(granted, HeldLease):
                return granted
            held = granted
        raise locks.busy(held)

    def _try_acquire(self, run: Run | None, name: str) -> HeldLease | Holder:
        lock = BuildLock(self._lock_path, self._term) if self._lock_path is not None else None
        lease: HeldLease | None = None
        try:
            with self._database.write() as connection:
                holder = lock.try_take() if lock is not None else None
                if holder is not None:
                    return holder
                token = increase(connection, "token")
                self._compare_with_journal(connection, token)
                self._reap(connection)
                if run is not None:
                    self._insert(connection, run, token)
                increase(connection, "revision")
                if lock is not None:
                    # Before the commit: whoever looks next must not find the last holder's old heartbeat.
                    lock.announce(token, name)
            lease = HeldLease(token, lock)
        except OSError as error:
            raise disk_error("lock", self._lock_path or Path(), error) from error
        else:
            return lease
        finally:
            if lease is None and lock is not None:
                lock.release()

    def _reap(self, connection: apsw.Connection) -> None:
        # Whoever ran before us is dead, or has lost its lease: its token is outdated from this transaction
        # on.
        found = connection.execute("select seq, body from runs where status = 'running'").fetchall()
        for seq, body in found:
            run = msgspec.structs.replace(
                decode(body, Run), status=RunStatus.ABANDONED, finished=self._clock()
            )
            connection.execute(
                "update runs set status = ?, body = ? where seq = ?", (run.status, encode(run), seq)
            )

    def _insert(self, connection: apsw.Connection, run: Run, token: int) -> None:
        run = msgspec.structs.replace(run, status=RunStatus.RUNNING, finished=None)
        try:
            connection.execute(
                "insert into runs (id, status, token, body) values (?, ?, ?, ?)",
                (run.id, run.status, token, encode(run)),
            )
        except apsw.ConstraintError as error:
            raise StoreError(f"there is a run {run.id} already: run ids must be unique") from error

    def _compare_with_journal(self, connection: apsw.Connection, token: int) -> None:
        """Refuse a database that is not the journal's."""

    def holder(self) -> Holder | None:
        """Who is building now, or None. Changes nothing."""
        return BuildLock(self._lock_path).holder() if self._lock_path is not None else None

    def finish(
        self,
        lease: Lease,
        run_id: str,
        status: RunStatus,
        at: float,
        counts: Mapping[Outcome, int] | None = None,
    ) -> None:
        """Put the run in its terminal state, with how many assets ended how. That never changes again."""
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
        """What happened to each asset in the run, in the order recorded."""
        found = self._database.query("select body from outcomes where run = ? order by position", (run_id,))
        return [decode(body, dict[str, object]) for (body,) in found]

    def record_outcomes(self, lease: Lease, run_id: str, outcomes: Sequence[Mapping[str, object]]) -> None:
        """Keep the JSON-like outcome of each asset of the run; later calls add to earlier ones."""
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.executemany(
                "insert into outcomes"
                " select ?, 1 + coalesce(max(position), 0), ? from outcomes where run = ?",
                [(run_id, encode(outcome), run_id) for outcome in outcomes],
            )

    def failures(self) -> Mapping[Key, Failure]:
        """The last failure of each asset that has failed since it was last materialized."""
        found = self._database.query("select asset, body from failures")
        return {asset: decode(body, Failure) for asset, body in found}

    def record_failure(self, lease: Lease, failure: Failure) -> None:
        """Remember that an asset failed."""
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.execute(
                "insert or replace into failures values (?, ?)", (failure.asset, encode(failure))
            )
            increase(connection, "revision")
