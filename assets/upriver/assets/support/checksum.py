"""Checksum in front of bytes on disk: a flipped bit is noticed, and not taken for another meaning."""

from __future__ import annotations

import hashlib

_LENGTH = 16


class ChecksumError(ValueError):
    """Bytes that are not those that were written."""


def write(data: bytes) -> bytes:
    """*data* behind its checksum: ``<BLAKE2b-64, hex> <data>``."""
    return b"%s %s" % (_checksum(data), data)


def read(written: bytes) -> bytes:
    """What was written. Raises ChecksumError."""
    data = written[_LENGTH + 1 :]
    if written[_LENGTH : _LENGTH + 1] != b" " or written[:_LENGTH] != _checksum(data):
        raise ChecksumError("the checksum does not match")
    return data


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_LENGTH // 2).hexdigest().encode("ascii")
