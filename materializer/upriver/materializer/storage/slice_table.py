"""Slice table: what the slices of one segment hold and have read, sorted by key, as columns in one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import msgspec

SUFFIX = ".slices"
DIGEST = 16
"""Bytes of a digest: of what a slice holds, and of what it has read of one upstream."""


class Slice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One slice: its rows, a digest of them, one of what it has read (of each mapped upstream in turn), and the place
    of its basis among those of the record.
    """

    key: str
    rows: int
    content: bytes
    read: bytes
    basis: int


class _Columns(msgspec.Struct, array_like=True):
    width: int
    keys: list[str]
    rows: list[int]
    content: bytes
    reads: list[bytes]
    bases: list[tuple[int, int]]


_decode = msgspec.msgpack.Decoder(_Columns).decode


def encode(slices: Sequence[Slice]) -> bytes:
    """The table of *slices*, which are sorted by key."""
    bases = [(basis, len(list(run))) for basis, run in groupby(one.basis for one in slices)]
    return msgspec.msgpack.encode(
        _Columns(
            DIGEST,
            [one.key for one in slices],
            [one.rows for one in slices],
            b"".join(one.content for one in slices),
            [one.read for one in slices],
            bases,
        )
    )


def decode(data: bytes) -> list[Slice]:
    """The slices in a table. Raises ValueError (msgspec's) for what is none."""
    found = _decode(data)
    width = found.width
    bases = _spread(found.bases)
    return [
        Slice(key, rows, found.content[at * width : (at + 1) * width], read, basis)
        for at, (key, rows, read, basis) in enumerate(
            zip(found.keys, found.rows, found.reads, bases, strict=True)
        )
    ]


def _spread(runs: Iterable[tuple[int, int]]) -> Iterator[int]:
    for basis, length in runs:
        yield from [basis] * length
