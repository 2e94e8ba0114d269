"""Records and decisions of the materializer, as frozen values."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from upriver.assets.identity import Node, PartitionKey
from upriver.assets.model import Key, Place, Schema, Severity, Value
from upriver.lineage.model import Footprint
from upriver.lineage.partitions.slices import ArtifactRef as ArtifactRef
from upriver.lineage.partitions.slices import SliceSet


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
    bytes, for sources a digest of the bytes, or of the stamps of files that are read in place). *artifacts* hold the
    rows, in order (one opaque artifact for a file asset). A source that is read where it lies has none: *in_place*
    are its files, relative to the project; their stamps are in its :class:`SourceRecord`.
    """

    id: str
    schema: Schema
    rows: int | None
    bytes: int
    artifacts: tuple[ArtifactRef, ...] = ()
    in_place: tuple[str, ...] = ()


class Located(Value, frozen=True):
    """A version whose files were found for reading it now. Never recorded: *files* are absolute paths."""

    id: str
    schema: Schema
    rows: int | None
    bytes: int
    files: tuple[str, ...]


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
    partition: PartitionKey | None = None

    @property
    def node(self) -> Node:
        """The upstream node that was read."""
        return Node(self.upstream, self.partition)


PYTHON = "python"
"""The identity of what computes Python recipes: their interpreter and libraries are external inputs of the trace."""


class Trace(Value, frozen=True):
    """All that one materialization depended on.

    *recipe* is the recipe fingerprint, *binding* the analysis's digest. *environment* are ``(name, digest or
    value)`` pairs of what was read from outside the data: environment variables (as digests: they may be
    secret), project variables, ``current_date``. *engine* is the identity of what computed it; records of before that
    was written down have none: DuckDB ran every query then (see :meth:`computed_by`). *left* is how many slices of a
    partitioned asset were not as they should be, *tolerated* are upstreams that lacked slices which had failed.
    """

    recipe: str
    binding: str
    reads: tuple[Read, ...]
    environment: tuple[tuple[str, str], ...] = ()
    engine: str = ""
    left: int = 0
    tolerated: tuple[Key, ...] = ()

    def computed_by(self, *, python: bool) -> str:
        """The identity of what computed it, also of a record that does not tell; *python*: it was no query."""
        return self.engine or (PYTHON if python else "duckdb")


class Materialization(Value, frozen=True):
    """An immutable record of one artifact: what it was made from and what it holds.

    Times are seconds since the epoch, UTC. *partition* is None for an unpartitioned asset.
    """

    id: str
    asset: Key
    partition: PartitionKey | None
    run: str
    trace: Trace
    version: Version
    started: float
    finished: float
    engines: tuple[tuple[str, str], ...] = ()
    peak_memory: int | None = None
    input_bytes: int | None = None
    """The size of the upstreams' content that it was made from."""
    slices: SliceSet | None = None

    @property
    def artifacts(self) -> tuple[ArtifactRef, ...]:
        """All that it needs in the store: its rows, and the tables of its slices."""
        return (*self.version.artifacts, *(self.slices.tables if self.slices is not None else ()))

    @property
    def node(self) -> Node:
        """The node that it is of."""
        return Node(self.asset, self.partition)


TYPED = ("types", "2")
"""The mark in :attr:`Materialization.engines` of one whose schema tells Arrow's types: earlier ones don't."""


class State(StrEnum):
    """Freshness of an asset now."""

    FRESH = "fresh"
    STALE = "stale"
    PENDING = "pending"
    MISSING = "missing"
    FAILED = "failed"
    BLOCKED = "blocked"
    BROKEN = "broken"
    RUNNING = "running"


class Cause(StrEnum):
    """The kinds of reasons."""

    MISSING = "missing"
    RECIPE = "recipe"
    ENGINE = "engine"
    DATA = "data"
    SCHEMA = "schema"
    UPSTREAM = "upstream"
    VOLATILE = "volatile"
    ENVIRONMENT = "environment"
    FORCED = "forced"
    FAILED = "failed"
    UNBOUND = "unbound"
    BROKEN = "broken"
    SOURCE_MISSING = "source_missing"
    APPROVAL = "approval"
    """A person has not approved yet what it would be made from."""
    FALLBACK = "fallback"
    """It failed, or what it reads did, and something stands in for it."""
    PARTITION = "partition"
    """Slices of it are not built, or could not be. What is made of those, as far as that is tolerated, is TOLERATED."""
    TOLERATED = "tolerated"
    CHECK = "check"
    """A check of the asset has failed, or has not run on what is there now."""


class Trust(StrEnum):
    """How well it is known whether something that an asset reads has changed, the best first."""

    CONTENT = "content"
    VERSION = "version"
    TIME = "time"
    OBSERVED = "observed"
    DECLARED = "declared"


class TrustedEdge(Value, frozen=True):
    """One thing that an asset reads from outside, and how well it is known. *detail* says why."""

    source: str
    trust: Trust
    detail: str


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
    CHECK = "check"
    """The content stays; its checks are to be run on it, or have failed on it."""
    BLOCKED = "blocked"
    BROKEN = "broken"


class Outcome(StrEnum):
    """How an asset ended in a run."""

    BUILT = "built"
    REUSED = "reused"
    FRESH = "fresh"
    FAILED = "failed"
    BLOCKED = "blocked"
    BROKEN = "broken"
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
    environment: str = ""
    """The environment that it builds; empty for a run of before state version 2."""


class Failure(Value, frozen=True):
    """The last failed attempt of a node: the recipe it ran, and what happened.

    It is the last of *times* in a row of one cause, with this recipe on the same *inputs* (a digest of what was read).
    Of one that is *distrusted* nothing was tried: its materialization was forgotten, for the reason in *error*.
    """

    asset: Key
    run: str
    recipe: str
    at: float
    error: str
    traceback: str = ""
    attempts: int = 1
    partition: PartitionKey | None = None
    distrusted: bool = False
    times: int = 1
    inputs: str = ""

    @property
    def node(self) -> Node:
        """The node that failed."""
        return Node(self.asset, self.partition)


class Verdict(Value, frozen=True):
    """What one run of a check has found. It holds for as long as what was read is the same.

    *id* names what was read and the *rule* (a digest) that it was held against; *reads* are the ids of the versions,
    that of the asset itself first. *offenders* were found among *rows*; *newest*, of a freshness check, is the newest
    value in seconds since the epoch. *sample* is an artifact with the first of the offenders, *message* what a function
    says is wrong, *footprints* what it was seen to read, *environment* the variables that it could see, with digests.
    """

    id: str
    asset: Key
    check: str
    rule: str
    reads: tuple[tuple[Key, str], ...]
    rows: int
    offenders: int
    at: float
    run: str = ""
    seconds: float = 0.0
    newest: float | None = None
    sample: ArtifactRef | None = None
    message: str = ""
    footprints: tuple[tuple[Key, Footprint], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


class Acceptance(Value, frozen=True):
    """A recorded exception: what failed by the verdict *verdict* is published all the same, *because* of this."""

    asset: Key
    check: str
    verdict: str
    because: str
    at: float
    run: str


class Refusal(Value, frozen=True):
    """An artifact that was made and not published, because it failed *checks*."""

    materialization: Materialization
    checks: tuple[str, ...]
    at: float
    run: str

    @property
    def node(self) -> Node:
        """The node that it would have become."""
        return self.materialization.node


class CheckOutcome(StrEnum):
    """How a check stands."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    ACCEPTED = "accepted"
    """It failed, and that was accepted for this content."""
    ERROR = "error"
    """It could not be run: counts as failed."""
    DUE = "due"
    """It has not run on what is there now."""


class CheckResult(Value, frozen=True):
    """How one check stands on one content of its asset. *ran* is False where an earlier verdict holds.

    *at* is when it ran, in seconds since the epoch. *detail* says what was found, or why it is due; *because* why a
    failure was accepted.
    """

    asset: Key
    check: str
    outcome: CheckOutcome
    severity: Severity
    detail: str = ""
    offenders: int | None = None
    rows: int | None = None
    at: float | None = None
    seconds: float = 0.0
    ran: bool = False
    because: str | None = None
    place: Place | None = None

    @property
    def stops(self) -> bool:
        """Whether it keeps an artifact from being published."""
        bad = self.outcome in (CheckOutcome.FAILED, CheckOutcome.ERROR)
        return bad and self.severity is Severity.ERROR


class CheckReport(Value, frozen=True):
    """How the checks of a selection stand."""

    checks: tuple[CheckResult, ...]

    @property
    def failed(self) -> bool:
        """Whether one stands that keeps an artifact from being published."""
        return any(one.stops for one in self.checks)


class Refused(Value, frozen=True):
    """An artifact that was made in *run* and not published, its *id* for ``show --at``, the checks that it failed."""

    asset: Key
    id: str
    run: str
    at: float
    checks: tuple[str, ...]
