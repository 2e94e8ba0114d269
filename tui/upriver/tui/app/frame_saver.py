"""Keeps the picture of the list for the next start (see ``first_frame``), now and then and at the end."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.tui.app.startup_frame import frame_path, look_of, save_frame

if TYPE_CHECKING:
    from upriver.tui.app.app import UpriverApp

KEPT_FOR = 30.0
"""Seconds between two savings."""


class FrameKeeper:
    """*theme* is the one that was asked for at the start: the next start looks for the picture by it."""

    def __init__(self, app: UpriverApp, theme: str | None) -> None:
        self._app = app
        self._theme = theme
        self._at = -2 * KEPT_FOR
        self._path: Path | None = None
        self._saving: threading.Thread | None = None

    def keep(self) -> None:
        """Keep the picture if it is time to, and the list is what is shown."""
        app = self._app
        if app.is_headless or app.is_web or not app.board.checked or app.screen is not app.main:
            return
        width, height = app.size
        path = frame_path(app.session.root, width, height, look_of(self._theme, app.ascii))
        due = path != self._path or time.monotonic() - self._at > KEPT_FOR
        if due and app.painter.complete:
            self._path, self._at = path, time.monotonic()
            self._saving = threading.Thread(target=save_frame, args=(path, app.painter.frame()), daemon=True)
            self._saving.start()

    def finish(self) -> None:
        """Keep the last picture, and wait until it is on the disk: else it could be lost with the process."""
        self._at = -2 * KEPT_FOR
        if len(self._app.screen_stack) > 1:
            self.keep()
        if self._saving is not None:
            self._saving.join(5.0)
