"""Answers of the session: values that the command line, JSON and the terminal UI render alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from upriver.assets.errors import Diagnosis, StoreError
from upriver.assets.identity import PartitionKey
from upriver.assets.model import Key, Place, Schema, Value
from upriver.lineage.model import EdgeKind
from upriver.lineage.partitions.slices import SliceCounts, SlicesStatus
from upriver.materializer.model import (
    Action,
    CheckResult,
    Outcome,
    Reason,
    Reasons,
    RunStatus,
    State,
    Trust,
    TrustedEdge,
)


class AssetStatus(Value, frozen=True):
    """Freshness of one asset or source now. *kind* is ``table``, ``file`` or ``source``.

    *seconds* is the usual duration of a build, *running_since* set while some process builds it. *diagnoses* say what
    is wrong with a broken one, *notes* what was noticed of a source, *observed_at* when its system was asked last.
    """

    asset: Key
    kind: str
    state: State
    reasons: Reasons = ()
    materialized_at: float | None = None
    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None
    upstreams: tuple[Key, ...] = ()
    downstreams: tuple[Key, ...] = ()
    tags: tuple[str, ...] = ()
    owner: str | None = None
    description: str = ""
    place: Place | None = None
    engine: str = ""  # "sql" | "python" | "source"
    error: str | None = None
    running_since: float | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()
    observed_at: float | None = None
    slices: SlicesStatus | None = None


class Accepted(Value, frozen=True):
    """A text source whose shape was taken as it is now. *changes* say what was another *before* (None: not known)."""

    source: Key
    before: Schema | None
    columns: Schema
    changes: tuple[str, ...]


class Step(Value, frozen=True):
    """What a build would do with one asset, and why. *seconds* are expected, *diagnoses* tell of a broken one."""

    asset: Key
    action: Action
    reasons: Reasons = ()
    seconds: float | None = None
    partition: PartitionKey | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    slices: SlicesStatus | None = None


class Plan(Value, frozen=True):
    """Steps in the order in which a build would start them. *critical_path* is the longest chain by duration."""

    steps: tuple[Step, ...]
    critical_path: tuple[Key, ...] = ()
    seconds: float | None = None

    @property
    def stale(self) -> bool:
        """Whether anything is not fresh."""
        return any(step.action is not Action.FRESH for step in self.steps)

    @property
    def broken(self) -> bool:
        """Whether anything can't be built because of what is declared."""
        return any(step.action is Action.BROKEN for step in self.steps)

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Everything that is wrong, once."""
        return tuple(dict.fromkeys(one for step in self.steps for one in step.diagnoses))


class AssetResult(Value, frozen=True, omit_defaults=True):
    """How one asset ended in a run. *changed* says whether its content differs from before."""

    asset: Key
    action: Outcome
    changed: bool = False
    reasons: Reasons = ()
    rows: int | None = None
    bytes: int | None = None
    seconds: float = 0.0
    error: str | None = None
    partition: PartitionKey | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    slices: SliceCounts | None = None


class BuildResult(Value, frozen=True):
    """How a run ended."""

    run_id: str
    status: RunStatus
    assets: tuple[AssetResult, ...]

    @property
    def broken(self) -> bool:
        """Whether anything could not be built because of what is declared."""
        return any(one.action is Outcome.BROKEN for one in self.assets)


class NotShownError(StoreError):
    """A build has ended, with *result*; only the database of views for other tools could not be written."""

    def __init__(self, message: str, result: BuildResult) -> None:
        super().__init__(message)
        self.result = result


class CodeDiff(Value, frozen=True):
    """What changed in one piece of a recipe's code: lines with their marks, as of ``difflib``'s unified form."""

    name: str
    place: Place | None
    lines: tuple[str, ...]


class AssetTrust(Value, frozen=True):
    """How well what an asset reads from outside is known: *trust* is the least of its *edges*, and None where the asset
    was not built.
    """

    asset: Key
    trust: Trust | None
    edges: tuple[TrustedEdge, ...] = ()


class Link(Value, frozen=True):
    """One step of a chain of causes: *asset* is in *state* because of *reasons*, *depth* hops from the asked one."""

    asset: Key
    depth: int
    state: State
    reasons: Reasons
    diffs: tuple[CodeDiff, ...] = ()
    root: bool = False
    """True when the cause lies here: own code changed, new data in a source, a failure, never built."""
    diagnoses: tuple[Diagnosis, ...] = ()


class Explanation(Value, frozen=True):
    """Why an asset is in its state: the chain to every root cause, and what was ruled out. *diagnoses* say what is
    wrong with a broken one.
    """

    asset: Key
    state: State
    reasons: Reasons
    chain: tuple[Link, ...]
    ruled_out: tuple[str, ...] = ()
    rebuild: tuple[Step, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    edges: tuple[TrustedEdge, ...] = ()
    """What it reads from outside that is known less than by its content."""


class ColumnNode(Value, frozen=True):
    """A column (or, with *column* None, a whole asset) in a lineage view. *expression* makes a column into which no
    values flow, such as a count.
    """

    asset: Key
    column: str | None = None
    type: str | None = None
    kind: str = "table"
    expression: str | None = None


class ViewEdge(Value, frozen=True):
    """One edge of a lineage view. *how* and *expression* as in ColumnEdge; at asset level *kind* is VALUE."""

    source: ColumnNode
    target: ColumnNode
    kind: EdgeKind
    how: str = "copy"
    expression: str | None = None


class OpaqueNote(Value, frozen=True):
    """An asset whose columns are not understood, and why."""

    asset: Key
    cause: str


class ViewGroup(Value, frozen=True):
    """Edges from each of *sources* to each of *targets*; the other fields are those of ViewEdge."""

    sources: tuple[ColumnNode, ...]
    targets: tuple[ColumnNode, ...]
    kind: EdgeKind
    how: str = "copy"
    expression: str | None = None


class LineageView(Value, frozen=True):
    """A piece of the lineage graph around *focus*. A large one has far fewer *groups* than edges."""

    focus: ColumnNode
    nodes: tuple[ColumnNode, ...]
    groups: tuple[ViewGroup, ...]
    opaque: tuple[OpaqueNote, ...] = ()

    @property
    def edges(self) -> tuple[ViewEdge, ...]:
        """The edges one by one, those of one target together."""
        return tuple(self.each_edge())

    def each_edge(self) -> Iterator[ViewEdge]:
        """As :attr:`edges`, without holding them all: of a large graph there are millions."""
        into: dict[ColumnNode, list[ViewGroup]] = {}
        for group in self.groups:
            for target in group.targets:
                into.setdefault(target, []).append(group)
        for target, groups in into.items():
            for group in groups:
                for source in group.sources:
                    yield ViewEdge(source, target, group.kind, group.how, group.expression)


class Table(Value, frozen=True):
    """Rows to show. *types* are DuckDB's. *total* is the number of rows of the whole when it is known."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None = None


class ColumnProfile(Value, frozen=True):
    """One column in numbers. *low*, *high*, *middle* are rendered; *histogram* counts rows in equal-width bins."""

    name: str
    type: str
    nulls: int
    distinct: int
    low: str | None = None
    high: str | None = None
    middle: str | None = None
    histogram: tuple[int, ...] = ()
    description: str = ""


class Profile(Value, frozen=True):
    """An asset in numbers."""

    asset: Key
    rows: int
    bytes: int
    schema: Schema
    columns: tuple[ColumnProfile, ...]


SIGN = "±"
"""The first column of rows that differ: ``+`` for what is there only now, ``-`` for what was there only before."""


class Comparison(Value, frozen=True):
    """An asset now against an earlier materialization of it (*before* is its id).

    *added* rows are only there now, *removed* ones were only there before; a changed row is one of each. Only the
    columns that both have are compared. *retyped_columns* are (name, type before, type now).
    """

    asset: Key
    before: str
    before_run: str
    before_at: float
    before_rows: int | None
    rows: int | None
    added: int
    removed: int
    new_columns: tuple[str, ...] = ()
    lost_columns: tuple[str, ...] = ()
    retyped_columns: tuple[tuple[str, str, str], ...] = ()


class HistoryEntry(Value, frozen=True):
    """One materialization, for listing."""

    id: str
    asset: Key
    run: str
    materialized_at: float
    seconds: float
    rows: int | None
    bytes: int
    version: str
    current: bool


class RunEntry(Value, frozen=True):
    """One run, for listing. *counts* says how many assets ended how, *assets* (of :meth:`Session.run`) which."""

    id: str
    status: RunStatus
    started: float
    finished: float | None
    select: tuple[str, ...]
    assets: tuple[AssetResult, ...] = ()
    counts: dict[Outcome, int] = {}

    def tally(self) -> dict[Outcome, int]:
        """How many assets ended how, as far as it is known, in the order of the outcomes."""
        known = self.counts or Counter(result.action for result in self.assets)
        return {outcome: known[outcome] for outcome in Outcome if known.get(outcome)}


class LogLine(Value, frozen=True):
    """A line of captured output."""

    asset: Key
    attempt: int
    stream: str
    text: str
    at: float | None = None


class Impact(Value, frozen=True):
    """A change of columns downstream. *effect* is ``breaks`` or ``changes``, *place* where, if it is known."""

    asset: Key
    column: str | None
    effect: str
    because: Reason
    place: Place | None = None


Impacts: TypeAlias = tuple[Impact, ...]


class EnvironmentEntry(Value, frozen=True):
    """One environment, for listing. *nodes* is how much it points at, *running* are the runs that build it now."""

    name: str
    default: bool
    declared: bool
    nodes: int
    running: tuple[str, ...] = ()
