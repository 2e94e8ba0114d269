"""The part of the state port that goals stand on: what was observed when, what is paused, how long builds take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from upriver.assets.identity import Node
from upriver.assets.model import Key, Value


class Pause(Value, frozen=True):
    """The goals of an asset wait. *since* and *until* are seconds since the epoch; None: until they are resumed."""

    since: float
    until: float | None = None


class Backfill(Value, frozen=True):
    """A goal: the slices *partition* of the assets *select* verify. What is left of it is what does not.

    *at* is when it was asked for, in seconds since the epoch; *share* the part of the time that it may work. The counts
    are what was done for it so far; *seconds* the least and the most that a slice took.
    """

    id: str
    select: tuple[str, ...]
    partition: tuple[str, ...]
    at: float
    oldest_first: bool = False
    share: float = 1.0
    built: int = 0
    reused: int = 0
    unchanged: int = 0
    failed: int = 0
    seconds: tuple[float, float] | None = None


class GoalRecords(Protocol):
    """What goals need to have remembered. No lease is needed: it is true by whichever process it is written."""

    def observations(self, environment: str) -> Mapping[tuple[Key, str], float]:
        """When each version of a source was last seen, and each of an asset in *environment* was last current."""
        ...

    def remember_observations(self, environment: str, seen: Mapping[tuple[Key, str], float]) -> None:
        """Keep *seen*, by key and version id, in place of what was known; of each key only the latest versions."""
        ...

    def pauses(self, environment: str) -> Mapping[Key, Pause]:
        """The assets whose goals wait in *environment*."""
        ...

    def set_pauses(self, environment: str, pauses: Mapping[Key, Pause | None]) -> None:
        """Pause the goals of assets, or with None let them go on."""
        ...

    def duration_ranges(self, environment: str) -> Mapping[Node, tuple[float, float]]:
        """The least and the most seconds that each node's last few materializations took in *environment*."""
        ...

    def backfills(self, environment: str) -> tuple[Backfill, ...]:
        """The backfills that were asked for in *environment* and are not done, the oldest first."""
        ...

    def record_backfill(self, environment: str, goal: Backfill) -> None:
        """Keep *goal* in place of what was known of its id."""
        ...

    def forget_backfill(self, environment: str, id: str) -> None:
        """It is done, or not wanted any more."""
        ...
