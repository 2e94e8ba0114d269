"""Landlock, the kernel's file rights for unprivileged processes, called through its three system calls.

See https://docs.kernel.org/userspace-api/landlock.html. What is restricted stays so, for the process and all that it
starts; rights can be taken away again and again, never given back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable
from functools import cache

from upriver.assets.model import Value
from upriver.materializer.execution.local.confinement.policy import Access, Rule

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_VERSION = 1
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVILEGES = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_FILE_RIGHTS = ((1, (1 << 13) - 1), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
_TCP = 0b11
_ABSTRACT_SOCKETS = 1

_BITS = {
    Access.READ: _READ_FILE,
    Access.LIST: _READ_DIR,
    Access.RUN: _EXECUTE,
    Access.WRITE: _WRITE_FILE | _TRUNCATE,
    Access.MAKE: _REMOVE_AND_MAKE | _REFER,
    Access.CONTROL: _IOCTL_DEV,
}
_SINCE = (
    (2, "moving files between folders"),
    (3, "truncating files"),
    (4, "TCP"),
    (5, "controlling devices"),
    (6, "abstract Unix sockets"),
)


class Landlock(Value, frozen=True):
    """What this kernel offers: *abi* is 0 where there is none, with the *cause*."""

    abi: int
    cause: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What later kernels can restrict and this one can't."""
        return tuple(what for since, what in _SINCE if self.abi < since)


@cache
def offered() -> Landlock:
    """What this kernel offers."""
    if sys.platform != "linux":
        return Landlock(0, f"{sys.platform} has no Landlock")
    abi = _library().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))
    if abi >= 1:
        return Landlock(abi)
    number = ctypes.get_errno()
    if number == errno.ENOSYS:
        return Landlock(0, "this kernel has no Landlock")
    if number == errno.EOPNOTSUPP:
        return Landlock(0, "Landlock is switched off in this kernel")
    return Landlock(0, f"this kernel's Landlock can't be used ({os.strerror(number)})")


def restrict(rules: Iterable[Rule], *, network: bool) -> None:
    """Leave this process nothing but *rules*, and no TCP unless *network*. Raises OSError."""
    abi = offered().abi
    handled = sum(bits for since, bits in _FILE_RIGHTS if abi >= since)
    attributes = [handled]
    if abi >= 4:
        attributes.append(0 if network else _TCP)
    if abi >= 6:
        attributes.append(0 if network else _ABSTRACT_SOCKETS)
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    ruleset = _call(_CREATE_RULESET, packed, ctypes.c_size_t(len(packed)), ctypes.c_uint(0))
    try:
        for rule in rules:
            _add(ruleset, rule, handled)
        no_new_privileges()
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))
    finally:
        os.close(ruleset)


def no_new_privileges() -> None:
    """Give up for ever to gain rights by running a program: the kernel demands it before any restriction."""
    if _library().prctl(_SET_NO_NEW_PRIVILEGES, *(ctypes.c_ulong(one) for one in (1, 0, 0, 0))):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _add(ruleset: int, rule: Rule, handled: int) -> None:
    try:
        opened = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there, or out of reach: nothing to grant
    try:
        bits = handled & _bits(rule.access)
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            bits &= _OF_FILES
        if bits:
            beneath = struct.pack("=Qi", bits, opened)
            _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), beneath, ctypes.c_uint(0))
    finally:
        os.close(opened)


@cache
def _bits(access: Access) -> int:
    return sum(bits for one, bits in _BITS.items() if one in access)


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    found: int = _library().syscall(number, *arguments)
    if found < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed))
    return found
