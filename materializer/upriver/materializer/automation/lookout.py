"""Waiting for a project to change: by the system's report where it can, else by looking every few seconds."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

from upriver.materializer.automation.file_watch import FolderWatch


class Lookout(Protocol):
    """Waits until something may have changed."""

    def wait(self, seconds: float) -> bool:
        """Wait until something was touched or :meth:`wake` was called (True), or *seconds* are over (False)."""
        ...

    def wake(self) -> None:
        """Let :meth:`wait` return now. May be called from any thread, and from a signal handler."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class FolderLookout:
    """A lookout on the folder of a project; *poll* is seconds between two looks where the system can't report."""

    def __init__(self, root: Path, poll: float) -> None:
        self._poll = poll
        self._woken = threading.Event()
        try:
            self._folders: FolderWatch | None = FolderWatch(root)
        except OSError:
            self._folders = None

    def wait(self, seconds: float) -> bool:
        """See :class:`Lookout`. Polling, every look is one that may find a change."""
        if self._folders is not None:
            try:
                return self._folders.wait(seconds)
            except OSError:
                self._folders.close()
                self._folders = None
        self._woken.wait(min(seconds, self._poll))
        self._woken.clear()
        return True

    def wake(self) -> None:
        """See :class:`Lookout`."""
        self._woken.set()
        if self._folders is not None:
            self._folders.wake()

    def close(self) -> None:
        """See :class:`Lookout`."""
        if self._folders is not None:
            self._folders.close()
