"""The narrow interfaces at which the run meets the disk and the state. Each has a fake beside its real thing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from upriver.assets.model import CodePart, Key, Schema, Value
from upriver.lineage.model import Footprint
from upriver.materializer.model import (
    Failure,
    FileStamp,
    Materialization,
    Outcome,
    Run,
    RunStatus,
    Version,
)

if TYPE_CHECKING:
    from upriver.assets.project.config import Scalar


class Staged(Value, frozen=True):
    """A file written under a temporary name in the store's file system, hashed, not yet published."""

    path: str
    id: str
    bytes: int
    suffix: str


class Store(Protocol):
    """Immutable artifacts by the hash of their bytes: ``store/ab/<id><suffix>``."""

    def new_path(self, suffix: str) -> Path:
        """A fresh name in the staging folder, for an engine to write to."""
        ...

    def stage(self, path: Path, suffix: str) -> Staged:
        """Hash and fsync the file that an engine has written at *path*. On any error the file is removed."""
        ...

    def publish(self, staged: Sequence[Staged]) -> None:
        """Move files to their final names without ever replacing one, then fsync each directory once."""
        ...

    def path(self, id: str, suffix: str) -> Path:
        """Where the artifact *id* is, or would be."""
        ...

    def exists(self, id: str, suffix: str) -> bool:
        """Whether the artifact is there (its bytes are not checked)."""
        ...


class SourceRecord(Value, frozen=True):
    """What was last seen of a source: the stamps of its files, and the version they held.

    *digest* names what the version was made from: the files' bytes, or their stamps where these can be believed.
    """

    key: Key
    location: str
    stamps: tuple[FileStamp, ...]
    version: Version
    observed: float
    digest: str = ""


class Lease(Protocol):
    """The right to build: held through a kernel lock and a fencing token that grows with each build."""

    token: int

    def release(self) -> None:
        """Give the right back. Safe to call twice."""
        ...


class StateStore(Protocol):
    """Everything that is remembered between commands. All writes are durable when the call returns."""

    # -- what is current -------------------------------------------------------------------------------
    def current(self, environment: str, assets: Iterable[Key] | None = None) -> Mapping[Key, Materialization]:
        """The materialization that each asset points at in *environment*; with *assets* only those, which costs
        no more in a state of many.
        """
        ...

    def candidates(self, asset: Key, recipe: str, limit: int = -1) -> Sequence[Materialization]:
        """Earlier materializations of *asset* with this recipe fingerprint, newest first (constructive
        traces). A negative *limit* means all that ``gc`` has kept.
        """
        ...

    def materialization(self, id: str) -> Materialization | None:
        """One materialization by id."""
        ...

    def commit(
        self,
        lease: Lease,
        environment: str,
        made: Iterable[Materialization],
        reused: Iterable[Materialization] = (),
    ) -> None:
        """Record *made*, and point *environment* at all of *made* and *reused*, in one transaction.

        Clears the failures of these assets. Raises BusyError when the lease was lost to another build.
        """
        ...

    # -- runs --------------------------------------------------------------------------------------------
    def acquire(self, run: Run, wait: float | None = 0.0) -> Lease:
        """Take the right to build for *run*, recorded as running; reaps runs whose process is gone.

        Waits up to *wait* seconds (None: for ever). Raises BusyError naming who holds it.
        """
        ...

    def finish(
        self,
        lease: Lease,
        run_id: str,
        status: RunStatus,
        at: float,
        counts: Mapping[Outcome, int] | None = None,
    ) -> None:
        """Put the run in its terminal state, with how many assets ended how. That never changes again."""
        ...

    def runs(self, limit: int = 50) -> Sequence[Run]:
        """Runs, newest first."""
        ...

    def run_outcomes(self, run_id: str) -> Sequence[Mapping[str, object]]:
        """What happened to each asset in the run, as recorded by :meth:`record_outcomes`."""
        ...

    def record_outcomes(self, lease: Lease, run_id: str, outcomes: Sequence[Mapping[str, object]]) -> None:
        """Keep the JSON-like outcome of each asset of the run."""
        ...

    def history(self, asset: Key | None = None, limit: int = 50) -> Sequence[Materialization]:
        """Materializations, newest first, of one asset or of all."""
        ...

    def failures(self) -> Mapping[Key, Failure]:
        """The last failure of each asset that has failed since it was last materialized."""
        ...

    def record_failure(self, lease: Lease, failure: Failure) -> None:
        """Remember that an asset failed."""
        ...

    # -- remembered facts (safe to lose, cheap to recompute) -----------------------------------------------
    def fingerprints(self, versions: Iterable[str]) -> Mapping[tuple[str, Footprint], str]:
        """Known fingerprints, by (version id, footprint), for these versions and the present algorithm."""
        ...

    def remember_fingerprints(self, found: Mapping[tuple[str, Footprint], str]) -> None:
        """Add fingerprints. Needs no lease: the facts are true whoever writes them."""
        ...

    def sources(self) -> Mapping[Key, SourceRecord]:
        """What was last seen of every source."""
        ...

    def remember_sources(self, records: Iterable[SourceRecord]) -> None:
        """Replace what was last seen of these sources. Needs no lease."""
        ...

    def recipe_parts(self, fingerprint: str) -> Sequence[CodePart]:
        """The code behind a recipe fingerprint, for showing a diff; empty when unknown."""
        ...

    def remember_recipes(self, recipes: Mapping[str, Sequence[CodePart]]) -> None:
        """Keep the code behind recipe fingerprints."""
        ...

    def durations(self) -> Mapping[Key, tuple[float, int | None]]:
        """Seconds (median of the last few) and peak memory (bytes, largest of them) of each asset's
        materializations.
        """
        ...

    def close(self) -> None:
        """Release the database."""
        ...


class Written(NamedTuple):
    """What a query gave. *peak_memory* is in bytes, None where it was not measured."""

    schema: Schema
    rows: int
    peak_memory: int | None


class Engine(Protocol):
    """Runs queries over versions of upstreams, in any number of threads."""

    def identity(self) -> str:
        """What computes: two engines of one identity give the same rows for the same query (``duckdb``)."""
        ...

    def open(self) -> None:
        """Have the engine ready. It takes a while, in which another thread can do other things."""
        ...

    def expose(self, key: Key, version: Version) -> None:
        """Make *version* (with absolute file names) what the relation of *key* shows."""
        ...

    def write(
        self,
        query: str,
        path: Path,
        schema: Schema | None,
        variables: Mapping[str, Scalar] = ...,
        *,
        measured: bool = False,
    ) -> Written:
        """Run *query* into a Parquet file at *path*. *schema* is what it was bound to, or None."""
        ...

    def describe(self, files: Sequence[str]) -> tuple[Schema, int]:
        """Schema and number of rows of Parquet files."""
        ...

    def fetch(
        self, query: str, parameters: Sequence[Any] = (), variables: Mapping[str, Scalar] = ...
    ) -> tuple[Schema, list[tuple[Any, ...]]]:
        """Run a query and fetch everything."""
        ...

    def new_cursor(self) -> Any:
        """A cursor of the engine's own kind, which the caller closes; for fingerprints and the warehouse."""
        ...

    def interruptible(self) -> AbstractContextManager[threading.Event]:
        """While inside, :meth:`interrupt` with the yielded token ends this thread's query."""
        ...

    def interrupt(self, token: threading.Event) -> None:
        """End the query that runs under *token*, if one still does."""
        ...

    def close(self) -> None:
        """Release the engine and its memory."""
        ...


class Clock(Protocol):
    """The time, and waiting for it. Everything that asks for time asks a clock, so that tests can set it."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment, never set back."""
        ...

    def today(self, zone: str | None = None) -> date:
        """The date in *zone* (an IANA name; None: the machine's own)."""
        ...

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until *event* is set or *seconds* have passed; whether it is set."""
        ...
