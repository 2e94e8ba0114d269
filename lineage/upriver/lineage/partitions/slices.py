"""Slices as they are recorded: segments of an artifact, and what the slices in them have read.

One materialization holds all slices of an asset. Nothing in its record grows with their number: what a slice has read
and what it holds stands in sorted tables, one a segment, in the store beside the rows; what many slices share of their
traces is told once, as their *basis*.
"""

from __future__ import annotations

from upriver.assets.model import Key, Value


class ArtifactRef(Value, frozen=True, array_like=True):
    """A reference to an artifact: the BLAKE3 of its bytes, the ending of its name, and how many bytes it has.

    Where the artifact lies is the store's business (``Store.locate``), so a record outlives any move of the store.
    """

    id: str
    suffix: str
    bytes: int


class Segment(Value, frozen=True, array_like=True):
    """Rows of neighbouring slices in one file, sorted by their keys, from *first* to *last*. *table* is the artifact
    that tells of its *slices* one by one.
    """

    first: str
    last: str
    slices: int
    rows: int
    artifact: ArtifactRef
    table: ArtifactRef


class BasisRead(Value, frozen=True, array_like=True):
    """What slices share of their reads of one upstream. *facts* is a digest of how it was read: columns, types, the
    mapping; *fingerprint* that of all that was read where every slice reads the same, else None.
    """

    upstream: Key
    facts: str
    fingerprint: str | None = None


class Basis(Value, frozen=True, array_like=True):
    """What slices that were made alike share of their traces. *cut* is a digest of how the asset is cut into slices,
    *algorithm* names the way fingerprints were computed. The other fields are those of a trace.
    """

    cut: str
    recipe: str
    binding: str
    engine: str
    algorithm: str
    environment: tuple[tuple[str, str], ...] = ()
    reads: tuple[BasisRead, ...] = ()


class SliceSet(Value, frozen=True):
    """The slices of one materialization. *left* is how many of those that were known then did not verify, *failed*
    which of them could not be made. *whole* names the operator for which the recipe was computed as a whole.
    """

    bases: tuple[Basis, ...]
    segments: tuple[Segment, ...]
    left: int = 0
    failed: tuple[str, ...] = ()
    whole: str | None = None

    @property
    def count(self) -> int:
        """How many slices there are."""
        return sum(one.slices for one in self.segments)

    @property
    def tables(self) -> tuple[ArtifactRef, ...]:
        """The artifacts that tell of the slices."""
        return tuple(dict.fromkeys(one.table for one in self.segments))


class SliceCounts(Value, frozen=True):
    """What a build has done with the slices of an asset: *made* were made, *unchanged* of them hold what they held;
    *left* of *count* are not as they should be. *ranges* are what was made, as first and last keys; *failed* are keys.
    """

    made: int
    unchanged: int
    left: int
    count: int
    ranges: tuple[tuple[str, str], ...] = ()
    failed: tuple[str, ...] = ()
    whole: str | None = None


class SliceStatus(Value, frozen=True):
    """One slice now. *state* is the word of a freshness, *rows* what was made last, *reason* its kind, what it is
    about, and a phrase.
    """

    key: str
    state: str
    rows: int | None = None
    reason: tuple[str, str, str] | None = None


class SliceRange(Value, frozen=True):
    """Neighbouring slices of one *state*, for one *reason*: *count* of them from *first* to *last*."""

    state: str
    first: str
    last: str
    count: int
    reason: tuple[str, str, str] | None = None


class SlicesStatus(Value, frozen=True):
    """The slices of one asset now, cut *by* columns: how many there are in each state, and where."""

    asset: Key
    by: tuple[str, ...]
    count: int
    fresh: int = 0
    stale: int = 0
    missing: int = 0
    failed: int = 0
    pending: int = 0
    ranges: tuple[SliceRange, ...] = ()
    whole: str | None = None
    slices: tuple[SliceStatus, ...] = ()
    """Each of them, where that was asked for."""
