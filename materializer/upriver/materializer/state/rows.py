"""Rows of the state database: how values become them, within a transaction that the caller holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import apsw
import msgspec

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.identity import Node
from upriver.assets.support import checksum
from upriver.materializer.model import Materialization
from upriver.materializer.ports import Damaged, Lease, Pointer, Seen
from upriver.materializer.state.database import REBUILD_HINT

_T = TypeVar("_T")
_REMEMBERED_DURATIONS = 5


def encode(value: object) -> bytes:
    """A value as a *body* column holds it: JSON behind its checksum, so that a flipped bit is noticed."""
    return checksum.write(msgspec.json.encode(value))


def columns(one: Materialization) -> tuple[str | int | float, ...]:
    """What is kept of *one* outside of its body, to be searched."""
    version = one.version
    return (
        one.id, one.asset, one.partition or "", one.trace.recipe, version.id, one.finished, version.bytes
    )  # fmt: skip


def insert_materializations(connection: apsw.Connection, made: Iterable[Materialization]) -> None:
    """Add records; one that is there already must be the same."""
    for one in made:
        row = (*columns(one), encode(one))
        try:
            connection.execute(
                "insert into materializations (id, asset, partition, recipe, artifact, finished, bytes, body)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        except apsw.ConstraintError as error:
            known = connection.execute("select body from materializations where id = ?", (one.id,)).fetchall()
            if not known or decode(known[0][0], Materialization) != one:
                raise StoreError(
                    f"materialization {one.id} is recorded already, with other content"
                ) from error


def point(connection: apsw.Connection, environment: str, pointers: Iterable[Pointer]) -> None:
    """Set pointers. Raises StoreError when one leads to a materialization that is not recorded."""
    for one in pointers:
        connection.execute(
            "insert or replace into pointers"
            " select ?, ?, ?, seq from materializations where id = ? and asset = ?",
            (environment, one.asset, one.partition, one.materialization, one.asset),
        )
        if connection.changes() == 0:
            raise StoreError(
                f"{one.asset} can't point at materialization {one.materialization}: it is not recorded"
                " (was it collected by `upriver gc`?)\n"
                "  Nothing was changed.\n"
                "  hint: build again; if it stays, `upriver fsck` tells whether the state is damaged"
            )


def drop(connection: apsw.Connection, ids: Iterable[str]) -> None:
    """Remove records and every pointer at them."""
    for one in ids:
        connection.execute(
            "delete from pointers where seq = (select seq from materializations where id = ?)", (one,)
        )
        connection.execute("delete from materializations where id = ?", (one,))


def columns_of(node: Node) -> tuple[str, str]:
    """A node as its two columns; the whole asset is the partition ''."""
    return node.asset, node.partition or ""


def still_so(connection: apsw.Connection, environment: str, node: Node, seen: Seen) -> bool:
    """Whether what a build has seen when it made *node* is what the state holds now."""
    pointer = connection.execute(
        "select m.id from pointers p join materializations m using (seq)"
        " where p.environment = ? and p.asset = ? and p.partition = ?",
        (environment, *columns_of(node)),
    ).fetchall()
    if (pointer[0][0] if pointer else None) != seen.pointer:
        return False
    for upstream, version in seen.assets:
        found = connection.execute(
            "select m.artifact from pointers p join materializations m using (seq)"
            " where p.environment = ? and p.asset = ? and p.partition = ?",
            (environment, *columns_of(upstream)),
        ).fetchall()
        if not found or found[0][0] != version:
            return False
    for source, version in seen.sources:
        found = connection.execute("select version from sources where key = ?", (source,)).fetchall()
        if not found or found[0][0] != version:
            return False
    return True


def check_lease(connection: apsw.Connection, lease: Lease) -> None:
    """Raise BusyError unless *lease* is in force: it was granted, and not taken away."""
    if not connection.execute("select 1 from builders where token = ?", (lease.token,)).fetchall():
        raise BusyError(
            "this build has lost its lease: it stood still for too long, and another process has taken over\n"
            "  What it had committed before is in place; nothing more is written.\n  hint: build again"
        )


def set_number(connection: apsw.Connection, name: str, value: int) -> None:
    """Set a number of ``meta``."""
    connection.execute("update meta set value = ? where name = ?", (value, name))


def increase(connection: apsw.Connection, name: str) -> int:
    """Add one to a counter of ``meta``, and return it."""
    rows = connection.execute(
        "update meta set value = value + 1 where name = ? returning value", (name,)
    ).fetchall()
    if not rows:
        raise Damaged(f"the state database lacks its {name}\n  {REBUILD_HINT}")
    return int(str(rows[0][0]))


def add_durations(connection: apsw.Connection, environment: str, made: Iterable[Materialization]) -> None:
    """Keep how long the last few materializations of each node took, and their peak memory."""
    for one in made:
        place = (environment, *columns_of(one.node))
        rows = connection.execute(
            "select recent from durations where environment = ? and asset = ? and partition = ?", place
        ).fetchall()
        recent = decode(rows[0][0], list[tuple[float, int | None]]) if rows else []
        recent = [(one.finished - one.started, one.peak_memory), *recent][:_REMEMBERED_DURATIONS]
        connection.execute("insert or replace into durations values (?, ?, ?, ?)", (*place, encode(recent)))


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decode(body: object, type_: type[_T]) -> _T:
    """The value in a *body* column. Raises Damaged."""
    try:
        text = checksum.read(body.encode() if isinstance(body, str) else body)  # type: ignore[arg-type]
    except (checksum.ChecksumError, TypeError, ValueError) as error:
        raise Damaged(
            f"the state database holds a record that is damaged: {error}\n  {REBUILD_HINT}"
        ) from error
    return decode_json(text, type_)


def sealed(body: object) -> bool:
    """Whether the *body* is as it was written."""
    try:
        checksum.read(body.encode() if isinstance(body, str) else body)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def decode_json(text: bytes, type_: type[_T]) -> _T:
    """The value of JSON that the database holds or has made. Raises Damaged."""
    decoder = _decoders.get(type_)
    if decoder is None:
        decoder = _decoders[type_] = msgspec.json.Decoder(type_)
    try:
        value: _T = decoder.decode(text)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise Damaged(
            f"the state database holds a record that can't be read: {error}\n  {REBUILD_HINT}"
        ) from error
    return value


class Lazily(Mapping[Node, Materialization]):
    """Materializations by node that are decoded when first asked for: most callers look at a few of 10,000."""

    def __init__(
        self, rows: dict[Node, tuple[int, bytes]], decode: Callable[[int, bytes], Materialization]
    ) -> None:
        self._rows = rows
        self._decode = decode

    def __getitem__(self, key: Node) -> Materialization:
        return self._decode(*self._rows[key])

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[Node]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<{len(self)} current materializations>"
