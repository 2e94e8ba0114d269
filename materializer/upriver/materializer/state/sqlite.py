"""The state in SQLite. See :class:`upriver.materializer.ports.StateStore`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import apsw

from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.model import Materialization, Refusal, Run
from upriver.materializer.ports import (
    Clock,
    Committed,
    Damaged,
    Dropped,
    Entry,
    Lease,
    Pointer,
    Removed,
    Seen,
)
from upriver.materializer.state import rows
from upriver.materializer.state.builders import Builders, release_claims
from upriver.materializer.state.database import REBUILD_HINT, Database
from upriver.materializer.state.facts import Facts
from upriver.materializer.state.goals import Goals
from upriver.materializer.state.incidents import Incidents
from upriver.materializer.state.journal import Journal
from upriver.materializer.state.quality import Quality
from upriver.materializer.state.runs import Runs
from upriver.materializer.storage import locks
from upriver.materializer.storage.clock import MACHINE

_SEALED = (
    ("materializations", "body"),
    ("runs", "body"),
    ("outcomes", "body"),
    ("failures", "body"),
    ("durations", "recent"),
    ("sources", "body"),
    ("recipes", "body"),
    ("verdicts", "body"),
    ("profiles", "body"),
    ("refusals", "body"),
    ("acceptances", "body"),
    ("incidents", "body"),
    ("outbox", "body"),
    ("approvals", "body"),
)

_OF_ENVIRONMENT = (
    "failures", "durations", "refusals", "acceptances", "observations", "pauses", "backfills", "incidents", "outbox",
    "approvals",
)  # fmt: skip


class SqliteState(Builders, Runs, Quality, Facts, Goals, Incidents):
    """The state in one database, each commit also written to the journal. Threads may share it."""

    def __init__(
        self,
        database: Database,
        journal: Journal | None = None,
        algorithm: str = "",
        builders: Path | None = None,
        term: float = locks.TERM,
        clock: Clock = MACHINE,
    ) -> None:
        Builders.__init__(self, database, builders, term, clock)
        Runs.__init__(self, database)
        Quality.__init__(self, database)
        Facts.__init__(self, database, algorithm)
        Goals.__init__(self, database)
        Incidents.__init__(self, database)
        self.journal = journal
        self._decoded: dict[int, Materialization] = {}

    # -- reading -----------------------------------------------------------------------------------------

    def current(
        self, environment: str, nodes: Iterable[Node] | None = None
    ) -> Mapping[Node, Materialization]:
        """The materialization that each node points at in *environment*, or each of *nodes*.

        Values are decoded when they are first asked for, and once only for the life of this object.
        """
        text = (
            "select p.asset, p.partition, m.seq, m.body from pointers p join materializations m using (seq)"
            " where p.environment = ? and m.asset = p.asset"
        )
        if nodes is None:
            found = self._database.query(text, (environment,))
        else:
            one = f"{text} and p.asset = ? and p.partition = ?"
            found = [
                row
                for node in nodes
                for row in self._database.query(one, (environment, *rows.columns_of(node)))
            ]
        return rows.Lazily(
            {Node(asset, partition or None): (seq, body) for asset, partition, seq, body in found},
            self._materialization,
        )

    def revision(self) -> int:
        """A number that grows with every change to what is current, to runs and to failures."""
        return self._number("revision")

    def candidates(self, node: Node, recipe: str, limit: int = -1) -> Sequence[Materialization]:
        """Earlier materializations of *node* with this recipe fingerprint, newest first."""
        return self._materializations(
            "where asset = ? and partition = ? and recipe = ? order by seq desc limit ?",
            *rows.columns_of(node),
            recipe,
            limit,
        )

    def materialization(self, id: str) -> Materialization | None:
        """One materialization by id."""
        return next(iter(self._materializations("where id = ?", id)), None)

    def history(self, asset: Key | None = None, limit: int = 50) -> Sequence[Materialization]:
        """Materializations, newest first, of one asset or of all. A negative *limit* means no limit."""
        if asset is None:
            return self._materializations("order by seq desc limit ?", limit)
        return self._materializations("where asset = ? order by seq desc limit ?", asset, limit)

    def pointers(self) -> Sequence[tuple[str, Pointer]]:
        """Every pointer of every environment, as ``(environment, pointer)``; "" for a materialization
        unknown.
        """
        found = self._database.query(
            "select environment, p.asset, p.partition, coalesce(m.id, '') from pointers p"
            " left join materializations m using (seq) order by 1, 2, 3"
        )
        return [(environment, Pointer(asset, partition, at)) for environment, asset, partition, at in found]

    def environments(self) -> Sequence[str]:
        """The names of the environments that were ever built in and not removed, sorted."""
        return [name for (name,) in self._database.query("select name from environments order by name")]

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
        """Record *made*, and point *environment* at all of *made* and *reused*, in one transaction.

        A node of *seen* only gets its pointer if what was seen is still so, else what was made for it is kept for
        reuse; returns these nodes. What is *refused* gets none either, and is remembered as such. Clears the failures
        of the others, and gives back the claims of all. Raises BusyError when the lease was lost.
        """
        made, reused = tuple(made), tuple(reused)
        if not made and not reused:
            return frozenset()
        lost: list[Node] = []
        pointed: list[Pointer] = []

        def entry(sequence: int) -> Entry:
            return Committed(sequence, lease.token, environment, made, tuple(pointed))

        with self._journalled(lease, entry) as connection:
            for one in (*made, *reused):
                node = one.node
                if node in refused:
                    continue
                if (
                    seen is None
                    or node not in seen
                    or rows.still_so(connection, environment, node, seen[node])
                ):
                    pointed.append(Pointer(one.asset, one.partition or "", one.id))
                else:
                    lost.append(node)
            rows.insert_materializations(connection, made)
            rows.point(connection, environment, pointed)
            rows.add_durations(connection, environment, made)
            places = [(environment, one.asset, one.partition) for one in pointed]
            for table in ("failures", "refusals"):
                connection.executemany(
                    f"delete from {table} where environment = ? and asset = ? and partition = ?", places
                )
            connection.executemany(
                "insert or replace into refusals values (?, ?, ?, ?)",
                [(environment, *rows.columns_of(node), rows.encode(one)) for node, one in refused.items()],
            )
            release_claims(
                connection,
                [(environment, *rows.columns_of(one.node), lease.token) for one in (*made, *reused)],
            )
            connection.execute(
                "insert or ignore into environments values (?, ?)", (environment, self._clock.now())
            )
        return frozenset(lost)

    def remove_environment(self, environment: str) -> int:
        """Forget the pointers, failures and durations of *environment*; how many pointers it had."""

        def removed(sequence: int) -> Entry:
            return Removed(sequence, self._number("token"), environment)

        with self._journalled(None, removed) as connection:
            building = [
                one
                for one in self._living(connection, displace_stopped=False)
                if one.environment == environment
            ]
            if building:
                raise locks.busy(f"the removal of environment {environment}", building)
            for table in _OF_ENVIRONMENT:
                connection.execute(f"delete from {table} where environment = ?", (environment,))
            connection.execute("delete from environments where name = ?", (environment,))
            connection.execute("delete from pointers where environment = ?", (environment,))
            return connection.changes()

    def drop(self, lease: Lease, ids: Sequence[str]) -> None:
        """Forget materializations, and all pointers at them. Their artifacts are not touched."""
        if not ids:
            return
        with self._journalled(lease, lambda n: Dropped(n, lease.token, tuple(ids))) as connection:
            rows.drop(connection, ids)
        self._decoded.clear()

    @contextlib.contextmanager
    def _journalled(self, lease: Lease | None, entry: Callable[[int], Entry]) -> Iterator[apsw.Connection]:
        """A transaction that is also a line of the journal, synced before the commit.

        The lease is checked first, and SQLite's write lock is held throughout: so the journal's lines are in
        the order of the commits, and none is from a build that has lost its lease.
        """
        before: int | None = None
        try:
            with self._database.write() as connection:
                if lease is not None:
                    rows.check_lease(connection, lease)
                sequence = rows.increase(connection, "journal")
                yield connection
                rows.increase(connection, "revision")
                if self.journal is not None:
                    before = self.journal.append(entry(sequence))
                    rows.set_number(connection, "journal_bytes", self.journal.size())
        except BaseException:
            if before is not None and self.journal is not None:
                self.journal.undo(before)
            raise

    def compact_journal(self, lease: Lease) -> None:
        """Rewrite the journal so that it holds just what the database holds."""
        with self._database.write() as connection:
            rows.check_lease(connection, lease)
            self._rewrite_journal(connection, lease.token)

    def _rewrite_journal(self, connection: apsw.Connection, token: int) -> None:
        if self.journal is None:
            return
        sequence = rows.increase(connection, "journal")
        environments: dict[str, list[Pointer]] = {}
        for environment, pointer in self.pointers():
            environments.setdefault(environment, []).append(pointer)
        everything = tuple(reversed(self.history(limit=-1)))
        entries = [Committed(sequence, token, "", everything, ())] + [
            Committed(sequence, token, environment, (), tuple(pointed))
            for environment, pointed in environments.items()
        ]
        self.journal.rewrite(entries)
        rows.set_number(connection, "journal_bytes", self.journal.size())

    def _compare_with_journal(self, connection: apsw.Connection, token: int) -> None:
        """Before a build: is this database the one that the journal belongs to?

        The journal may have one line more, of a commit that was cut short. Lines that it lacks are written
        again. More lines that the database knows nothing of are from its future: it is a copy from the past.
        """
        if self.journal is None:
            return
        known, there = self._number("journal_bytes"), self.journal.size()
        if there < known:
            self._rewrite_journal(connection, token)
        elif there > known:
            more = self.journal.entries_after(known)
            if more > 1:
                raise Damaged(
                    f"{self._database.path} is {more} commits behind the store's journal: an old copy?\n"
                    f"  Nothing was changed.\n  {REBUILD_HINT}"
                )
            rows.set_number(connection, "journal_bytes", there)

    # -- the rest ----------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """What is wrong with the database as a file, and with its records one by one; empty when all is well."""
        wrong = self._database.check()
        if wrong:
            return wrong
        for table, column in _SEALED:
            bodies = self._database.query(f"select {column} from {table}")
            if damaged := sum(not rows.sealed(body) for (body,) in bodies):
                wrong.append(f"{damaged} records of {table} are damaged: their checksums do not match")
        if wrong:
            return wrong
        for seq, *columns in self._database.query(
            "select seq, id, asset, partition, recipe, artifact, finished, bytes from materializations"
        ):
            if columns != list(rows.columns(self._by_seq(seq))):
                wrong.append(f"the record of materialization {columns[0]} contradicts itself")
        foreign = (
            "select p.asset from pointers p join materializations m using (seq) where m.asset <> p.asset"
        )
        wrong += [
            f"{asset} points at another asset's materialization" for (asset,) in self._database.query(foreign)
        ]
        for id_, status, body in self._database.query("select id, status, body from runs"):
            run = rows.decode(body, Run)
            if (run.id, run.status) != (id_, status):
                wrong.append(f"the record of run {id_} contradicts itself")
        return wrong

    def journal_sequence(self) -> int:
        """The sequence number that the journal's last entry should have."""
        return self._number("journal")

    @property
    def kept(self) -> bool:
        """Whether anything of it outlives this process."""
        return not self._database.memory

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    def close(self) -> None:
        """Release the database."""
        self._database.close()

    def _number(self, name: str) -> int:
        found = self._database.query("select value from meta where name = ?", (name,))
        if not found:
            raise Damaged(f"{self._database.path} lacks its {name}\n  {REBUILD_HINT}")
        return int(found[0][0])

    def _materializations(self, clauses: str, *parameters: object) -> list[Materialization]:
        found = self._database.query(f"select seq, body from materializations {clauses}", parameters)
        return [self._materialization(seq, body) for seq, body in found]

    def _by_seq(self, seq: int) -> Materialization:
        return self._materializations("where seq = ?", seq)[0]

    def _materialization(self, seq: int, body: bytes) -> Materialization:
        known = self._decoded.get(seq)
        if known is None:
            known = self._decoded[seq] = rows.decode(body, Materialization)
        return known
