"""Who may build: a kernel lock as proof of life, a token in the database as fence.

Three things work together, each for what it alone can do:

- **The lease row** in the state database (``state/``) holds the token of the last build that was let in. It
  is read and raised inside ``BEGIN IMMEDIATE``, so that of two builds that arrive together one wins. Every
  write of a build checks its token in the same transaction: a build that lost its lease can't change anything
  any more.
- **flock on ``build.lock``** tells whether the holder lives. The kernel drops it however the process ends, so
  a build after ``kill -9`` goes on at once. The existence of the file means nothing.
- **The heartbeat** in that file tells whether a living holder still moves. A stopped process (``SIGSTOP``, a
  frozen container) keeps its flock for ever; when its heartbeat is older than the term, the next build puts a
  *new* ``build.lock`` in the place of the old one (the old flock stays behind on a file without a name),
  raises the token and goes on. When the stopped process wakes up, its token is outdated: it gets BusyError
  from its first write.

The heartbeat is a reading of the monotonic clock with the boot id, not of the wall clock: a laptop that
sleeps for an hour, or a clock that is set, makes no holder look stopped. The holder is never declared stopped
from another host, where the reading means nothing. A holder stopped inside a database transaction keeps the
database's own lock; then nobody can take over, and the message says who to wake or kill.

Readers and ``gc`` share ``gc.lock``: see :func:`reading`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.model import Value

TERM = 30.0
"""Seconds without a heartbeat after which a holder counts as stopped."""

_HOLDER_BYTES = 4096


class FileLock:
    """flock on a file, held until :meth:`close` or the end of the process, whichever comes first."""

    def __init__(self, path: Path, create: bool = True) -> None:
        self.path = path
        self._create = create
        self._descriptor: int | None = None

    def try_exclusive(self) -> bool:
        """Take the lock for this object alone, if nobody holds it. Raises OSError when the file can't be
        opened.
        """
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with other sharers, if nobody holds it exclusively."""
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
            self._descriptor = os.open(self.path, flags | (os.O_CREAT if self._create else 0), 0o644)
        return self._descriptor

    def close(self) -> None:
        """Give the lock back. Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            # Close alone would not do while a forked child has a copy of the descriptor.
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


class Holder(Value, frozen=True):
    """Who holds the right to build. *since* is seconds since the epoch; *beat* a monotonic reading in boot
    *boot*.
    """

    token: int
    run: str
    pid: int
    host: str
    command: str
    since: float
    beat: float
    boot: str

    def __str__(self) -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        where = f" on {self.host}" if self.host != platform.node() else ""
        return f"run {self.run}, process {self.pid}{where} since {when} ({self.command})"


def this_command() -> str:
    """The command line of this process, shortened, for telling a person who holds the project."""
    name = Path(sys.argv[0]).name if sys.argv else "python"
    text = " ".join(["upriver" if name == "__main__.py" else name, *sys.argv[1:]])
    return text if len(text) <= 120 else text[:119] + "…"


def boot_id() -> str:
    """What distinguishes this boot of this machine, so that monotonic readings can be compared."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()


class BuildLock:
    """The kernel's half of a lease: ``build.lock`` and the heartbeat in it.

    Take it inside a ``BEGIN IMMEDIATE`` transaction only: that serialises the takeovers.
    """

    def __init__(self, path: Path, term: float = TERM, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.term = term
        self._clock = clock
        self._lock = FileLock(path)
        self._holder: Holder | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def try_take(self) -> Holder | None:
        """Take the lock: at once when nobody living holds it, in the place of a holder that has stopped
        beating.

        Returns None on success, else who holds it. Raises OSError when the file can't be used.
        """
        for attempt in range(3):
            if attempt:
                time.sleep(0.005)  # somebody who asks `holder()` holds the lock for a moment
            if self._lock.try_exclusive():
                return None
        found = self._read() or Holder(0, "unknown", 0, platform.node(), "unknown", time.time(), 0.0, "")
        if not self._stopped(found):
            self._lock.close()
            return found
        self._lock.close()
        self.path.unlink(missing_ok=True)
        if not self._lock.try_exclusive():  # pragma: no cover - only without the surrounding transaction
            self._lock.close()
            return found
        return None

    def holder(self) -> Holder | None:
        """Who holds the lock now, or None when nobody living does. Changes nothing."""
        probe = FileLock(self.path, create=False)
        try:
            if probe.try_shared():
                return None
            return _decode(os.pread(probe.descriptor(), _HOLDER_BYTES, 0))
        except OSError:
            return None
        finally:
            probe.close()

    def _stopped(self, holder: Holder) -> bool:
        return holder.boot == boot_id() and self._clock() - holder.beat > self.term

    def _read(self) -> Holder | None:
        return _decode(os.pread(self._lock.descriptor(), _HOLDER_BYTES, 0))

    def announce(self, token: int, run: str) -> None:
        """Write who holds the lock, and start the heartbeat."""
        self._holder = Holder(
            token, run, os.getpid(), platform.node(), this_command(), time.time(), self._clock(), boot_id()
        )
        self._write(self._holder)
        self._thread = threading.Thread(target=self._beat, name="upriver-heartbeat", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._stop.wait(self.term / 4):
            if self._holder is None or not self.named():
                return
            self._holder = msgspec.structs.replace(self._holder, beat=self._clock())
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
        """Stop the heartbeat and give the lock back. Safe to call twice."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._lock.close()


class HeldLease:
    """The right to build, as this state grants it. See :mod:`upriver.materializer.storage.locks`."""

    def __init__(self, token: int, lock: BuildLock | None) -> None:
        self.token = token
        self._lock = lock

    def lost(self) -> bool:
        """Whether another build has taken over, as far as the file system tells. The database decides at the
        next write.
        """
        return self._lock is not None and not self._lock.named()

    def release(self) -> None:
        """Give the right back. Safe to call twice."""
        if self._lock is not None:
            self._lock.release()


def _decode(text: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(text.strip(b" \n\0"), type=Holder)
    except (msgspec.DecodeError, ValueError):
        return None


def busy(holder: Holder | None) -> BusyError:
    """The error for whoever comes second."""
    if holder is None or holder.pid <= 0:
        return BusyError(
            "another build holds the project\n  Nothing was changed.\n  hint: wait for it, then build again"
        )
    end = f", or end it with `kill {holder.pid}`" if holder.host == platform.node() else ""
    return BusyError(
        f"another build holds the project: {holder}\n  Nothing was changed.\n"
        f"  hint: wait for it (`upriver build --wait`){end}"
    )


def poll(wait: float | None, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Yield at once, then about every tenth of a second (with jitter) until *wait* seconds are over (None:
    for ever).
    """
    deadline = None if wait is None else time.monotonic() + wait
    yield
    while deadline is None or time.monotonic() < deadline:
        pause = random.uniform(0.05, 0.15)
        sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))
        yield


@contextlib.contextmanager
def reading(path: Path, wait: float | None = 60.0) -> Iterator[None]:
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
        for _ in poll(wait):
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
