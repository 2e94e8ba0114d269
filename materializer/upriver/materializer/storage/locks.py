"""Proof that a process which builds is alive: a kernel lock on a file of its own, and a heartbeat in that file.

Three things work together, each for what it alone can do:

- **The row in the state** (``state/builders.py``) holds the token of each build that was let in. Rows come and go
  inside ``BEGIN IMMEDIATE``, and every write of a build looks for its own in the same transaction: a build whose row
  was taken away can't change anything any more.
- **flock on the file** ``building/<token>.lock`` tells whether the process lives. The kernel drops it however the
  process ends, so that what it had claimed is free at once after ``kill -9``. The existence of the file means nothing.
- **The heartbeat** in that file tells whether a living process still moves. A stopped one (``SIGSTOP``, a frozen
  container) keeps its flock for ever; when its heartbeat is older than the term, the build that wants what it has
  claimed takes its row away and unlinks the file. When it wakes up it gets BusyError from its first write.

The heartbeat is a reading of the monotonic clock with the boot id, not of the wall clock: a laptop that
sleeps for an hour, or a clock that is set, makes no process look stopped. It is never declared stopped
from another host, where the reading means nothing. A process stopped inside a database transaction keeps the
database's own lock; then it can't be taken over, and the message says which process to wake or kill.

Readers and ``gc`` share ``gc.lock``: see :func:`reading`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import platform
import random
import sys
import threading
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from upriver.assets.errors import BusyError, StoreError
from upriver.materializer.ports import Clock, Holder
from upriver.materializer.storage.clock import MACHINE

TERM = 30.0
"""Seconds without a heartbeat after which a process counts as stopped."""

BUILDERS = "building"
"""The folder with a lock file of each process that builds."""

BUILDING = "a build"
"""What :func:`busy` calls a build that can't begin."""

_HOLDER_BYTES = 4096


class FileLock:
    """flock on a file, held until :meth:`close` or the end of the process, whichever comes first."""

    def __init__(self, path: Path, create: bool = True) -> None:
        self.path = path
        self._create = create
        self._descriptor: int | None = None

    def try_exclusive(self) -> bool:
        """Take the lock for this object alone, if it is free. Raises OSError when the file can't be
        opened.
        """
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with other sharers, if it is not held exclusively."""
        return self._try(fcntl.LOCK_SH)

    def _try(self, operation: int) -> bool:
        descriptor = self.descriptor()
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def descriptor(self) -> int:
        """The open file; opened without following a link."""
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            self._descriptor = os.open(self.path, flags | (os.O_CREAT if self._create else 0), 0o666)
        return self._descriptor

    def close(self) -> None:
        """Give the lock back. Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            # Close alone would not do while a forked child has a copy of the descriptor.
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def this_command() -> str:
    """The command line of this process, shortened, for telling which process holds the project."""
    name = Path(sys.argv[0]).name if sys.argv else "python"
    text = " ".join(["upriver" if name == "__main__.py" else name, *sys.argv[1:]])
    return text if len(text) <= 120 else text[:119] + "…"


def boot_id() -> str:
    """What distinguishes this boot of this machine, so that monotonic readings can be compared."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()


class Life(StrEnum):
    """What a lock file tells of the process that made it."""

    GONE = "gone"
    STOPPED = "stopped"
    ALIVE = "alive"


class Heartbeat:
    """A lock file of this process, held and beaten until :meth:`release`."""

    def __init__(self, path: Path, term: float = TERM, clock: Clock = MACHINE) -> None:
        self.path = path
        self.term = term
        self._clock = clock
        self._lock = FileLock(path)
        self._holder: Holder | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, token: int, run: str, environment: str = "", *, whole: bool = False) -> Holder:
        """Take the lock, write whose it is, and beat from now on. Raises OSError, also when another has the lock."""
        if not self._lock.try_exclusive():
            raise OSError(errno.EBUSY, "another process has locked it", str(self.path))
        self._holder = Holder(
            token,
            run,
            os.getpid(),
            platform.node(),
            this_command(),
            self._clock.now(),
            self._clock.monotonic(),
            boot_id(),
            environment,
            whole,
        )
        self._write(self._holder)
        self._thread = threading.Thread(target=self._beat, name="upriver-heartbeat", daemon=True)
        self._thread.start()
        return self._holder

    def _beat(self) -> None:
        while not self._clock.wait(self._stop, self.term / 4):
            if self._holder is None or not self.named():
                return
            self._holder = msgspec.structs.replace(self._holder, beat=self._clock.monotonic())
            # A full disk must not end the heartbeat: overwriting in place needs no space, and the next beat
            # may succeed.
            with contextlib.suppress(OSError):
                self._write(self._holder)

    def _write(self, holder: Holder) -> None:
        # One write of fixed length, so that a reader sees the old text or the new one.
        text = msgspec.json.encode(holder)[: _HOLDER_BYTES - 1]
        os.pwrite(self._lock.descriptor(), text.ljust(_HOLDER_BYTES - 1) + b"\n", 0)

    def named(self) -> bool:
        """Whether the path still names the file that is locked here; false after a takeover."""
        try:
            mine, there = os.fstat(self._lock.descriptor()), self.path.lstat()
        except OSError:
            return False
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def release(self) -> None:
        """Stop the heartbeat, give the lock back and remove its file. Safe to call twice."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        if self._holder is not None and self.named():
            with contextlib.suppress(OSError):  # a file with a free lock means nothing
                self.path.unlink(missing_ok=True)
        self._holder = None
        self._lock.close()


def look(path: Path, term: float = TERM, clock: Clock = MACHINE) -> tuple[Life, Holder | None]:
    """Whether the process that made the lock file at *path* lives, and what it wrote there. Changes nothing."""
    probe = FileLock(path, create=False)
    try:
        if probe.try_shared():
            return Life.GONE, None
        holder = _decode(os.pread(probe.descriptor(), _HOLDER_BYTES, 0))
    except OSError:
        return Life.GONE, None
    finally:
        probe.close()
    if holder is not None and holder.boot == boot_id() and clock.monotonic() - holder.beat > term:
        return Life.STOPPED, holder
    return Life.ALIVE, holder


class HeldLease:
    """The right to write, as this state grants it. See :mod:`upriver.materializer.storage.locks`."""

    def __init__(self, token: int, heartbeat: Heartbeat | None) -> None:
        self.token = token
        self._heartbeat = heartbeat

    def lost(self) -> bool:
        """Whether another process has taken over, as far as the file system tells. The database decides at the
        next write.
        """
        return self._heartbeat is not None and not self._heartbeat.named()

    def release(self) -> None:
        """Give the right back. Safe to call twice."""
        if self._heartbeat is not None:
            self._heartbeat.release()


def _decode(text: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(text.strip(b" \n\0"), type=Holder)
    except (msgspec.DecodeError, ValueError):
        return None


def busy(wanted: str, holders: Sequence[Holder]) -> BusyError:
    """The error for *wanted* ("a build", "gc") beside *holders*: it says which process holds what."""
    told = "".join(f"  {holder}\n" for holder in holders)
    if not holders:
        told = "  it does not say who it is\n"
    what = "another process holds the project" if any(h.whole for h in holders) else "a build is going on"
    if len(holders) > 1:
        what = f"{len(holders)} builds are going on"
    local = [str(holder.pid) for holder in holders if holder.pid > 0 and holder.host == platform.node()]
    end = f", or end it with `kill {' '.join(local)}`" if local else ""
    wait = " (`upriver build --wait`)" if wanted == BUILDING else ""
    return BusyError(
        f"{wanted} can't begin: {what}\n{told}  Nothing was changed.\n  hint: wait for its end{wait}{end}"
    )


def poll(wait: float | None, clock: Clock = MACHINE) -> Iterator[None]:
    """Yield at once, then about every tenth of a second (with jitter) until *wait* seconds are over (None:
    for ever).
    """
    never = threading.Event()
    deadline = None if wait is None else clock.monotonic() + wait
    yield
    while deadline is None or clock.monotonic() < deadline:
        pause = random.uniform(0.05, 0.15)
        clock.wait(never, pause if deadline is None else max(0.0, min(pause, deadline - clock.monotonic())))
        yield


@contextlib.contextmanager
def reading(path: Path, wait: float | None = 60.0, clock: Clock = MACHINE) -> Iterator[None]:
    """Hold ``gc.lock`` at *path* together with other readers: while it lasts, no artifact is removed.

    On a read-only file system nothing can be removed, so nothing is locked. Raises StoreError after *wait*
    seconds of a collection that does not end.
    """
    lock = FileLock(path)
    try:
        try:
            lock.descriptor()
        except OSError:
            yield  # read-only: no gc.lock can be made, and no gc can run either
            return
        for _ in poll(wait, clock):
            if lock.try_shared():
                break
        else:
            raise StoreError(
                f"a collection (`upriver gc`) has held {path} for {wait:.0f} s\n  Nothing was changed.\n"
                "  hint: wait for it to end, then try again"
            )
        yield
    finally:
        lock.close()
