"""Learns from the kernel that something in the project's folders was touched, so that nobody has to look.

Linux tells it through inotify. Elsewhere, or where the kernel refuses, there is no watcher, and the project's
revision is looked at from time to time instead.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import time
from pathlib import Path

_CHANGED = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400
"""MODIFY, ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF."""

_NEW_FOLDER = 0x40000000
_OVERFLOW = 0x4000
_HEADER = struct.Struct("iIII")
_NEVER = frozenset({"venv", "node_modules", "__pycache__"})
"""Folders that hold nothing of the project's meaning, beside the hidden ones."""

STATE_FOLDER = ".upriver"

MOST_FOLDERS = 4_000


class FolderWatch:
    """Watches *root* and the folders in it. Raises OSError where that is not possible."""

    def __init__(self, root: Path) -> None:
        if not sys.platform.startswith("linux"):
            raise OSError("only Linux has inotify")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._folders: dict[int, str] = {}
        self._wake_out, self._wake_in = os.pipe()
        try:
            self._add_all(str(root))
            if not self._folders:
                raise OSError(f"there is no folder {root}")
            self._state_of = str(root)
            self._watch_state()
        except OSError:
            self.close()
            raise

    def _add_all(self, root: str) -> None:
        for folder, below, _ in os.walk(root):
            below[:] = [name for name in below if not _ignored(name)]
            self._add(folder)

    def _watch_state(self) -> None:
        """The state folder itself; what lies below it (artifacts, logs) changes without changing the state."""
        folder = os.path.join(self._state_of, STATE_FOLDER)  # noqa: PTH118 - a string all along
        if os.path.isdir(folder):  # noqa: PTH112 - the same
            self._add(folder)

    def _add(self, folder: str) -> None:
        if len(self._folders) >= MOST_FOLDERS:
            raise OSError("too many folders to watch")
        number = self._libc.inotify_add_watch(self._fd, os.fsencode(folder), _CHANGED)
        if number < 0:
            error = ctypes.get_errno()
            if os.path.isdir(folder):  # noqa: PTH112 - a string all along
                raise OSError(error, "inotify_add_watch", folder)
            return
        self._folders[number] = folder

    def wait(self, timeout: float) -> bool:
        """Wait until something was touched (True) or *timeout* seconds are over (False)."""
        end = time.monotonic() + timeout
        # What is of no interest must not end the wait: the look at the lock of builds that follows each touches it.
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self._fd, self._wake_out], [], [], left)
            if self._wake_out in ready:
                os.read(self._wake_out, 64)
                return True
            if ready and self._drain():
                return True
        return False

    def _drain(self) -> bool:
        """Read what happened; new folders are watched from now on. Whether it was of interest."""
        interesting = False
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return interesting
            at = 0
            while at < len(data):
                number, mask, _, length = _HEADER.unpack_from(data, at)
                name = data[at + _HEADER.size : at + _HEADER.size + length].rstrip(b"\0")
                at += _HEADER.size + length
                text = os.fsdecode(name)
                folder = self._folders.get(number)
                if mask & _NEW_FOLDER and text == STATE_FOLDER:
                    self._watch_state()
                elif mask & _NEW_FOLDER and folder is not None and not _ignored(text):
                    self._add_all(os.path.join(folder, text))  # noqa: PTH118 - a string all along
                # Databases write beside themselves all the time; what counts is the file itself.
                if mask & _OVERFLOW or not text.endswith((".lock", "-journal", "-shm", ".swp", "~")):
                    interesting = True

    def wake(self) -> None:
        """Let :meth:`wait` return now."""
        os.write(self._wake_in, b"x")

    def close(self) -> None:
        """Release the kernel's part."""
        for fd in (self._fd, self._wake_in, self._wake_out):
            os.close(fd)


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in _NEVER
