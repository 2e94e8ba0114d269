"""Slices decided: which of an asset's slices are what a build would make, and for what the others have to be made.

A slice is fresh when its basis is that of now and the part of each upstream that it reads has the fingerprint that it
had. The comparison is pure; what it needs of data comes from tables of fingerprints by key.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from upriver.assets.errors import StoreError
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.assets.partitions.calendar import expected_keys
from upriver.assets.partitions.model import Partitioning, joined
from upriver.lineage.model import Footprint, SliceRead, Slicing
from upriver.lineage.partitions.keys import KEPT, how_kept
from upriver.lineage.partitions.ranges import projected
from upriver.lineage.partitions.slices import Basis, BasisRead, Segment
from upriver.materializer.freshness.decide import EACH_BUILD, ISOLATION
from upriver.materializer.freshness.fingerprint import algorithm, covered
from upriver.materializer.freshness.grouped import GroupedFingerprints, Grouping, Sums, digest
from upriver.materializer.model import Cause, Materialization, Reason, Version
from upriver.materializer.ports import Store
from upriver.materializer.storage.locator import Locator
from upriver.materializer.storage.slice_table import DIGEST, Slice, decode

Fingerprints: TypeAlias = Callable[[Key, Version, Footprint], str]
Steady: TypeAlias = Callable[[Key, Version], bool]
"""Whether the files of a version still hold what they held when they were looked at."""


@dataclass(frozen=True)
class Recipe:
    """What all slices share: the asset, how it is cut and computed, and the fields of their traces."""

    node: Node
    partition: Partitioning
    slicing: Slicing
    footprints: Mapping[Key, Footprint]
    recipe: str
    binding: str
    engine: str
    environment: tuple[tuple[str, str], ...]

    @property
    def since(self) -> Mapping[str, str]:
        """The first days of what is kept, by column."""
        return {name.removeprefix(KEPT): day for name, day in self.environment if name.startswith(KEPT)}


@dataclass(frozen=True)
class Recorded:
    """The slices of an earlier materialization, by key."""

    record: Materialization
    slices: Mapping[str, Slice]

    @property
    def bases(self) -> tuple[Basis, ...]:
        """What they share."""
        return self.record.slices.bases if self.record.slices is not None else ()

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Where their rows are."""
        return self.record.slices.segments if self.record.slices is not None else ()


@dataclass(frozen=True)
class SlicePlan:
    """All slices decided. *keys* are those that there are now, sorted; *reads* what each has read, as digests; *stale*
    those that have to be made, each with its reason; *gone* the recorded ones that are none any more.

    Where the recipe is computed as a whole, which slices there are is known only when it was: *keys* are the recorded.
    *tables* are the fingerprints by key of the upstreams that are read slice by slice.
    """

    recipe: Recipe
    basis: Basis
    keys: tuple[str, ...]
    reads: Mapping[str, bytes]
    stale: Mapping[str, Reason]
    gone: tuple[str, ...]
    base: Recorded | None
    tables: Mapping[Key, Mapping[str, Sums]]

    @property
    def whole(self) -> str | None:
        """The operator for which it is computed as a whole."""
        return self.recipe.slicing.whole

    @property
    def fresh(self) -> int:
        """How many slices are as they should be."""
        return len(self.keys) - len(self.stale)


def cut_of(partition: Partitioning, types: Sequence[str]) -> str:
    """A digest of how an asset is cut: slices of another cut can't be compared."""
    bare = [msgspec.structs.replace(one, place=None, keep=None) for one in partition.dimensions]
    return hashlib.blake2b(msgspec.json.encode([bare, list(types)]), digest_size=16).hexdigest()


def recorded(record: Materialization | None, locator: Locator, store: Store) -> Recorded | None:
    """The slices of *record*; None when it has none, or when not all of it is there and sound."""
    if record is None or record.slices is None or not locator.there(record.version):
        return None
    tables = record.slices.tables
    if store.exists_many(tables) != {*tables} or store.damaged(record.artifacts):
        return None
    slices: dict[str, Slice] = {}
    for ref in tables:
        try:
            slices.update((one.key, one) for one in decode(Path(store.locate(ref)).read_bytes()))
        except (OSError, ValueError):
            return None
    return Recorded(record, slices)


def basis_of(recipe: Recipe, versions: Mapping[Key, Version], whole: Mapping[Key, str]) -> Basis:
    """What slices made now would share. *whole* are the fingerprints of what every slice reads all of."""
    reads = {one.upstream: one for one in recipe.slicing.reads}
    return Basis(
        cut_of(recipe.partition, recipe.slicing.types),
        recipe.recipe,
        recipe.binding,
        recipe.engine,
        algorithm(),
        tuple(one for one in recipe.environment if one[0] != ISOLATION and not one[0].startswith(KEPT)),
        tuple(
            BasisRead(key, _facts(versions[key], footprint, reads.get(key)), whole.get(key))
            for key, footprint in sorted(recipe.footprints.items())
        ),
    )


def _facts(version: Version, footprint: Footprint, read: SliceRead | None) -> str:
    facts = [
        [column.facts for column in covered(version.schema, footprint)],
        [footprint.columns is None, footprint.predicate, footprint.ordered],
        list(read.expressions) if read is not None else None,
    ]
    return hashlib.blake2b(msgspec.json.encode(facts), digest_size=12).hexdigest()


def decided(
    recipe: Recipe,
    basis: Basis,
    base: Recorded | None,
    tables: Mapping[Key, Mapping[str, Sums]],
    carried: Sequence[Mapping[str, Sums]],
) -> SlicePlan:
    """Compare what slices have read with what they would read now. *tables* are the fingerprints by key of the
    upstreams that are restricted, *carried* those of the reads that tell which slices there are.
    """
    recorded_slices = base.slices if base is not None else {}
    if recipe.slicing.whole is not None:
        keys = _kept(recipe, {*recorded_slices, *expected(recipe.partition)})
        reads = dict.fromkeys(keys, b"")
    else:
        keys = _kept(recipe, {*expected(recipe.partition), *(key for table in carried for key in table)})
        reads = _reads(recipe, keys, tables)
    if recipe.since:  # of a slice that is kept in part, the day counts
        limit = hashlib.blake2b(repr(sorted(recipe.since.items())).encode(), digest_size=DIGEST).digest()
        partly = [key for key in keys if how_kept(recipe.partition.dimensions, key, recipe.since) is None]
        reads |= {key: reads[key] + limit for key in partly}
    stale: dict[str, Reason] = {}
    alike = [one == basis for one in base.bases] if base is not None else []
    volatile = any(value == EACH_BUILD for _, value in basis.environment)
    reasons: dict[int, Reason] = {}
    for key in keys:
        one = recorded_slices.get(key)
        if one is None:
            stale[key] = Reason(Cause.MISSING, recipe.node.asset, detail="never built")
        elif not alike[one.basis]:
            assert base is not None
            if one.basis not in reasons:
                reasons[one.basis] = _differing(recipe.node.asset, base.bases[one.basis], basis)
            stale[key] = reasons[one.basis]
        elif volatile:
            stale[key] = Reason(Cause.VOLATILE, recipe.node.asset, detail="differs at every build")
        elif one.read != reads[key]:
            stale[key] = _changed(recipe, one.read, reads[key])
    gone = tuple(sorted(key for key in recorded_slices if key not in reads))
    return SlicePlan(recipe, basis, keys, reads, stale, gone, base, tables)


def _kept(recipe: Recipe, keys: Iterable[str]) -> tuple[str, ...]:
    """Those of *keys* of which something is kept, sorted."""
    if not recipe.since:
        return tuple(sorted(keys))
    dimensions = recipe.partition.dimensions
    return tuple(sorted(key for key in keys if how_kept(dimensions, key, recipe.since) is not False))


def _mapped(recipe: Recipe) -> list[SliceRead]:
    return [one for one in recipe.slicing.reads if not one.whole]


def _reads(recipe: Recipe, keys: Sequence[str], tables: Mapping[Key, Mapping[str, Sums]]) -> dict[str, bytes]:
    found = [b""] * len(keys)
    for read in _mapped(recipe):
        table = tables[read.upstream]
        digests = {key: digest(sums) for key, sums in table.items()}
        nothing = digest(None)
        at = [place for place, one in enumerate(read.expressions) if one is not None]
        if len(at) == len(read.expressions):
            found = [one + digests.get(key, nothing) for one, key in zip(found, keys, strict=True)]
        else:
            found = [
                one + digests.get(projected(key, at), nothing) for one, key in zip(found, keys, strict=True)
            ]
    return dict(zip(keys, found, strict=True))


def _changed(recipe: Recipe, then: bytes, now: bytes) -> Reason:
    mapped, width = _mapped(recipe), DIGEST
    for at, read in enumerate(mapped):
        if then[at * width : (at + 1) * width] != now[at * width : (at + 1) * width]:
            columns = recipe.footprints[read.upstream].columns or ()
            return Reason(Cause.DATA, read.upstream, columns, "what the slice reads changed")
    return Reason(Cause.ENVIRONMENT, recipe.node.asset, detail="less of it is kept now")


def _differing(asset: Key, then: Basis, now: Basis) -> Reason:
    """What of the things that slices share is another now."""
    if then.cut != now.cut:
        return Reason(
            Cause.SCHEMA, asset, detail="it is cut into slices otherwise, or its key has another type"
        )
    if then.recipe != now.recipe:
        return Reason(Cause.RECIPE, asset, detail="its code changed")
    if then.engine != now.engine:
        return Reason(Cause.ENGINE, asset, detail=f"computed by {then.engine}, now {now.engine}")
    if then.environment != now.environment:
        changed = sorted({name for name, _ in {*then.environment} ^ {*now.environment}})
        return Reason(Cause.ENVIRONMENT, asset, detail=f"{', '.join(changed)} changed")
    before = {one.upstream: one for one in then.reads}
    for one in now.reads:
        if (earlier := before.get(one.upstream)) is None:
            return Reason(Cause.RECIPE, asset, detail=f"now reads {one.upstream}")
        if earlier.facts != one.facts:
            return Reason(Cause.SCHEMA, one.upstream, detail="what is read of it changed")
        if earlier.fingerprint != one.fingerprint:
            return Reason(Cause.DATA, one.upstream, detail="every slice reads all of it")
    if then.binding != now.binding:
        return Reason(Cause.SCHEMA, asset, detail="its query means something else now")
    return Reason(Cause.SCHEMA, asset, detail="fingerprints are computed otherwise now")


def expected(partition: Partitioning) -> list[str]:
    """The keys that must be there, whatever the data."""
    each = [list(expected_keys(one)) for one in partition.dimensions]
    return [joined(parts) for parts in itertools.product(*each)] if all(each) else []


class DecidesSlices:
    """Gathers what :func:`decided` compares. *fingerprint* gives that of all that a footprint covers of a version."""

    def __init__(
        self,
        grouped: GroupedFingerprints,
        locator: Locator,
        store: Store,
        whole: Fingerprints,
        steady: Steady,
    ) -> None:
        self._grouped = grouped
        self._locator = locator
        self._store = store
        self._whole = whole
        self._steady = steady

    def plan(
        self, recipe: Recipe, versions: Mapping[Key, Version], bases: Sequence[Materialization]
    ) -> SlicePlan:
        """Every slice of *recipe* decided. *bases* are materializations to take slices of, the best first. Raises
        StoreError when an upstream can't be read.
        """
        reads = {one.upstream: one for one in recipe.slicing.reads}
        everything = {
            key: self._whole(key, versions[key], footprint)
            for key, footprint in recipe.footprints.items()
            if recipe.slicing.whole is not None or key not in reads or reads[key].whole
        }
        basis = basis_of(recipe, versions, everything)
        tables: dict[Key, Mapping[str, Sums]] = {}
        carried: list[Mapping[str, Sums]] = []
        if recipe.slicing.whole is None:
            for read in _mapped(recipe):
                tables[read.upstream] = self._table(recipe, read, versions[read.upstream])
            for read in recipe.slicing.carriers:
                same = reads[read.upstream].expressions == read.expressions
                table = tables[read.upstream] if same else self._table(recipe, read, versions[read.upstream])
                carried.append(table)
        base = next(
            (found for one in bases if (found := recorded(one, self._locator, self._store)) is not None), None
        )
        return decided(recipe, basis, base, tables, carried)

    def _table(self, recipe: Recipe, read: SliceRead, version: Version) -> Mapping[str, Sums]:
        if damaged := self._store.damaged(version.artifacts):
            raise StoreError(f"the artifact {damaged[0].place} of {read.upstream} is damaged")
        located = self._locator.located(version)
        by = Grouping.of(read, recipe.partition.dimensions, recipe.slicing.types)
        parts = [(ref.id, file) for ref, file in zip(version.artifacts, located.files, strict=False)]
        found = self._grouped.table(
            located,
            recipe.footprints[read.upstream],
            by,
            parts=parts,
            keep=lambda: self._steady(read.upstream, version),
        )
        if not self._steady(read.upstream, version):
            raise StoreError(f"{read.upstream} was changed while it was being read; build again")
        return found
