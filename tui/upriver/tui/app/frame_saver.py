"""Saves the frame on the terminal for the next start (see ``startup_frame``), now and then and at the end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from upriver.tui.app.diff_painter import Painter
from upriver.tui.app.startup_frame import frame_path, look_of, save_frame

SAVED_EVERY = 30.0
"""Seconds between two savings."""


class FrameSaver:
    """Writer of the cached frame of the project at *root*.

    *theme* is the one that was asked for at the start: the next start looks for the frame by it.
    """

    def __init__(self, root: Path, painter: Painter, *, theme: str | None, ascii: bool) -> None:
        self._root = root
        self._painter = painter
        self._look = look_of(theme, ascii)
        self._at = -2 * SAVED_EVERY
        self._path: Path | None = None
        self._saving: threading.Thread | None = None

    def save(self, width: int, height: int) -> None:
        """Save the frame if it is time to. To be called while the list is what is shown."""
        path = frame_path(self._root, width, height, self._look)
        due = path != self._path or time.monotonic() - self._at > SAVED_EVERY
        if due and self._painter.complete:
            self._path, self._at = path, time.monotonic()
            frame = self._painter.frame()
            self._saving = threading.Thread(target=save_frame, args=(path, frame), daemon=True)
            self._saving.start()

    def due_now(self) -> None:
        """Let the next :meth:`save` save in any case."""
        self._at = -2 * SAVED_EVERY

    def finish(self) -> None:
        """Wait until the last frame is on the disk: else it could be lost with the process."""
        if self._saving is not None:
            self._saving.join(5.0)
