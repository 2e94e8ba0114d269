"""The port of quality: what checks have found and what was decided on it; and the right to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from upriver.assets.identity import Node
from upriver.assets.model import Key, Value
from upriver.materializer.answers import ColumnProfile
from upriver.materializer.model import Acceptance, Refusal, Verdict


class Approval(Value, frozen=True):
    """A person has approved that *node* is made from the *inputs*, a digest of the versions that it would read.

    *by* is who the caller claims to be.
    """

    node: Node
    inputs: str
    at: float
    by: str
    note: str = ""


class Lease(Protocol):
    """The right to write, of one build or of what holds the whole: proven alive by a kernel lock and a heartbeat, and
    fenced by a token that is larger than all before.
    """

    token: int

    def release(self) -> None:
        """Give the right back. Safe to call twice."""
        ...


class KeptProfile(Value, frozen=True):
    """A content in numbers, by the id of its *version*. *asset* had it first at *at* (seconds since the epoch). Where
    it is *detailed*, its numbers have medians and histograms.
    """

    version: str
    asset: Key
    at: float
    rows: int
    columns: tuple[ColumnProfile, ...]
    detailed: bool = False


class QualityStore(Protocol):
    """What checks have found. Verdicts are facts, safe to lose; refusals and acceptances are decisions."""

    def verdicts(self, ids: Iterable[str]) -> Mapping[str, Verdict]:
        """The verdicts with these ids, as far as they are known."""
        ...

    def verdict_history(self, asset: Key, check: str, limit: int = 20) -> Sequence[Verdict]:
        """The verdicts of one check, newest first."""
        ...

    def samples(self) -> frozenset[str]:
        """The ids of the artifacts that hold offenders."""
        ...

    def remember_verdicts(self, verdicts: Mapping[str, Verdict]) -> None:
        """Keep verdicts, each under an id of what was read."""
        ...

    def profile(self, version: str) -> KeptProfile | None:
        """The profile of a content, if it was taken."""
        ...

    def profiles(self, asset: Key, limit: int = 50) -> Sequence[KeptProfile]:
        """The profiles of the contents that an asset had, newest first; also of those that were collected since."""
        ...

    def remember_profiles(self, profiles: Iterable[KeptProfile]) -> None:
        """Keep profiles; of each asset the newest few hundred."""
        ...

    def refusals(self, environment: str | None = None) -> Mapping[Node, Refusal]:
        """The artifacts that were made and not published, in *environment* or (None) in any."""
        ...

    def acceptances(self, environment: str) -> Mapping[str, Acceptance]:
        """The failures that were accepted in *environment*, by the id of the verdict."""
        ...

    def approvals(self, environment: str) -> Sequence[Approval]:
        """What was approved in *environment*, the latest first."""
        ...

    def approve(self, environment: str, approval: Approval) -> None:
        """Record that a person has approved what a node is made from. No lease is needed: a build will look."""
        ...

    def record_refusal(self, lease: Lease, environment: str, refusal: Refusal) -> None:
        """Remember that an artifact, which is recorded already, was not published."""
        ...

    def accept(self, lease: Lease, environment: str, acceptances: Iterable[Acceptance]) -> None:
        """Record exceptions: these failures don't stop their content in *environment*."""
        ...
