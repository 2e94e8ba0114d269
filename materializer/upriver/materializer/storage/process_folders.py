"""Folders that belong to a process: whatever way it ends, what it leaves in them can be told from what is in use.

A session is a folder with a ``lock`` in it that its process holds (flock). The kernel drops the lock when the
process ends in whatever way, so a folder with a free lock is a leftover and can be removed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from pathlib import Path

from upriver.assets.errors import StoreError
from upriver.materializer.ports import Clock
from upriver.materializer.storage.clock import MACHINE
from upriver.materializer.storage.durable_files import FilePort, Held, OsFiles, disk_error

_LOCK_NAME = "lock"
_GRACE = 60.0
"""Seconds that a process has between making its folder and locking it."""


class Sessions:
    """This process's session in *folder*, made when it is first asked for, and those that others have left."""

    def __init__(self, folder: Path, files: FilePort | None = None, clock: Clock = MACHINE) -> None:
        self.folder = folder
        self._files: FilePort = OsFiles() if files is None else files
        self._clock = clock
        self._own: Path | None = None
        self._lock: Held | None = None
        self._owner = 0
        self._guard = threading.Lock()

    def own(self) -> Path:
        """This process's folder. Raises StoreError."""
        with self._guard:
            if self._own is None or self._owner != os.getpid():  # a forked child needs its own session
                try:
                    self._own = self._make()
                except OSError as error:
                    raise disk_error("create a folder in", self.folder, error) from error
                self._owner = os.getpid()
            return self._own

    def _make(self) -> Path:
        self._files.make_folder(self.folder)
        info = self._files.info(self.folder)
        if info is None or info.kind != "folder":
            raise StoreError(f"{self.folder} is a link or a file, not a folder\n  hint: move it away")
        while True:
            session = self.folder / f"{os.getpid()}-{secrets.token_hex(6)}"
            self._files.make_folder(session)
            lock = self._files.try_lock(session / _LOCK_NAME)
            if lock is not None and self._files.info(session / _LOCK_NAME) is not None:
                self._lock = lock
                return session
            # A build that began at this moment has swept it away, between the making of the lock and its taking.
            if lock is not None:
                lock.close()

    def sweep(self, dry_run: bool = False) -> list[Path]:
        """Remove what processes that are gone have left; return the paths. Live sessions are spared."""
        removed: list[Path] = []
        info = self._files.info(self.folder)
        if info is None or info.kind != "folder":
            return removed
        try:
            for name in self._files.names(self.folder):
                removed += self._sweep_one(self.folder / name, dry_run)
        except OSError as error:
            raise disk_error("clean up", self.folder, error) from error
        return removed

    def _sweep_one(self, session: Path, dry_run: bool) -> list[Path]:
        info = self._files.info(session)
        if session == self._own or info is None:
            return []
        if info.kind != "folder":
            if not dry_run:
                self._files.remove(session)
            return [session]
        names = self._files.names(session)
        if _LOCK_NAME not in names and self._clock.now() - info.modified < _GRACE:
            return []
        lock = self._files.try_lock(session / _LOCK_NAME)
        if lock is None:
            return []
        try:
            leftovers = [session / name for name in names if name != _LOCK_NAME]
            if not dry_run:
                for path in leftovers:
                    with contextlib.suppress(PermissionError):  # a recipe may have shut a folder of its own
                        self._remove(path)
                self._files.remove(session / _LOCK_NAME)
                self._files.remove_folder(session)
            return leftovers or [session]
        finally:
            lock.close()

    def _remove(self, path: Path) -> None:
        """Remove what is at *path*: of a folder all that is in it, but nothing that a link in it leads to."""
        found = [path]
        for one in found:
            info = self._files.info(one)
            if info is not None and info.kind == "folder":
                found += [one / name for name in self._files.names(one)]
            else:
                self._files.remove(one)
        for one in reversed(found):  # what is left are folders, the inner ones last
            if self._files.info(one) is not None:
                self._files.remove_folder(one)

    def close(self) -> None:
        """Drop this process's session with whatever is in it. Safe to call twice."""
        with self._guard:
            session, self._own = self._own, None
            lock, self._lock = self._lock, None
        if session is None or self._owner != os.getpid():
            return
        with contextlib.suppress(OSError):
            for name in self._files.names(session):
                with contextlib.suppress(PermissionError):
                    self._remove(session / name)
            self._files.remove_folder(session)
        if lock is not None:
            lock.close()
