"""Fingerprints by key: one pass over what is read of a version tells the fingerprint of each slice's part.

Rows and both lane sums (see :mod:`upriver.materializer.freshness.fingerprint`) are kept as they are, so that they add
up: over the segments of an artifact, over ranges of keys, over all. They are finished to a digest last. Tables are kept
on disk beside the project's other caches: by segment, or by the version of a source.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from upriver.assets.model import Schema
from upriver.assets.partitions.model import Dimension, joined
from upriver.assets.support import checksum
from upriver.lineage.model import Footprint, SliceRead
from upriver.lineage.partitions.keys import bucket, key_of_row, label
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.freshness.fingerprint import (
    algorithm,
    compared_floats,
    condition,
    covered,
    finish,
    lanes,
    numbered_relation,
    unreadable,
)
from upriver.materializer.model import Located
from upriver.materializer.ports import Engine
from upriver.materializer.storage.slice_table import DIGEST

MOST_TABLES = 400
"""So many tables are kept on disk; the oldest go first."""

Sums: TypeAlias = "tuple[int, int, int]"
"""Rows, and the sums of both lanes."""

_NONE: Sums = (0, 0, 0)


class Grouping(NamedTuple):
    """By what a table is grouped: some dimensions, the types of their columns, and expressions over what is read."""

    dimensions: tuple[Dimension, ...]
    types: tuple[str, ...]
    expressions: tuple[str, ...]

    @staticmethod
    def of(read: SliceRead, dimensions: Sequence[Dimension], types: Sequence[str]) -> Grouping:
        """The dimensions in which *read* is restricted."""
        at = [place for place, one in enumerate(read.expressions) if one is not None]
        return Grouping(
            tuple(dimensions[place] for place in at),
            tuple(types[place] for place in at),
            tuple(str(read.expressions[place]) for place in at),
        )


def digest(sums: Sums | None) -> bytes:
    """What a slice has read, or holds, in few bytes."""
    rows, one, other = sums or _NONE
    return hashlib.blake2b(f"{rows} {one} {other}".encode(), digest_size=DIGEST).digest()


def total(table: Mapping[str, Sums]) -> Sums:
    """All slices together."""
    values = table.values()
    return sum(one[0] for one in values), sum(one[1] for one in values), sum(one[2] for one in values)


def whole_fingerprint(schema: Schema, footprint: Footprint, table: Mapping[str, Sums]) -> str:
    """The fingerprint of all that *footprint*, which is in no order, covers: as computed in one pass without keys."""
    sums = total(table)
    return finish(schema, footprint, sums if footprint.columns != () else sums[:1])


def grouped_sql(
    relation: str, schema: Schema, footprint: Footprint, by: Grouping, position: str = "file_row_number"
) -> str:
    """One statement that computes for each key: rows and the sums of both lanes.

    In order, rows are numbered within their slice: what happens in others does not move them.
    """
    where = f" where {condition(footprint.predicate)}" if footprint.predicate is not None else ""
    if floats := compared_floats(f"{footprint.predicate or ''} {' '.join(by.expressions)}", schema):
        opaque = ", ".join(f"if(random() < 2, {name}, null) as {name}" for name in floats)
        relation = f"(select * replace ({opaque}) from {relation})"
    if footprint.ordered and footprint.columns != ():
        key = key_of_row(by.dimensions, by.types, [f"({one})" for one in by.expressions])
        name, number = quote("upriver slice"), quote("upriver number in slice")
        inner = f"select *, {position} as {quote('upriver place')}, {key} as {name} from {relation}{where}"
        window = f"partition by {name} order by {quote('upriver place')}"
        numbered = f"select *, row_number() over ({window}) as {number} from ({inner})"
        sums = [f"sum(hash(hash({lane})))" for lane in lanes(schema, footprint, number)] or ["0", "0"]
        return f"select {name}, count(*), {', '.join(sums)} from ({numbered}) group by 1"
    names = [quote(f"upriver key {at}") for at in range(len(by.dimensions))]
    buckets = ", ".join(
        f"{bucket(one, type_, f'({expression})')} as {name}"
        for one, type_, expression, name in zip(by.dimensions, by.types, by.expressions, names, strict=True)
    )
    sums = [f"sum(hash(hash({lane})))" for lane in lanes(schema, footprint, position)] or ["0", "0"]
    inner = (
        f"select {buckets}, count(*) as n, {sums[0]} as a, {sums[1]} as b from {relation}{where} group by all"
    )
    parts = [
        f"({label(one, type_, name)})"
        for one, type_, name in zip(by.dimensions, by.types, names, strict=True)
    ]
    key = f" || {literal(joined(('', '')))} || ".join(parts)
    return f"select {key}, sum(n), sum(a), sum(b) from ({inner}) group by 1"


class GroupedFingerprints:
    """Computes tables of fingerprints by key, and keeps them below *folder*. Threads may share it."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine
        self._known: dict[str, dict[str, Sums]] = {}
        self._lock = threading.Lock()

    def table(
        self,
        version: Located,
        footprint: Footprint,
        by: Grouping,
        *,
        parts: Sequence[tuple[str, str]] = (),
        keep: Callable[[], bool] = lambda: True,
    ) -> dict[str, Sums]:
        """The sums of each key in *version*. *parts* are its artifacts, as (id, file), where it is more than one.

        A predicate that fails on the data counts as absent. Where *keep* says so then, it is remembered by the
        version's id. Raises StoreError when the files can't be read.
        """
        if len(parts) > 1 and not footprint.ordered:
            found: dict[str, Sums] = {}
            for id_, file in parts:
                one = Located(id_, version.schema, None, 0, (file,))
                for key, sums in self._one(one, footprint, by, keep).items():
                    before = found.get(key, _NONE)
                    found[key] = (before[0] + sums[0], before[1] + sums[1], before[2] + sums[2])
            return found
        return self._one(version, footprint, by, keep)

    def _one(
        self, version: Located, footprint: Footprint, by: Grouping, keep: Callable[[], bool]
    ) -> dict[str, Sums]:
        name = _name(version, footprint, by)
        with self._lock:
            known = self._known.get(name) or self._load(name)
            if known is not None:
                self._known[name] = known
                return known
        computed = self._compute(version, footprint, by)
        if keep():  # asked when the files have been read
            with self._lock:
                self._known[name] = computed
                self._write(name, computed)
        return computed

    def _compute(self, version: Located, footprint: Footprint, by: Grouping) -> dict[str, Sums]:
        import duckdb

        table, position = numbered_relation(version, footprint.ordered)
        cursor = self._engine.new_cursor()
        try:
            rows = cursor.execute(grouped_sql(table, version.schema, footprint, by, position)).fetchall()
        except duckdb.InterruptException:
            raise
        except (duckdb.DataError, duckdb.BinderException, duckdb.InvalidInputException) as error:
            if footprint.predicate is None:
                raise unreadable(version, error) from error
            return self._compute(version, Footprint(footprint.columns, None, footprint.ordered), by)
        except duckdb.Error as error:
            raise unreadable(version, error) from error
        finally:
            cursor.close()
        return {str(key): (int(count), int(one or 0), int(other or 0)) for key, count, one, other in rows}

    def _load(self, name: str) -> dict[str, Sums] | None:
        try:
            data = checksum.read((self._folder / name).read_bytes())
            keys, rows, ones, others = msgspec.msgpack.decode(
                data, type=tuple[list[str], list[int], list[str], list[str]]
            )
        except (OSError, ValueError):  # not there, or damaged: computed again
            return None
        return {
            key: (count, int(one, 16), int(other, 16))
            for key, count, one, other in zip(keys, rows, ones, others, strict=True)
        }

    def _write(self, name: str, table: Mapping[str, Sums]) -> None:
        keys = sorted(table)
        columns = (
            keys, [table[key][0] for key in keys],
            [f"{table[key][1]:x}" for key in keys], [f"{table[key][2]:x}" for key in keys],
        )  # fmt: skip
        with suppress(OSError):  # a cache: without it the next command computes it again
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = self._folder / f"{name}.{os.getpid()}.{threading.get_ident()}"
            draft.write_bytes(checksum.write(msgspec.msgpack.encode(columns)))
            draft.replace(self._folder / name)
            kept = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
            for path in kept[:-MOST_TABLES]:
                path.unlink(missing_ok=True)


def _name(version: Located, footprint: Footprint, by: Grouping) -> str:
    facts = [
        algorithm(),
        version.id,
        [column.facts for column in covered(version.schema, footprint)],
        [footprint.predicate, footprint.ordered, footprint.columns == ()],
        [msgspec.structs.replace(one, place=None, keep=None) for one in by.dimensions],
        by.types,
        by.expressions,
        [column.facts for column in version.schema],
    ]
    return hashlib.blake2b(msgspec.json.encode(facts), digest_size=20).hexdigest()
