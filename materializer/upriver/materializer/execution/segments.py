"""Segments: an artifact's rows in files of neighbouring slices, of which only those with changed slices are written.

A file holds whole slices, sorted by slice, of about :data:`TARGET` bytes: small slices share files, so that a day is
found in one row group, and no view lists more than :data:`MOST` files. When some of its slices are made again a file
is written again with the others' rows copied, so that every row of every file of an artifact counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from upriver.assets.model import Schema
from upriver.lineage.partitions.ranges import runs, within
from upriver.lineage.partitions.slices import ArtifactRef, Segment
from upriver.lineage.sql.names import quote
from upriver.materializer.engines.types import from_stored
from upriver.materializer.ports import Engine, Staged, Store
from upriver.materializer.storage.slice_table import SUFFIX, Slice, encode

TARGET = 16 << 20
"""Bytes of a file, about. Twice that is split."""

MOST = 400
"""Files of an artifact, about; the larger it is, the larger are they."""


class Batch(NamedTuple):
    """The rows of some slices that were made, in one file, sorted by key; how many bytes it has."""

    path: Path
    bytes: int


@dataclass
class _Group:
    """A segment in the making: the file that it had, and its slices now."""

    before: Segment | None
    slices: list[Slice] = field(default_factory=list)
    dirty: bool = False


@dataclass(frozen=True)
class Assembled:
    """The segments of an artifact, and the files of them that were written."""

    segments: tuple[Segment, ...]
    staged: tuple[Staged, ...]


class Assembler:
    """Writes segments of one asset: its columns are *schema*, *key* is the SQL for the key of a row over them, and
    *order* what its rows are sorted by.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        schema: Schema,
        key: str,
        order: str,
        locate: Callable[[ArtifactRef], str],
    ) -> None:
        self._engine = engine
        self._store = store
        self._schema = schema
        self._key = key
        self._order = order
        self._locate = locate
        self._staged: list[Staged] = []
        self._rows_somewhere: list[str] = []

    def assemble(
        self,
        slices: Sequence[Slice],
        rewritten: Mapping[str, bool],
        before: Sequence[Segment],
        batches: Sequence[Batch],
        *,
        exact: bool = False,
    ) -> Assembled:
        """The segments of *slices*, which are all there are, sorted.

        *rewritten* are the keys whose rows are in *batches* or that are gone, those of *before* do not count. Segments
        of *before* in which nothing is rewritten stay what they are. *exact* says that nothing else is in *batches*.
        """
        self._rows_somewhere = [str(one.path) for one in batches] or [
            self._locate(one.artifact) for one in before
        ]
        groups = self._grouped(slices, rewritten, before)
        segments: list[Segment] = []
        for group in groups:
            alone = exact and len(groups) == len(batches) == 1 and group.before is None
            segments += self._written(group, rewritten, batches, alone=alone)
        return Assembled(tuple(segments), tuple(self._staged))

    @staticmethod
    def _grouped(
        slices: Sequence[Slice], rewritten: Mapping[str, bool], before: Sequence[Segment]
    ) -> list[_Group]:
        kept = [one for one in before if one.slices]
        groups = [_Group(one) for one in kept] or [_Group(None, dirty=True)]
        starts = [one.first for one in kept[1:]]

        def place(key: str, at: int) -> int:
            while at < len(starts) and key >= starts[at]:
                at += 1
            return at

        at = 0
        for one in slices:
            at = place(one.key, at)
            groups[at].slices.append(one)
        at = 0
        for key in sorted(key for key, rows in rewritten.items() if rows):
            at = place(key, at)
            groups[at].dirty = True
        left = [group for group in groups if group.slices]
        return left or [_Group(None, dirty=True)]

    def _written(
        self, group: _Group, rewritten: Mapping[str, bool], batches: Sequence[Batch], *, alone: bool
    ) -> list[Segment]:
        if not group.dirty and group.before is not None:
            return [self._told(group.slices, group.before.artifact, group.before)]
        if alone and batches[0].bytes <= 2 * TARGET:
            staged = self._store.stage(batches[0].path, ".parquet")
            self._staged.append(staged)
            return [self._told(group.slices, staged.ref)]
        return [
            self._told(part, self._write(group, part, rewritten, batches, whole=whole))
            for part, whole in _parted(group, batches)
        ]

    def _write(
        self,
        group: _Group,
        part: Sequence[Slice],
        rewritten: Mapping[str, bool],
        batches: Sequence[Batch],
        *,
        whole: bool,
    ) -> ArtifactRef:
        """The rows of *part*: from the file before, and from batches."""
        key = self._key
        keys = [one.key for one in part]
        inside = "true" if whole else within(key, [(keys[0], keys[-1])])
        queries = []
        if group.before is not None:
            old = from_stored((self._locate(group.before.artifact),), self._schema)
            known = sorted({*keys, *rewritten})
            out = within(key, runs(known, [one for one in known if one in rewritten]))
            queries.append(f"select * from ({old}) where not {out} and {inside}")
        fresh = [one for one in keys if one in rewritten]
        if batches and fresh:
            new = from_stored(tuple(str(one.path) for one in batches), self._schema)
            queries.append(f"select * from ({new}) where {within(key, runs(keys, fresh))}")
        columns = ", ".join(quote(column.name) for column in self._schema)
        if not queries:
            nothing = from_stored(tuple(self._rows_somewhere), self._schema)
            queries.append(f"select * from ({nothing}) where false")
        query = f"select {columns} from ({' union all '.join(queries)}) order by {self._order}"
        path = self._store.reserve(".parquet")
        self._engine.write(query, path, self._schema)
        staged = self._store.stage(path, ".parquet")
        self._staged.append(staged)
        return staged.ref

    def _told(self, slices: Sequence[Slice], artifact: ArtifactRef, before: Segment | None = None) -> Segment:
        path = self._store.reserve(SUFFIX)
        path.write_bytes(encode(slices))
        staged = self._store.stage(path, SUFFIX)
        first, last = (slices[0].key, slices[-1].key) if slices else ("", "")
        rows = sum(one.rows for one in slices)
        if before is None or before.table != staged.ref:
            self._staged.append(staged)
        else:
            Path(staged.path).unlink(missing_ok=True)
        return Segment(first, last, len(slices), rows, artifact, staged.ref)


def _parted(group: _Group, batches: Sequence[Batch]) -> list[tuple[list[Slice], bool]]:
    """The slices of one file, or of several where they are too much for one."""
    size = sum(one.bytes for one in batches) + (group.before.artifact.bytes if group.before else 0)
    rows = max(1, sum(one.rows for one in group.slices))
    target = max(TARGET, size // MOST)
    if size <= 2 * target:
        return [(group.slices, True)]
    parts: list[list[Slice]] = [[]]
    taken = 0.0
    for one in group.slices:
        if parts[-1] and taken >= target:
            parts.append([])
            taken = 0.0
        parts[-1].append(one)
        taken += size * one.rows / rows
    return [(part, len(parts) == 1) for part in parts]
