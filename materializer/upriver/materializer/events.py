"""Events of a run, as values. The run emits them; the log file keeps them; every face renders them.

Events are written one JSON object a line to ``.upriver/runs/<run>/events.jsonl``, so that another process
can follow a run live and any past run can be replayed.
"""

from __future__ import annotations

from typing import TypeAlias

from upriver.assets.identity import Node, PartitionKey
from upriver.assets.model import Key, Value
from upriver.materializer.answers import AssetResult
from upriver.materializer.model import Reasons, RunStatus


class RunStarted(Value, frozen=True, tag="run_started"):
    """The plan is made. *assets* are all in the closure, in topological order; *jobs* the parallel slots.

    *expected* are seconds by asset, from earlier materializations, for those planned to build.
    """

    at: float
    run: str
    assets: tuple[Key, ...]
    jobs: int
    expected: tuple[tuple[Key, float], ...] = ()
    select: tuple[str, ...] = ()


class AssetStarted(Value, frozen=True, tag="asset_started"):
    """An attempt begins, in slot *worker* (from 1)."""

    at: float
    asset: Key
    attempt: int
    worker: int
    reasons: Reasons
    partition: PartitionKey | None = None

    @property
    def node(self) -> Node:
        """The node that it is about."""
        return Node(self.asset, self.partition)


class AssetProgress(Value, frozen=True, tag="asset_progress"):
    """How far an attempt is: *fraction* 0..1 when the engine knows it, *memory* resident bytes of its
    process.
    """

    at: float
    asset: Key
    fraction: float | None = None
    memory: int | None = None
    partition: PartitionKey | None = None

    @property
    def node(self) -> Node:
        """The node that it is about."""
        return Node(self.asset, self.partition)


class AssetOutput(Value, frozen=True, tag="asset_output"):
    """A line that the recipe printed or logged."""

    at: float
    asset: Key
    attempt: int
    stream: str  # "stdout" | "stderr" | "warning" | "traceback" | "upriver"
    text: str
    partition: PartitionKey | None = None

    @property
    def node(self) -> Node:
        """The node that it is about."""
        return Node(self.asset, self.partition)


class AssetRetrying(Value, frozen=True, tag="asset_retrying"):
    """An attempt failed and another follows after *wait* seconds."""

    at: float
    asset: Key
    attempt: int
    wait: float
    error: str
    partition: PartitionKey | None = None

    @property
    def node(self) -> Node:
        """The node that it is about."""
        return Node(self.asset, self.partition)


class AssetFinished(Value, frozen=True, tag="asset_finished"):
    """An asset has its outcome: *result*, as the run tells it at its end."""

    at: float
    result: AssetResult

    @property
    def asset(self) -> Key:
        """The key of the asset."""
        return self.result.asset

    @property
    def node(self) -> Node:
        """The node that it is about."""
        return Node(self.result.asset, self.result.partition)


class RunFinished(Value, frozen=True, tag="run_finished"):
    """The run is over and everything it made is durable."""

    at: float
    run: str
    status: RunStatus


Event: TypeAlias = (
    RunStarted | AssetStarted | AssetProgress | AssetOutput | AssetRetrying | AssetFinished | RunFinished
)
