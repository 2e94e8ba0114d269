"""Asking a build of another process to stop, without ever signalling a process that is not that build."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
from pathlib import Path

from upriver.assets.errors import BusyError, UsageError
from upriver.materializer.ports import Clock, Holder
from upriver.materializer.storage.locks import BUILDERS, Life, boot_id, look


def stop_run(folder: Path, run: str, clock: Clock) -> Holder:
    """Send SIGTERM to the process that builds *run* of the project whose ``.upriver`` is *folder*; that process.

    ``upriver build`` finishes gently on it: what is finished is kept, what runs is thrown away. Raises UsageError
    when *run* is over, BusyError when its process can't be reached from here. Nothing is sent then.
    """
    lock, holder = _holder(folder, run, clock)
    if holder.host != platform.node() or holder.boot != boot_id():
        raise BusyError(f"run {run} is built on {holder.host}; stop it there")
    if holder.pid == os.getpid():
        raise BusyError(f"run {run} is built by this process")
    if "ui" in holder.command.split():
        # A signal would end that window, not its build alone.
        raise BusyError(f"run {run} is built in another window of `upriver ui`; stop it there")
    if sys.platform == "linux":
        _signal_surely(folder, lock, holder, clock)
    else:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.kill(holder.pid, signal.SIGTERM)
    return holder


def _holder(folder: Path, run: str, clock: Clock) -> tuple[Path, Holder]:
    """The lock file and the process of *run*."""
    place = folder / BUILDERS
    for lock in sorted(place.iterdir()) if place.is_dir() else ():
        life, holder = look(lock, clock=clock)
        if life is not Life.GONE and holder is not None and holder.run == run and holder.pid > 1:
            return lock, holder
    raise UsageError(f"run {run} is not going on any more")


if sys.platform == "linux":

    def _signal_surely(folder: Path, lock: Path, holder: Holder, clock: Clock) -> None:
        # A process id can be given to another process between the look and the signal, and in a container it may
        # mean another one altogether: the signal goes to a process that is pinned first, and seen to have the lock.
        try:
            pinned = os.pidfd_open(holder.pid)
        except ProcessLookupError:
            raise UsageError(f"run {holder.run} is not going on any more") from None
        try:
            if not _has_open(holder.pid, lock):
                raise BusyError(
                    f"process {holder.pid} is not seen to build run {holder.run} from here; stop it there"
                )
            _holder(folder, holder.run, clock)
            with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                signal.pidfd_send_signal(pinned, signal.SIGTERM)
        except PermissionError:
            raise BusyError(f"process {holder.pid} belongs to another user; stop it there") from None
        finally:
            os.close(pinned)

    def _has_open(pid: int, path: Path) -> bool:
        wanted = path.stat()
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found = descriptor.stat()
            except FileNotFoundError:  # closed meanwhile
                continue
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
        return False
