"""A checksum in front of what is kept on disk: a flipped bit is noticed, and not taken for another meaning."""

from __future__ import annotations

import hashlib

_LENGTH = 16


class BrokenSealError(ValueError):
    """The bytes are not those that were sealed."""


def seal(data: bytes) -> bytes:
    """*data* behind its checksum: ``<BLAKE2b-64, hex> <data>``."""
    return b"%s %s" % (_checksum(data), data)


def unseal(sealed: bytes) -> bytes:
    """What was sealed. Raises BrokenSealError."""
    data = sealed[_LENGTH + 1 :]
    if sealed[_LENGTH : _LENGTH + 1] != b" " or sealed[:_LENGTH] != _checksum(data):
        raise BrokenSealError("the checksum does not match")
    return data


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_LENGTH // 2).hexdigest().encode("ascii")
