"""What the materializer records and decides, as frozen values."""

from __future__ import annotations

from enum import StrEnum
from os.path import join
from pathlib import Path
from typing import TypeAlias

import msgspec

from upriver.assets.model import Key, Schema, Value
from upriver.lineage.model import Footprint


class FileStamp(Value, frozen=True):
    """What the file system says of one source file; equal stamps are taken as equal bytes (``--verify``
    hashes).

    *path* is relative to the project root when inside it. *mtime* and *ctime* are nanoseconds.
    """

    path: str
    size: int
    mtime: int
    ctime: int
    inode: int


class Version(Value, frozen=True):
    """One content of an upstream: of an asset's artifact or of a source as observed.

    *id* names the content: equal ids are equal contents in equal order (for artifacts the BLAKE3 of the
    bytes, for sources a digest of the bytes, or of the stamps of files that are read in place). *content* is
    the content fingerprint over all columns, unordered, None until computed. *files* hold the rows, in order
    (one opaque file for a file asset); they are relative to the project root, so that a project can be moved.
    """

    id: str
    schema: Schema
    rows: int | None
    bytes: int
    files: tuple[str, ...]
    content: str | None = None

    def located(self, root: Path) -> Version:
        """This version with absolute file names."""
        files = [join(root, file) for file in self.files]  # noqa: PTH118 -- for every asset at every command
        return msgspec.structs.replace(self, files=tuple(files))


class Read(Value, frozen=True):
    """What one materialization read of one upstream: the footprint and the fingerprint of exactly that.

    *version* is the id of the upstream content read. *schema* is the text of the upstream's whole schema
    then. *fingerprint* is None for an asset's artifact, from which it can be computed for as long as the
    store keeps it; of a source, whose files may change at any time, it is taken when it is read.
    """

    upstream: Key
    footprint: Footprint
    version: str
    schema: str
    fingerprint: str | None = None


class Trace(Value, frozen=True):
    """All that one materialization depended on.

    *recipe* is the recipe fingerprint, *binding* the analysis's digest. *environment* are ``(name, digest or
    value)`` pairs of what was read from outside the data: environment variables (as digests: they may be
    secret), project variables, ``current_date``.
    """

    recipe: str
    binding: str
    reads: tuple[Read, ...]
    environment: tuple[tuple[str, str], ...] = ()


class Materialization(Value, frozen=True):
    """An immutable record of one artifact: what it was made from and what it holds.

    Times are seconds since the epoch, UTC. *partition* is None for an unpartitioned asset.
    """

    id: str
    asset: Key
    partition: str | None
    run: str
    trace: Trace
    version: Version
    started: float
    finished: float
    engines: tuple[tuple[str, str], ...] = ()
    peak_memory: int | None = None
    input_bytes: int | None = None
    """The size of the upstreams' content that it was made from."""


class State(StrEnum):
    """Freshness of an asset now."""

    FRESH = "fresh"
    STALE = "stale"
    PENDING = "pending"
    MISSING = "missing"
    FAILED = "failed"
    BLOCKED = "blocked"
    RUNNING = "running"


class Cause(StrEnum):
    """The kinds of reasons."""

    MISSING = "missing"
    RECIPE = "recipe"
    DATA = "data"
    SCHEMA = "schema"
    UPSTREAM = "upstream"
    VOLATILE = "volatile"
    ENVIRONMENT = "environment"
    FORCED = "forced"
    FAILED = "failed"
    UNBOUND = "unbound"
    DAMAGED = "damaged"
    SOURCE_MISSING = "source_missing"


class Reason(Value, frozen=True):
    """Why an asset is in its state. *asset* is what the reason is about: the upstream, or the asset itself.

    *columns* are the upstream's columns concerned (empty: the whole). *detail* is one short phrase of facts.
    """

    kind: Cause
    asset: Key
    columns: tuple[str, ...] = ()
    detail: str = ""


Reasons: TypeAlias = tuple[Reason, ...]


class Action(StrEnum):
    """What a plan step would do."""

    BUILD = "build"
    REUSE = "reuse"
    MAYBE = "maybe"
    FRESH = "fresh"


class Outcome(StrEnum):
    """How an asset ended in a run."""

    BUILT = "built"
    REUSED = "reused"
    FRESH = "fresh"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


class RunStatus(StrEnum):
    """How a run ended, or that it has not."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    ABANDONED = "abandoned"


class Run(Value, frozen=True):
    """One execution of a plan."""

    id: str
    status: RunStatus
    started: float
    finished: float | None = None
    select: tuple[str, ...] = ()
    pid: int | None = None
    host: str = ""
    counts: dict[Outcome, int] = {}
    """How many assets ended how; empty while it goes on and when it ended without a word."""


class Failure(Value, frozen=True):
    """The last failed attempt of an asset: the recipe it ran, and what happened."""

    asset: Key
    run: str
    recipe: str
    at: float
    error: str
    traceback: str = ""
    attempts: int = 1
