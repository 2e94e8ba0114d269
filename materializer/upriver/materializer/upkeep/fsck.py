"""Verification of everything on disk. Only reads; :mod:`upriver.materializer.upkeep.repair` puts it right."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path

from upriver.assets.model import Value
from upriver.materializer.model import ArtifactRef, Materialization
from upriver.materializer.ports import (
    Committed,
    Damaged,
    Entry,
    Outdated,
    ProjectStorage,
    StateReader,
    StateStore,
    Stored,
)
from upriver.materializer.storage.durable_files import disk_error

_HASHING_THREADS = 4
_REPAIR = "`upriver fsck --repair`"
_AGAIN = "`upriver fsck --repair` sets it aside; the next build makes it again"
_AWAY = "move it away, or let `upriver fsck --repair` set it aside"


class Trouble(StrEnum):
    """The kinds of problems."""

    DAMAGED = "damaged"
    """An artifact's bytes are not those that its name says."""
    SWAPPED = "swapped"
    """An artifact holds the bytes of another one."""
    MISSING = "missing"
    """A materialization's artifact is not in the store."""
    FOREIGN = "foreign"
    """Something is in the store that Upriver did not put there."""
    RECORD = "record"
    """The records contradict each other or the artifact."""
    STATE = "state"
    """The state database is missing, damaged, or not ours."""
    JOURNAL = "journal"
    """The journal has bad lines, or lacks what the database has."""
    WAREHOUSE = "warehouse"
    """The database of views is not as it was written."""


class Problem(Value, frozen=True):
    """One thing that is wrong: *place* is a path or a record, *facts* what was found, *hint* what to do."""

    kind: Trouble
    place: str
    facts: tuple[str, ...] = ()
    hint: str = _REPAIR

    def __str__(self) -> str:
        facts = "".join(f"  {fact}\n" for fact in self.facts)
        return f"{self.kind}: {self.place}\n{facts}  hint: {self.hint}"


class Report(Value, frozen=True, tag=True):
    """What a check found. *notes* are harmless: artifacts that nothing points at, leftovers for ``gc``."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    artifacts: int
    bytes: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check(storage: ProjectStorage) -> Report:
    """Verify every artifact's bytes and every record of the project's state.

    Changes nothing. Raises StoreError when something can't be read at all.
    """
    return Survey(storage).report()


class Found(Value, frozen=True):
    """An artifact with the digest of its bytes, or why that is not known."""

    stored: Stored
    ref: ArtifactRef
    digest: str

    @property
    def id(self) -> str:
        """The id in its name."""
        return self.ref.id

    @property
    def name(self) -> str:
        """Its name in the store."""
        return f"{self.ref.id}{self.ref.suffix}"

    @property
    def sound(self) -> bool:
        """Whether its bytes are those that its name says."""
        return self.digest == self.ref.id


class Survey:
    """One look at everything, with what a repair needs to know."""

    def __init__(self, storage: ProjectStorage) -> None:
        self.storage = storage
        self.store = storage.store
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.state_lost = False
        self.outdated = False
        """Whether the state is of an older version, which only a writer upgrades."""
        self.journal_bad = False
        self.artifacts: list[Found] = []
        self.foreign: list[Stored] = []
        self.broken: list[Found] = []
        """Artifacts whose bytes do not match their names."""
        self.unfounded: list[str] = []
        """Ids of materializations without a sound artifact."""
        self.damaged_warehouse: Path | None = None
        self._scan_store()
        self._scan_state()
        self._scan_warehouse()

    def report(self) -> Report:
        """The result as a value."""
        size = sum(one.ref.bytes for one in self.artifacts)
        return Report(tuple(self.problems), tuple(self.notes), len(self.artifacts), size)

    def _problem(self, kind: Trouble, place: object, *facts: str, hint: str = _REPAIR) -> None:
        self.problems.append(Problem(kind, str(place), facts, hint))

    # -- the store ---------------------------------------------------------------------------------------

    def _scan_store(self) -> None:
        try:
            named = []
            for stored in self.store.list():
                if stored.ref is None:
                    self.foreign.append(stored)
                    self._problem(Trouble.FOREIGN, stored.place, "Upriver did not put it there", hint=_AWAY)
                else:
                    named.append((stored, stored.ref))
            with ThreadPoolExecutor(_HASHING_THREADS) as pool:
                self.artifacts = list(pool.map(lambda one: self._hash(*one), named))
            leftovers = self.store.sweep(dry_run=True)
        except OSError as error:
            raise disk_error("read the store in", self.storage.folder, error) from error
        ids = {one.id for one in self.artifacts}
        for one in self.artifacts:
            if not one.sound:
                self.broken.append(one)
                kind = Trouble.SWAPPED if one.digest in ids else Trouble.DAMAGED
                facts = f"the BLAKE3 of its {one.ref.bytes} bytes is {one.digest}"
                whose = ("they are the bytes of another artifact",) if kind is Trouble.SWAPPED else ()
                self._problem(kind, one.stored.place, facts, *whose, hint=_AGAIN)
        if leftovers:
            self.notes.append(f"{len(leftovers)} leftovers of dead processes; `upriver gc` drops them")

    def _hash(self, stored: Stored, ref: ArtifactRef) -> Found:
        if not stored.plain:
            return Found(stored, ref, "not known: it is not a regular file")
        try:
            return Found(stored, ref, self.store.digest(stored))
        except OSError as error:
            # A bad sector is what this is for: name it, go on.
            return Found(stored, ref, f"not known: {error.strerror}")

    # -- the state ---------------------------------------------------------------------------------------

    def _scan_state(self) -> None:
        journal, place = self.storage.journal, self.storage.state_place
        entries, bad = journal.read()
        for line in bad:
            self.journal_bad = True
            self._problem(Trouble.JOURNAL, f"{journal.place}:{line.line}", line.cause)
        try:
            with contextlib.closing(self.storage.open_state(readonly=True)) as state:
                if wrong := state.check():
                    raise Damaged("\n".join(wrong[:10]))
                self._scan_records(state)
                if state.kept:
                    self._compare_journal(state, entries)
        except Damaged as error:
            self.state_lost = True
            self._problem(Trouble.STATE, place, *(line.strip() for line in str(error).split("\n")))
        except Outdated as error:
            self.outdated = True
            fact = str(error).split("\n")[0].strip()
            self._problem(
                Trouble.STATE, place, fact, hint="`upriver build` upgrades it, and so does `--repair`"
            )

    def _scan_warehouse(self) -> None:
        from upriver.materializer.inspection.warehouse import damaged_warehouse

        try:
            self.damaged_warehouse = damaged_warehouse(self.storage.folder)
        except OSError as error:
            raise disk_error("read the warehouse in", self.storage.folder, error) from error
        if self.damaged_warehouse is not None:
            fact = "its bytes are not those that were written"
            hint = "`upriver fsck --repair` sets it aside; the next build writes it again"
            self._problem(Trouble.WAREHOUSE, self.damaged_warehouse, fact, hint=hint)

    def _scan_records(self, state: StateStore) -> None:
        pointed: defaultdict[str, list[str]] = defaultdict(list)
        for environment, pointer in state.pointers():
            where = f"{environment}: {pointer.asset}" + (
                f" [{pointer.partition}]" if pointer.partition else ""
            )
            pointed[pointer.materialization].append(where)
        if unknown := pointed.pop("", []):
            raise Damaged(f"{', '.join(unknown[:10])} point at materializations that are not recorded")
        snapshots = [ref for record in state.sources().values() for ref in record.version.artifacts]
        self._compare_artifacts(state.history(limit=-1), pointed, snapshots)

    def _compare_artifacts(
        self,
        history: Sequence[Materialization],
        pointed: Mapping[str, Sequence[str]],
        snapshots: Sequence[ArtifactRef],
    ) -> None:
        there = {(one.ref.id, one.ref.suffix): one for one in self.artifacts}
        orphans = {name: one for name, one in there.items() if one.sound}
        for ref in snapshots:
            orphans.pop(
                (ref.id, ref.suffix), None
            )  # one that is gone is made again when the source is looked at
        for one in history:
            facts = [f"materialization {one.id} of {one.node}"]
            facts += [f"current in {where}" for where in pointed.get(one.id, ())]
            for ref in one.artifacts:
                orphans.pop((ref.id, ref.suffix), None)
                if not self._sound(ref, there.get((ref.id, ref.suffix)), facts):
                    self.unfounded.append(one.id)
                    break
        if orphans:
            size = sum(one.ref.bytes for one in orphans.values())
            note = (
                f"{len(orphans)} artifact{'s' if len(orphans) > 1 else ''} ({size:,} bytes) that nothing points at; "
                "`upriver gc` drops them"
            )
            self.notes.append(note)

    def _sound(self, ref: ArtifactRef, found: Found | None, facts: Sequence[str]) -> bool:
        """Whether the artifact of a record is there as recorded; a problem of its bytes is told already."""
        if found is None:
            self._problem(Trouble.MISSING, self.store.locate(ref), *facts, hint=_AGAIN)
            return False
        if found.sound and found.ref.bytes != ref.bytes:
            fact = f"recorded with {ref.bytes} bytes, but it has {found.ref.bytes}"
            self._problem(Trouble.RECORD, found.stored.place, *facts, fact, hint=_AGAIN)
            return False
        return found.sound

    def _compare_journal(self, state: StateReader, entries: Sequence[Entry]) -> None:
        kept = {one.id: one for entry in entries if isinstance(entry, Committed) for one in entry.made}
        unknown = 0
        for one in state.history(limit=-1):
            if kept.get(one.id, one) != one:
                # The journal's lines have checksums, the database's rows have none.
                raise Damaged(f"its record of materialization {one.id} is not the one in the journal")
            unknown += one.id not in kept
        behind = state.journal_sequence() - max((entry.sequence for entry in entries), default=0)
        if behind < -1:
            # One more than the database is a commit that was cut short; more is a database from the past.
            raise Damaged(f"it is {-behind} commits behind the store's journal: an old copy?")
        if unknown or behind > 0:
            self.journal_bad = True
            fact = (
                f"it lacks {unknown} materializations and the last {max(behind, 0)} commits of the database"
            )
            self._problem(Trouble.JOURNAL, self.storage.journal.place, fact)
