"""Capabilities of root that read past file rights, given up for ever by a confined process.

Landlock lets no process look into one outside of its domain, but the kernel asks it last: who may measure performance
reads any process's variables and memory map, who may do raw I/O the kernel's own memory. See capabilities(7).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_SET_BOUNDING_DROP = 24
_VERSION_3 = 0x20080522
_HEADER = struct.pack("=Ii", _VERSION_3, 0)

GIVEN_UP = {
    "sys_module": 16,
    "sys_rawio": 17,
    "sys_ptrace": 19,
    "sys_admin": 21,
    "syslog": 34,
    "perfmon": 38,
    "bpf": 39,
    "checkpoint_restore": 40,
}
"""What an ordinary user does not have, and what no recipe needs: numbers by the names of capabilities(7)."""

MASK = sum(1 << number for number in GIVEN_UP.values())
"""The same as the kernel holds them: one bit for each."""


def give_up() -> None:
    """Give them up for this thread and all that it starts. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(24)
    _check(library.capget(_HEADER, held))
    words = struct.unpack("=6I", held.raw)
    permitted = words[1] | words[4] << 32
    if not permitted & MASK:
        return
    for number in GIVEN_UP.values():
        if library.prctl(_SET_BOUNDING_DROP, *(ctypes.c_ulong(one) for one in (number, 0, 0, 0))):
            # EINVAL: an older kernel, which does not know it; EPERM: a root that may not narrow what it starts, which
            # gains nothing by that either, since it has given up new privileges.
            failed = ctypes.get_errno()
            if failed not in (errno.EINVAL, errno.EPERM):
                raise OSError(failed, os.strerror(failed))
    low, high = (~MASK & 0xFFFFFFFF), (~MASK >> 32 & 0xFFFFFFFF)
    kept = [word & (low if place < 3 else high) for place, word in enumerate(words)]
    _check(library.capset(_HEADER, struct.pack("=6I", *kept)))


def _check(found: int) -> None:
    if found < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed))
