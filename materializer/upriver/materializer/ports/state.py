"""The state port: what is remembered between commands. A reader, a writer and a cache of facts; all make a store."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from upriver.assets.errors import StoreError
from upriver.assets.identity import Node
from upriver.assets.model import CodePart, Key, Value
from upriver.lineage.model import Footprint
from upriver.materializer.model import (
    Failure,
    FileStamp,
    Materialization,
    Outcome,
    Refusal,
    Run,
    RunStatus,
    Trust,
    Version,
)
from upriver.materializer.ports.clock import Clock
from upriver.materializer.ports.goals import GoalRecords
from upriver.materializer.ports.incidents import IncidentRecords
from upriver.materializer.ports.journal import JournalReader, Pointer
from upriver.materializer.ports.quality import Lease, QualityStore
from upriver.materializer.ports.store import Store


class Damaged(StoreError):
    """The state can't be read as one; the store itself is not concerned."""


class Outdated(StoreError):
    """The state is of an older version, and was opened for reading only."""


class SourceRecord(Value, frozen=True):
    """What was last seen of a source: the stamps of its files, and the version they held.

    *digest* names what the version was made from: the files' bytes, or their stamps where these can be believed.
    *shape* names the shape with which text was read; *notes* are what a person should know of it and was not told yet.
    *trust* says how far the look can be believed, *detail* why; *hint* is what a system tells of change besides.
    """

    key: Key
    location: str
    stamps: tuple[FileStamp, ...]
    version: Version
    observed: float
    digest: str = ""
    shape: str = ""
    notes: tuple[str, ...] = ()
    trust: Trust = Trust.CONTENT
    detail: str = ""
    hint: str = ""


class Holder(Value, frozen=True):
    """A process that builds, or that holds the whole project (*whole*) for the purpose named by *run*.

    *since* is seconds since the epoch; *beat* a monotonic reading in boot *boot*.
    """

    token: int
    run: str
    pid: int
    host: str
    command: str
    since: float
    beat: float
    boot: str
    environment: str = ""
    whole: bool = False

    def __str__(self) -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        where = f" on {self.host}" if self.host != platform.node() else ""
        what = self.run if self.whole else f"run {self.run}"
        which = f" of environment {self.environment}" if self.environment else ""
        return f"{what}{which}, process {self.pid}{where} since {when} ({self.command})"


class Seen(Value, frozen=True):
    """What a build took as given when it made or chose a materialization; a commit compares it with what is so.

    *pointer* is the materialization that the node pointed at (None: none). *assets* and *sources* are the ids of
    the versions that its upstreams had.
    """

    pointer: str | None
    assets: tuple[tuple[Node, str], ...] = ()
    sources: tuple[tuple[Key, str], ...] = ()


class ClaimRequest(Value, frozen=True):
    """A build's wish to make *node*, which it saw at the materialization *saw*.

    *memory* in bytes is what the attempt is expected to take, *pool* the name of its pool and how many slots that has.
    *also* are nodes that only this build may make: the
    claim is granted with all of them or not at all.
    """

    node: Node
    saw: str | None
    memory: int = 0
    also: tuple[Node, ...] = ()
    pool: tuple[str, int] | None = None


class Claimed(StrEnum):
    """How a request for a claim ended."""

    GRANTED = "granted"
    HELD = "held"
    """Another build is making it."""
    MOVED = "moved"
    """Another build has made it since it was seen: it has to be decided again."""
    FULL = "full"
    """What runs in all builds leaves no memory for it on this machine, or no slot of its pool."""


class Claim(Value, frozen=True):
    """The answer to a :class:`ClaimRequest`. When it is held, *holder* is the build that makes it or has a slot of
    its pool.
    """

    node: Node
    answer: Claimed
    holder: Holder | None = None


class StateReader(Protocol):
    """What is remembered, for looking at. Changes nothing."""

    def current(
        self, environment: str, nodes: Iterable[Node] | None = None
    ) -> Mapping[Node, Materialization]:
        """The materialization that each node points at in *environment*; with *nodes* only those, which costs no more
        in a state of many.
        """
        ...

    def candidates(self, node: Node, recipe: str, limit: int = -1) -> Sequence[Materialization]:
        """Earlier materializations of *node* with this recipe fingerprint, newest first (constructive
        traces). A negative *limit* means all that ``gc`` has kept.
        """
        ...

    def materialization(self, id: str) -> Materialization | None:
        """One materialization by id."""
        ...

    def history(self, asset: Key | None = None, limit: int = 50) -> Sequence[Materialization]:
        """Materializations, newest first, of one asset (all its nodes) or of all."""
        ...

    def pointers(self) -> Sequence[tuple[str, Pointer]]:
        """Every pointer of every environment, as ``(environment, pointer)``; "" for a materialization
        unknown.
        """
        ...

    def environments(self) -> Sequence[str]:
        """The names of the environments that were ever built in and not removed, sorted."""
        ...

    def revision(self) -> int:
        """A number that grows with every change to what is current, to runs and to failures."""
        ...

    def journal_sequence(self) -> int:
        """How many commits there were: the sequence number that the journal's last entry should have."""
        ...

    def runs(self, limit: int = 50) -> Sequence[Run]:
        """Runs, newest first."""
        ...

    def run_outcomes(self, run_id: str) -> Sequence[Mapping[str, object]]:
        """What happened to each node in the run, as recorded by :meth:`StateWriter.record_outcomes`."""
        ...

    def failures(self, environment: str) -> Mapping[Node, Failure]:
        """The last failure of each node that has failed in *environment* since it was last materialized there."""
        ...

    def durations(self, environment: str) -> Mapping[Node, tuple[float, int | None]]:
        """Seconds (median of the last few) and peak memory (bytes, largest of them) of each node's
        materializations in *environment*.
        """
        ...

    def holders(self) -> Sequence[Holder]:
        """The living processes that build, or hold the whole project, oldest first."""
        ...

    def check(self) -> Sequence[str]:
        """What is wrong with the records one by one; empty when all is well."""
        ...

    @property
    def kept(self) -> bool:
        """Whether anything of it outlives this process."""
        ...

    def close(self) -> None:
        """Release what is open."""
        ...


class StateWriter(Protocol):
    """Changes to what is remembered. Each is durable when the call returns, except claims, which need not be."""

    def acquire(self, run: Run, wait: float | None = 0.0) -> Lease:
        """The right to build for *run*, recorded as running; reaps runs whose process is gone. Builds may overlap.

        Waits up to *wait* seconds (None: for ever). Raises BusyError naming the process that holds the whole project.
        """
        ...

    def hold(self, purpose: str, wait: float | None = 0.0) -> Lease:
        """The whole project, for a collection, a repair or a renaming: nothing is built meanwhile.

        Waits as :meth:`acquire`. Raises BusyError naming the processes that build, or hold it.
        """
        ...

    def claim(
        self, lease: Lease, environment: str, requests: Sequence[ClaimRequest], budget: int | None = None
    ) -> Sequence[Claim]:
        """Ask to make nodes, in order; an answer for each. Claims of processes that are gone are taken over.

        *budget* in bytes limits what all claims on this machine are expected to take together. Need not be durable.
        """
        ...

    def unclaim(self, lease: Lease, environment: str, nodes: Iterable[Node]) -> None:
        """Give claims back that did not end in a commit."""
        ...

    def commit(
        self,
        lease: Lease,
        environment: str,
        made: Iterable[Materialization],
        reused: Iterable[Materialization] = (),
        seen: Mapping[Node, Seen] | None = None,
        refused: Mapping[Node, Refusal] = ...,
    ) -> frozenset[Node]:
        """Record *made*, and point *environment* at all of *made* and *reused*, in one transaction.

        A node of *seen* only gets its pointer if what was seen is still so, else what was made for it is kept for
        reuse; returns these nodes. What is *refused* gets none either, and is remembered as such. Clears the failures
        of the others, and gives back the claims of all. Raises BusyError when the lease was lost.
        """
        ...

    def drop(self, lease: Lease, ids: Sequence[str]) -> None:
        """Forget materializations, and all pointers at them. Their artifacts are not touched."""
        ...

    def compact_journal(self, lease: Lease) -> None:
        """Rewrite the journal so that it holds just what the state holds."""
        ...

    def finish(
        self,
        lease: Lease,
        run_id: str,
        status: RunStatus,
        at: float,
        counts: Mapping[Outcome, int] | None = None,
    ) -> None:
        """Put the run in its terminal state, with how many nodes ended how. That never changes again."""
        ...

    def record_outcomes(self, lease: Lease, run_id: str, outcomes: Sequence[Mapping[str, object]]) -> None:
        """Keep the JSON-like outcome of each node of the run."""
        ...

    def record_failure(self, lease: Lease, environment: str, failure: Failure) -> None:
        """Remember that a node failed in *environment*, and give its claim back."""
        ...

    def remove_environment(self, environment: str) -> int:
        """Forget the pointers, failures and durations of *environment*; how many pointers it had.

        Artifacts stay for ``gc``. Raises BusyError while a build runs in it.
        """
        ...


class FactCache(Protocol):
    """Remembered facts: safe to lose, cheap to recompute, true whichever process writes them. No lease is needed."""

    def fingerprints(self, versions: Iterable[str]) -> Mapping[tuple[str, Footprint], str]:
        """Known fingerprints, by (version id, footprint), for these versions and the present algorithm."""
        ...

    def remember_fingerprints(self, found: Mapping[tuple[str, Footprint], str]) -> None:
        """Add fingerprints."""
        ...

    def forget_fingerprints(self, except_of: Iterable[str]) -> None:
        """Drop all fingerprints but those of the versions *except_of*."""
        ...

    def distrust_fingerprints(self, of: Iterable[str]) -> None:
        """Drop all fingerprints of the versions *of*: they may have been computed from damaged bytes."""
        ...

    def sources(self) -> Mapping[Key, SourceRecord]:
        """What was last seen of every source."""
        ...

    def remember_sources(self, records: Iterable[SourceRecord]) -> None:
        """Replace what was last seen of these sources."""
        ...

    def recipe_parts(self, fingerprint: str) -> Sequence[CodePart]:
        """The code behind a recipe fingerprint, for showing a diff; empty when unknown."""
        ...

    def remember_recipes(self, recipes: Mapping[str, Sequence[CodePart]]) -> None:
        """Keep the code behind recipe fingerprints."""
        ...


class StateStore(StateReader, StateWriter, QualityStore, FactCache, GoalRecords, IncidentRecords, Protocol):
    """Everything that is remembered between commands."""


class ProjectStorage(Protocol):
    """What a check and a repair look at: the store, the state that may be damaged, its journal, and the folder of
    files that are neither.
    """

    @property
    def folder(self) -> Path:
        """The project's ``.upriver``."""
        ...

    @property
    def store(self) -> Store:
        """The artifacts."""
        ...

    @property
    def journal(self) -> JournalReader:
        """The state's journal."""
        ...

    @property
    def clock(self) -> Clock:
        """What a repair goes by."""
        ...

    @property
    def state_place(self) -> str:
        """Where the state is kept, for a person."""
        ...

    def open_state(self, *, readonly: bool) -> StateStore:
        """The state. Raises Damaged."""
        ...

    def rebuild_state(self) -> Sequence[str]:
        """Set the damaged state aside and rebuild it from the journal; what was done, in sentences.

        Raises BusyError while a build runs, StoreError.
        """
        ...

    def set_aside(self, path: Path) -> str:
        """Move a file of *folder* into quarantine; where it is then. Raises StoreError."""
        ...
