"""Builders: which processes may write, what each of them is making, and which are taken to be gone."""

from __future__ import annotations

import contextlib
import errno
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import apsw
import msgspec

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.identity import Node
from upriver.materializer.model import Run, RunStatus
from upriver.materializer.ports import Claim, Claimed, ClaimRequest, Clock, Holder, Lease
from upriver.materializer.state.database import Database
from upriver.materializer.state.rows import check_lease, columns_of, decode, encode, increase
from upriver.materializer.storage import locks
from upriver.materializer.storage.clock import MACHINE
from upriver.materializer.storage.durable_files import disk_error
from upriver.materializer.storage.links import refuse_links
from upriver.materializer.storage.locks import Heartbeat, HeldLease, Life, look


class Builders:
    """The part of the state that grants leases and claims. *folder* holds the lock files; None: only it writes."""

    def __init__(
        self,
        database: Database,
        folder: Path | None = None,
        term: float = locks.TERM,
        clock: Clock = MACHINE,
    ) -> None:
        self._database = database
        self._folder = folder
        self._term = term
        self._clock = clock

    # -- leases ------------------------------------------------------------------------------------------

    def acquire(self, run: Run, wait: float | None = 0.0) -> HeldLease:
        """The right to build for *run*, recorded as running; reaps runs whose process is gone. Builds may overlap.

        Waits up to *wait* seconds (None: for ever). Raises BusyError naming the process that holds the whole project.
        """
        return self._acquire(run, run.id, wait)

    def hold(self, purpose: str, wait: float | None = 0.0) -> HeldLease:
        """The whole project, for a collection, a repair or a renaming: nothing is built meanwhile."""
        return self._acquire(None, purpose, wait)

    def _acquire(self, run: Run | None, name: str, wait: float | None) -> HeldLease:
        if self._folder is not None:
            refuse_links(self._folder.parent)  # a session may have been open for days
        held: Sequence[Holder] = ()
        for _ in locks.poll(wait, self._clock):
            try:
                granted = self._try_acquire(run, name)
            except BusyError:  # of the database: it was held for as long as we wait for that
                held = self.holders()
                if not held:
                    raise
                continue
            if isinstance(granted, HeldLease):
                return granted
            held = granted
        raise locks.busy(name if run is None else locks.BUILDING, held)

    def _try_acquire(self, run: Run | None, name: str) -> HeldLease | Sequence[Holder]:
        heartbeat: Heartbeat | None = None
        lease: HeldLease | None = None
        try:
            with self._database.write() as connection:
                others = self._living(connection, displace_stopped=run is None)
                in_the_way = others if run is None else [one for one in others if one.whole]
                if in_the_way:
                    return in_the_way
                token = increase(connection, "token")
                self._compare_with_journal(connection, token)
                self._abandon_unknown(connection, {one.token for one in others})
                environment = "" if run is None else run.environment
                lock = f"{token}.lock"
                holder = None
                if self._folder is not None:
                    self._sweep(connection)
                    heartbeat = Heartbeat(self._folder / lock, self._term, self._clock)
                    holder = heartbeat.begin(token, name, environment, whole=run is None)
                connection.execute(
                    "insert into builders values (?, ?, ?, ?, ?, ?)",
                    (token, name, environment, run is None, lock, encode(holder)),
                )
                if run is not None:
                    _insert(connection, run, token, self._clock.now())
                increase(connection, "revision")
            lease = HeldLease(token, heartbeat)
        except OSError as error:
            raise disk_error("lock", self._folder or Path(), error) from error
        else:
            return lease
        finally:
            if lease is None and heartbeat is not None:
                heartbeat.release()

    def _living(self, connection: apsw.Connection, *, displace_stopped: bool) -> list[Holder]:
        """The processes that build or hold the whole; the rows of those that are gone are taken away.

        A process that stands still loses what it has only to one that wants it: what holds the whole always, a build
        with *displace_stopped*. Its claims are taken over one by one (see :meth:`claim`).
        """
        found = connection.execute("select token, lock, body, whole from builders order by token").fetchall()
        return [
            holder
            for token, lock, body, whole in found
            if (holder := self._alive(connection, token, lock, body, stopped=not (displace_stopped or whole)))
        ]

    def _alive(
        self, connection: apsw.Connection, token: object, lock: object, body: object, *, stopped: bool = False
    ) -> Holder | None:
        """The builder when it lives, or with *stopped* when it stands still; else what it had is free from this
        transaction on.
        """
        if self._folder is not None:
            path = self._folder / str(lock)
            life, told = look(path, self._term, self._clock)
            if life is Life.ALIVE or (life is Life.STOPPED and stopped):
                return told or decode(body, Holder)
            if life is Life.STOPPED:
                path.unlink(missing_ok=True)
        connection.execute("delete from claims where token = ?", (token,))
        connection.execute("delete from builders where token = ?", (token,))
        found = connection.execute(
            "select seq, body from runs where status = 'running' and token = ?", (token,)
        ).fetchall()
        self._abandon(connection, found)
        return None

    def _sweep(self, connection: apsw.Connection) -> None:
        """Make the folder, and remove lock files that belong to no process."""
        assert self._folder is not None
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir()
        if self._folder.is_symlink() or not self._folder.is_dir():
            raise StoreError(f"{self._folder} is a link or a file, not a folder\n  hint: move it away")
        known = {row[0] for row in connection.execute("select lock from builders").fetchall()}
        for path in self._folder.iterdir():
            if path.name not in known and look(path, self._term, self._clock)[0] is Life.GONE:
                with contextlib.suppress(OSError):  # a leftover does no harm
                    path.unlink()

    def close_abandoned(self) -> None:
        """Mark the runs whose process is gone as abandoned; nothing is written when there are none."""
        running = {row[0] for row in self._database.query("select token from runs where status = 'running'")}
        if running and self._folder is not None and not running <= self._tokens_alive():
            with self._database.write() as connection:
                found = connection.execute("select token, lock, body from builders").fetchall()
                living = {row[0] for row in found if self._alive(connection, *row, stopped=True) is not None}
                self._abandon_unknown(connection, {int(str(token)) for token in living})
                increase(connection, "revision")

    def _tokens_alive(self) -> set[int]:
        """The tokens of those whose process is there, also when it stands still."""
        assert self._folder is not None
        found = self._database.query("select token, lock from builders")
        return {token for token, lock in found if look(self._folder / lock, self._term)[0] is not Life.GONE}

    def _abandon_unknown(self, connection: apsw.Connection, living: set[int]) -> None:
        """Mark the runs of which no builder is known: of a state that was rebuilt or upgraded."""
        found = connection.execute("select seq, token, body from runs where status = 'running'").fetchall()
        self._abandon(connection, [(seq, body) for seq, token, body in found if token not in living])

    def _abandon(self, connection: apsw.Connection, runs: Iterable[tuple[object, ...]]) -> None:
        """Mark runs whose process is gone, or has lost its lease with this transaction."""
        for seq, body in runs:
            run = msgspec.structs.replace(
                decode(body, Run), status=RunStatus.ABANDONED, finished=self._clock.now()
            )
            connection.execute(
                "update runs set status = ?, body = ? where seq = ?",
                (run.status, encode(run), int(str(seq))),
            )

    def _compare_with_journal(self, connection: apsw.Connection, token: int) -> None:
        """Refuse a database that is not the journal's."""

    def holders(self) -> Sequence[Holder]:
        """The living processes that build, or hold the whole project, oldest first. Changes nothing."""
        if self._folder is None:
            return ()
        found = []
        for (lock,) in self._database.query("select lock from builders order by token"):
            life, holder = look(self._folder / lock, self._term, self._clock)
            if life is not Life.GONE and holder is not None:
                found.append(holder)
        return found

    # -- claims ------------------------------------------------------------------------------------------

    def claim(
        self, lease: Lease, environment: str, requests: Sequence[ClaimRequest], budget: int | None = None
    ) -> Sequence[Claim]:
        """Ask to make nodes, in order; an answer for each. Claims of processes that are gone are taken over."""
        if not requests:
            return ()
        with self._database.write(durable=False) as connection:
            check_lease(connection, lease)
            return [self._claim(connection, lease, environment, one, budget) for one in requests]

    def _claim(
        self,
        connection: apsw.Connection,
        lease: Lease,
        environment: str,
        request: ClaimRequest,
        budget: int | None,
    ) -> Claim:
        node = request.node
        for one in (node, *request.also):
            holder = self._claimed_by(connection, lease, environment, one)
            if holder is not None:
                return Claim(node, Claimed.HELD, holder)
        if _pointer(connection, environment, node) != request.saw:
            return Claim(node, Claimed.MOVED)
        host = platform.node()
        if budget is not None:
            taken, claims = self._taken(connection, host)
            if (
                claims and taken + request.memory > budget
            ):  # beside nothing at all, even what takes too much may run
                return Claim(node, Claimed.FULL)
        if request.pool is not None:
            inside = self._inside(connection, request.pool[0])
            if len(inside) >= request.pool[1]:
                return Claim(node, Claimed.FULL, inside[0])
        pool = "" if request.pool is None else request.pool[0]
        for one in (node, *request.also):
            memory, slot = (request.memory, pool) if one == node else (0, "")
            connection.execute(
                "insert or replace into claims values (?, ?, ?, ?, ?, ?, ?)",
                (environment, *columns_of(one), lease.token, host, memory, slot),
            )
        return Claim(node, Claimed.GRANTED)

    def _claimed_by(
        self, connection: apsw.Connection, lease: Lease, environment: str, node: Node
    ) -> Holder | None:
        found = connection.execute(
            "select b.token, b.lock, b.body from claims c join builders b using (token)"
            " where c.environment = ? and c.asset = ? and c.partition = ? and c.token <> ?",
            (environment, *columns_of(node), lease.token),
        ).fetchall()
        return self._alive(connection, *found[0]) if found else None

    def _inside(self, connection: apsw.Connection, pool: str) -> list[Holder | None]:
        """Who has each slot of *pool* that is taken, in whichever environment. The slots of who is gone are free."""
        held = connection.execute(
            "select b.token, b.lock, b.body from claims c join builders b using (token) where c.pool = ?",
            (pool,),
        ).fetchall()
        found = [self._alive(connection, *row) for row in held]
        return [holder for holder in found if holder is not None]

    def _taken(self, connection: apsw.Connection, host: str) -> tuple[int, int]:
        """The bytes that all claims on this machine are expected to take, and their number.

        Only of processes that go on: the end of one that stands still would be waited for in vain.
        """
        held = connection.execute(
            "select b.lock, sum(c.memory), count(*) from claims c join builders b using (token)"
            " where c.host = ? group by b.token",
            (host,),
        ).fetchall()
        going_on = [
            (int(str(memory)), int(str(count)))
            for lock, memory, count in held
            if self._folder is None
            or look(self._folder / str(lock), self._term, self._clock)[0] is Life.ALIVE
        ]
        return sum(memory for memory, _ in going_on), sum(count for _, count in going_on)

    def unclaim(self, lease: Lease, environment: str, nodes: Iterable[Node]) -> None:
        """Give claims back that did not end in a commit."""
        places = [(environment, *columns_of(node), lease.token) for node in nodes]
        if places:
            with self._database.write(durable=False) as connection:
                release_claims(connection, places)


def release_claims(connection: apsw.Connection, places: Iterable[tuple[str, str, str, int]]) -> None:
    """Remove claims, each given by environment, asset, partition and token."""
    connection.executemany(
        "delete from claims where environment = ? and asset = ? and partition = ? and token = ?", places
    )


def _pointer(connection: apsw.Connection, environment: str, node: Node) -> str | None:
    found = connection.execute(
        "select m.id from pointers p join materializations m using (seq)"
        " where p.environment = ? and p.asset = ? and p.partition = ?",
        (environment, *columns_of(node)),
    ).fetchall()
    return str(found[0][0]) if found else None


def _insert(connection: apsw.Connection, run: Run, token: int, now: float) -> None:
    run = msgspec.structs.replace(run, status=RunStatus.RUNNING, finished=None)
    try:
        connection.execute(
            "insert into runs (id, status, token, body) values (?, ?, ?, ?)",
            (run.id, run.status, token, encode(run)),
        )
    except apsw.ConstraintError as error:
        raise StoreError(f"there is a run {run.id} already: run ids must be unique") from error
    if run.environment:
        connection.execute("insert or ignore into environments values (?, ?)", (run.environment, now))


def hold_files(folder: Path, purpose: str, term: float = locks.TERM, clock: Clock = MACHINE) -> Heartbeat:
    """The whole project while its state can't be read: by the lock files alone. Raises BusyError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    beating = Heartbeat(folder / "repair.lock", term, clock)
    living = [
        holder
        for path in folder.iterdir()
        if path != beating.path
        and (found := look(path, term, clock))[0] is Life.ALIVE
        and (holder := found[1])
    ]
    if living:
        raise locks.busy(purpose, living)
    try:
        beating.begin(0, purpose, whole=True)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        holder = look(beating.path, term, clock)[1]
        raise locks.busy(purpose, [holder] if holder else []) from error
    return beating
