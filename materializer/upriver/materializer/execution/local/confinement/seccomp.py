"""A seccomp filter: the system calls that Landlock does not cover and through which a process could read.

Sockets of every family (unless the network was granted), io_uring, other processes' memory and descriptors, System V
and POSIX message queues and shared memory, kernel keys and logs, mounts. Only the number of a call is looked at, so
that the kernel decides once and remembers it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping
from functools import cache

from upriver.assets.model import Value

_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: ld abs, jeq, jge, ret
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_X32 = 0x40000000

_NETWORK = frozenset({"socket"})
_ABSENT = frozenset({"io_uring_setup", "io_uring_enter", "io_uring_register"})
"""Answered as by a kernel without them: programs then take another way."""

# fmt: off
_SHARED = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "mount_setattr": 442,
    "open_tree_attr": 467,
}
_NUMBERS: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "x86_64": (0xC000003E, {
        "socket": 41, "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66,
        "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "ptrace": 101, "syslog": 103, "pivot_root": 155,
        "mount": 165, "umount2": 166, "init_module": 175, "mq_open": 240, "kexec_load": 246, "add_key": 248,
        "request_key": 249, "keyctl": 250, "perf_event_open": 298, "fanotify_init": 300, "open_by_handle_at": 304,
        "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313,
        "bpf": 321, "userfaultfd": 323, **_SHARED,
    }),
    "aarch64": (0xC00000B7, {
        "socket": 198, "shmget": 194, "shmat": 196, "shmctl": 195, "semget": 190, "semop": 193, "semctl": 191,
        "msgget": 186, "msgsnd": 189, "msgrcv": 188, "msgctl": 187, "ptrace": 117, "syslog": 116, "pivot_root": 41,
        "mount": 40, "umount2": 39, "init_module": 105, "mq_open": 180, "kexec_load": 104, "add_key": 217,
        "request_key": 218, "keyctl": 219, "perf_event_open": 241, "fanotify_init": 262, "open_by_handle_at": 265,
        "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273,
        "bpf": 280, "userfaultfd": 282, **_SHARED,
    }),
}
# fmt: on


class Seccomp(Value, frozen=True):
    """Whether a filter can be installed here; if not, the *cause*."""

    possible: bool
    cause: str = ""


@cache
def offered() -> Seccomp:
    """Whether a filter can be installed here."""
    if sys.platform != "linux":
        return Seccomp(False, f"{sys.platform} has no seccomp")
    if platform.machine() not in _NUMBERS or struct.calcsize("P") != 8:
        return Seccomp(False, f"no filter is known for {platform.machine()}")
    # Installing nothing: EFAULT says that the kernel would have taken a filter.
    _library().prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), None, ctypes.c_ulong(0), ctypes.c_ulong(0))
    if ctypes.get_errno() != errno.EFAULT:
        return Seccomp(False, "this kernel takes no seccomp filters")
    return Seccomp(True)


@cache
def program(machine: str, *, network: bool) -> bytes:
    """The filter for *machine*, as the array of instructions that the kernel takes."""
    architecture, numbers = _NUMBERS[machine]
    denied = {number: name for name, number in numbers.items() if not (network and name in _NETWORK)}
    lines = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), _error(errno.EPERM)]
    lines.append((_LOAD, 0, 0, _NUMBER))
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _X32), _error(errno.ENOSYS)]
    for number, name in sorted(denied.items()):
        failure = errno.ENOSYS if name in _ABSENT else errno.EACCES if name in _NETWORK else errno.EPERM
        lines += [(_EQUAL, 0, 1, number), _error(failure)]
    lines.append((_RETURN, 0, 0, _ALLOW))
    return _packed(lines)


def _error(number: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _ERROR | number)


def _packed(lines: Iterable[tuple[int, int, int, int]]) -> bytes:
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def install(*, network: bool) -> None:
    """Filter this thread's system calls, and those of all that it starts. Raises OSError.

    The process must have given up new privileges (see :func:`.landlock.no_new_privileges`).
    """
    filter_ = program(platform.machine(), network=network)
    held = ctypes.create_string_buffer(filter_, len(filter_))
    pointer = struct.pack("@HP", len(filter_) // 8, ctypes.addressof(held))
    if _library().prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
