"""Watch on the folders of a project: the operating system reports that something was touched, so nothing polls.

``watchfiles`` listens (inotify on Linux, FSEvents on macOS, ReadDirectoryChanges on Windows). It is told each folder
by itself and not the whole tree: what lies in the state folder, in hidden folders or in an environment changes all
the time without changing the project, and would use up the kernel's watches. Nothing here knows of the terminal UI.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

_NEVER = frozenset({"venv", "node_modules", "__pycache__"})
"""Folders that hold nothing of the project's meaning, beside the hidden ones."""

_BESIDE = (".lock", "-journal", "-shm", ".swp", "~")
"""Files that databases and editors write beside themselves all the time; what counts is the file itself."""

STATE_FOLDER = ".upriver"

MOST_FOLDERS = 4_000

_STEP = 50
"""Milliseconds without a further change after which changes are reported: an editor writes more than once."""

_DEBOUNCE = 500
"""Milliseconds after which changes are reported even if more keep coming."""

_CHECK_EVERY, _CHECK_SHARE = 10.0, 0.002
"""Seconds between two looks at which folders there are, and the most that they may take of one processor."""

_ADDED = 1
_TRIES = 5
"""Folders that come and go while the watch is made are looked for again so many times."""


class FolderWatch:
    """Watch on *root* and the folders in it. Raises OSError where that is not possible: then the caller polls.

    What is touched between two calls of :meth:`wait` is reported by the second.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise OSError(f"there is no folder {root}")
        self._root = str(root)
        self._woken = threading.Event()
        self._watched: list[str] = []
        self._check_at = time.monotonic() + _CHECK_EVERY
        self._notify = self._listen()

    def _listen(self) -> RustNotify:
        """A listener on all folders of now. Raises OSError."""
        from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

        for _ in range(_TRIES):
            folders = list(_folders(self._root))
            if len(folders) > MOST_FOLDERS:
                raise OSError(f"{len(folders)} folders are too many to watch")
            try:
                notify = RustNotify(folders, False, False, 0, False, False)
            except FileNotFoundError:
                continue  # removed since it was listed
            except (WatchfilesRustInternalError, UnicodeError) as error:
                raise OSError(f"the folders can't be watched: {error}") from error
            # A folder that came after its parent was listed and before its parent was watched is in neither.
            if list(_folders(self._root)) == folders:
                self._watched = folders
                return notify
            notify.close()
        raise OSError("the folders change too fast to be watched")

    def wait(self, timeout: float) -> bool:
        """Wait until something was touched or :meth:`wake` was called (True), or *timeout* seconds are over (False).

        Raises OSError when the folders can't be watched any more.
        """
        end = time.monotonic() + timeout
        # What is of no interest must not end the wait: the look at the lock of builds that follows each touches it.
        while (left := end - time.monotonic()) > 0:
            changes = self._changes(max(1, round(left * 1000)))
            if changes is None or self._of_interest(changes) or self._other_folders():
                return True
        return False

    def _changes(self, timeout: int) -> Iterable[tuple[int, str]] | None:
        """What changed within *timeout* milliseconds; None when it may have been anything, or the wait was ended."""
        from watchfiles._rust_notify import WatchfilesRustInternalError

        try:
            found = self._notify.watch(_DEBOUNCE, _STEP, timeout, self._woken)
        except WatchfilesRustInternalError:
            self._renew()  # a name that can't be decoded, for instance: that something was touched is all that is known
            return None
        match found:
            case "signal":
                raise KeyboardInterrupt
            case "stop":
                self._woken.clear()
                return None
            case "timeout":
                return ()
            case _:
                return found

    def _of_interest(self, changes: Iterable[tuple[int, str]]) -> bool:
        if any(kind == _ADDED and self._to_watch(path) for kind, path in changes):
            self._renew()
            return True
        return any(not path.endswith(_BESIDE) for _, path in changes)

    def _to_watch(self, path: str) -> bool:
        folder, name = os.path.split(path)
        wanted = not _ignored(name) or (name == STATE_FOLDER and folder == self._root)
        return wanted and os.path.isdir(path)  # noqa: PTH112 - a string all along

    def _other_folders(self) -> bool:
        """Whether there are other folders than those that are watched; then they are watched from now on.

        The kernel's queue may run over, and the library drops what comes in the moment in which it gives up waiting:
        a new folder that was missed so is found here, a file by the caller, which looks now and then in any case.
        """
        now = time.monotonic()
        if now < self._check_at:
            return False
        other = list(_folders(self._root)) != self._watched
        self._check_at = now + max(_CHECK_EVERY, (time.monotonic() - now) / _CHECK_SHARE)
        if other:
            self._renew()
        return other

    def _renew(self) -> None:
        """Listen to the folders of now. The new listener is there before the old one goes: nothing is missed."""
        before, self._notify = self._notify, self._listen()
        before.close()

    def wake(self) -> None:
        """Let :meth:`wait` return now. May be called from any thread."""
        self._woken.set()

    def close(self) -> None:
        """Stop listening; the listener's thread ends."""
        self._notify.close()


def _folders(root: str) -> Iterator[str]:
    """*root*, the state folder itself (not what lies in it), and all folders that may hold something of the project."""
    for folder, below, _ in os.walk(root):
        if folder == root and STATE_FOLDER in below:
            yield os.path.join(root, STATE_FOLDER)  # noqa: PTH118 - a string all along
        below[:] = sorted(name for name in below if not _ignored(name))
        yield folder


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in _NEVER
