"""Comparing what was read with what is there now, remembering every fingerprint ever computed."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from upriver.assets.errors import StoreError
from upriver.assets.model import Key, Schema
from upriver.lineage.model import Footprint
from upriver.materializer.context import Context
from upriver.materializer.freshness.decide import schema_from_text
from upriver.materializer.freshness.external_inputs import ExternalInputs
from upriver.materializer.freshness.fingerprint import Fingerprinter, algorithm
from upriver.materializer.model import ArtifactRef, Located, Read, Version
from upriver.materializer.ports import StateStore, Store
from upriver.materializer.storage.locator import Locator

_COUNT = Footprint((), None, ordered=False)


class ComputesFingerprints(Protocol):
    """One pass over a version for all the footprints asked for."""

    def compute(self, version: Located, footprints: Sequence[Footprint]) -> Mapping[Footprint, str]:
        """The fingerprint of each footprint's content. Raises StoreError when the files can't be read."""
        ...


class Binds(Protocol):
    """Binds a recipe against schemas."""

    def bindings(self, asset: Key, upstreams: Mapping[Key, Schema]) -> tuple[str, ...]:
        """The digests of what the recipe means there; none when that can't be told without running it."""
        ...

    def alias_equivalent(self, asset: Key, text: str, fingerprint: str) -> bool:
        """Whether the recipe differs from an earlier *text* of this *fingerprint* only in names of its tables."""
        ...


class _LazyBinder:
    """Binds with the analyzer of the moment (see :class:`Binds`)."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def bindings(self, asset: Key, upstreams: Mapping[Key, Schema]) -> tuple[str, ...]:
        """The digests of the bound recipe."""
        return self._context.analyzer().bindings(asset, upstreams)

    def alias_equivalent(self, asset: Key, text: str, fingerprint: str) -> bool:
        """Whether only names of tables differ."""
        return self._context.analyzer().alias_equivalent(asset, text, fingerprint)


def contents_of(context: Context) -> LiveContents:
    """Comparisons over the state as it is now."""
    fingerprints = Fingerprinter(lambda: context.engine().new_cursor())
    external = ExternalInputs(context.root, os.environ)
    return LiveContents(
        context.root, context.state, context.store, fingerprints, _LazyBinder(context), external
    )


class LiveContents:
    """The staleness decision's view of real data (see :class:`upriver.materializer.freshness.decide.Contents`).

    *expected* are the footprints that consumers are known to read of each upstream: when one of them has to
    be fingerprinted, all are, in the same pass.
    """

    def __init__(
        self,
        root: Path,
        state: StateStore,
        store: Store,
        fingerprints: ComputesFingerprints,
        binder: Binds,
        external: ExternalInputs,
    ) -> None:
        self._locator = Locator(root, store)
        self._state = state
        self._store = store
        self._compute = fingerprints
        self._binder = binder
        self._external = external
        self._known: dict[tuple[str, Footprint], str] = {}
        self._rows: dict[tuple[str, str | None], int | None] = {}
        self._unsaved: dict[tuple[str, Footprint], str] = {}
        self._loaded: set[str] = set()
        self._expected: defaultdict[Key, set[Footprint]] = defaultdict(set)
        self._announced: list[Iterable[Read]] = []
        self._steady: Callable[[Key, Version], bool] = lambda key, version: True
        self._lock = threading.RLock()

    def keep_while(self, steady: Callable[[Key, Version], bool]) -> None:
        """Remember fingerprints only of versions that are *steady*: their files hold what they held."""
        self._steady = steady

    def expect(self, reads: Iterable[Read]) -> None:
        """Tell which reads will be compared, so that one pass can serve them all. Gone through when first needed."""
        self._announced.append(reads)

    def _take_announced(self) -> None:
        while self._announced:
            for read in self._announced.pop():
                self._expected[read.upstream].add(read.footprint)

    def same(self, read: Read, now: Version) -> bool:
        """Whether what *read* covers is in *now* as it was. Anything that can't be compared counts as
        different.
        """
        if read.version == now.id:
            return True
        return self._same(read, now, read.footprint)

    def _same(self, read: Read, now: Version, footprint: Footprint) -> bool:
        if not now.schema:  # a file, not a table: only its bytes can be compared
            return False
        before = schema_from_text(read.schema)
        if not _comparable(footprint, before, now.schema):
            return False
        if self.row_change(read, now):
            return False  # found without going through all columns of the rows, of which there may be many
        then = self._then(read, footprint, before)
        if then is None:
            return False
        try:
            return then == self.fingerprint(read.upstream, now, footprint)
        except StoreError:
            return False  # its reader will fail, alone; the decision must not

    def changed_columns(self, read: Read, now: Version) -> tuple[str, ...]:
        """The columns read whose values differ as a bag; all of them when rows came or went."""
        names = read.footprint.columns
        if names is None or not now.schema:
            return names or ()
        if self.row_change(read, now) not in (None, 0):
            return names
        if self._only_order_changed(read, now):
            return ()
        one_by_one = {name: Footprint((name,), read.footprint.predicate, ordered=False) for name in names}
        changed = tuple(name for name, one in one_by_one.items() if not self._same(read, now, one))
        return changed or names

    def row_change(self, read: Read, now: Version) -> int | None:
        """How many rows more it reads now, those that its filter lets through; None when unknown."""
        counted = msgspec.structs.replace(_COUNT, predicate=read.footprint.predicate)
        then = self._rows_then(read, counted)
        if then is None:
            return None
        if counted == _COUNT:
            return None if now.rows is None else now.rows - then
        try:
            rows = _row_count(self.fingerprint(read.upstream, now, counted))
        except StoreError:  # told by its reader
            return None
        return None if rows is None else rows - then

    def _rows_then(self, read: Read, counted: Footprint) -> int | None:
        """How many rows it read, which every fingerprint over the same rows tells."""
        if read.fingerprint is not None:
            return _row_count(read.fingerprint.partition("|")[2])
        with self._lock:
            self._load(read.version)
            known = self._rows.get((read.version, counted.predicate))
        return (
            known
            if known is not None
            else _row_count(self._then(read, counted, schema_from_text(read.schema)))
        )

    def describe_change(self, read: Read, now: Version) -> str:
        """``+12,411 rows``, ``rows in another order`` or ``content changed``."""
        difference = self.row_change(read, now)
        if difference:
            return f"{difference:+,} row{'' if difference in (1, -1) else 's'}"
        return "rows in another order" if self._only_order_changed(read, now) else "content changed"

    def _only_order_changed(self, read: Read, now: Version) -> bool:
        """Of a read that differs: whether it holds the same rows."""
        footprint = msgspec.structs.replace(read.footprint, ordered=False)
        return read.footprint.ordered and self._same(read, now, footprint)

    def bindings(self, asset: Key, upstreams: Mapping[Key, Schema]) -> tuple[str, ...]:
        """See :class:`Binds`."""
        return self._binder.bindings(asset, upstreams)

    def alias_equivalent(self, asset: Key, recipe: str) -> bool:
        """See :class:`upriver.materializer.freshness.decide.Contents`."""
        match self._state.recipe_parts(recipe):
            case [query]:
                return self._binder.alias_equivalent(asset, query.source, recipe)
            case _:  # not known any more, or a function with what it reaches
                return False

    def external(self, name: str) -> str | None:
        """See :class:`upriver.materializer.freshness.external_inputs.ExternalInputs`."""
        return self._external.value(name)

    def forget_external(self) -> None:
        """See :meth:`upriver.materializer.freshness.external_inputs.ExternalInputs.forget`."""
        self._external.forget()

    def fingerprint(self, key: Key, version: Version | Located, footprint: Footprint) -> str:
        """The fingerprint of *footprint* in *version* of *key*, computed once ever."""
        return self.fingerprints(key, version, (footprint,))[footprint]

    def fingerprints(
        self, key: Key, version: Version | Located, asked: Iterable[Footprint]
    ) -> Mapping[Footprint, str]:
        """As :meth:`fingerprint`, for several footprints in one pass."""
        asked = tuple(asked)
        with self._lock:
            self._load(version.id)
            if any((version.id, footprint) not in self._known for footprint in asked):
                self._take_announced()
                names = {column.name for column in version.schema}
                together = set(asked)
                if any(
                    f.columns != () for f in asked
                ):  # to count takes next to nothing, and must not bring more about
                    together |= {f for f in self._expected[key] if set(f.columns or ()) <= names}
                todo = [f for f in together if (version.id, f) not in self._known]
                computed = self._compute.compute(self._located(version), todo)
                if isinstance(version, Version) and not self._steady(key, version):
                    # Files that are read in place were changed meanwhile: this may be another content's.
                    known = {f: self._known.get((version.id, f)) for f in asked}
                    return {f: known[f] or computed[f] for f in asked}
                self._remember(version.id, computed)
            return {footprint: self._known[version.id, footprint] for footprint in asked}

    def learn(self, key: Key, version: Version, footprint: Footprint, fingerprint: str) -> None:
        """Take it that *footprint* has this fingerprint in *version* of *key*: it was computed otherwise."""
        with self._lock:
            self._load(version.id)
            if self._steady(key, version):
                self._remember(version.id, {footprint: fingerprint})

    def steady(self, key: Key, version: Version) -> bool:
        """Whether the files of *version* hold what they held when they were looked at."""
        return self._steady(key, version)

    def _located(self, version: Version | Located) -> Located:
        """Its files. A fingerprint of damaged bytes would be remembered as that of the content: StoreError."""
        if isinstance(version, Version) and (damaged := self._store.damaged(version.artifacts)):
            raise StoreError(
                f"the artifact {damaged[0].place} is damaged\n  its bytes are not those that were written"
                "\n  hint: `upriver fsck --repair` sets it aside; the next build makes it again"
            )
        return version if isinstance(version, Located) else self._locator.located(version)

    def _then(self, read: Read, footprint: Footprint, schema: Schema) -> str | None:
        """The fingerprint of *footprint* in the version that *read* read, if it is known or can still be
        computed.
        """
        if read.fingerprint is not None and footprint == read.footprint:
            name, _, value = read.fingerprint.partition("|")
            if name == algorithm():
                return value
        with self._lock:
            self._load(read.version)
            known = self._known.get((read.version, footprint))
            artifact = ArtifactRef(read.version, ".parquet", 0)
            if known is None and _may_be_artifact(read.version) and self._store.exists_many([artifact]):
                version = Version(read.version, schema, None, 0, (artifact,))
                with suppress(StoreError):
                    known = self.fingerprint(read.upstream, version, footprint)
            return known

    def _load(self, version: str) -> None:
        if version not in self._loaded:
            self._take(self._state.fingerprints([version]))
            self._loaded.add(version)

    def preload(self, versions: Iterable[str]) -> None:
        """Fetch what is remembered about many versions at once."""
        with self._lock:
            missing = [version for version in dict.fromkeys(versions) if version not in self._loaded]
            if missing:
                self._take(self._state.fingerprints(missing))
                self._loaded.update(missing)

    def _remember(self, version: str, computed: Mapping[Footprint, str]) -> None:
        found = {(version, footprint): value for footprint, value in computed.items()}
        self._take(found)
        self._unsaved.update(found)

    def _take(self, found: Mapping[tuple[str, Footprint], str]) -> None:
        self._known.update(found)
        self._rows.update(
            ((version, footprint.predicate), _row_count(value))
            for (version, footprint), value in found.items()
        )

    def flush(self) -> None:
        """Keep what was computed for later commands."""
        with self._lock:
            if self._unsaved:
                self._state.remember_fingerprints(self._unsaved)
                self._unsaved = {}


def tagged(fingerprint: str) -> str:
    """A fingerprint as traces hold it: with the algorithm that it was computed by; others can't be compared with it."""
    return f"{algorithm()}|{fingerprint}"


def _comparable(footprint: Footprint, before: Schema, now: Schema) -> bool:
    """Whether the columns read exist in both with the same types."""
    if footprint.columns is None:
        return before == now
    types_before = {column.name: column.facts for column in before}
    types_now = {column.name: column.facts for column in now}
    return all(name in types_now and types_now[name] == types_before.get(name) for name in footprint.columns)


def _may_be_artifact(version: str) -> bool:
    """Whether the id of a version can be that of an artifact: 64 hexadecimal digits."""
    return len(version) == 64 and version.isalnum()


def _row_count(fingerprint: str | None) -> int | None:
    """Fingerprints begin with the number of rows."""
    if fingerprint is None:
        return None
    head, _, _ = fingerprint.partition(":")
    return int(head) if head.isdigit() else None
