"""Messages from worker threads to the app. Nothing else crosses from a thread to a widget."""

from __future__ import annotations

from collections.abc import Callable

from textual.message import Message

from upriver.materializer.answers import BuildResult
from upriver.tui.app.project_model import Snapshot


class ProjectRead(Message):
    """The project was looked at: at the start, and whenever a file, a source or the state changed."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class RunFound(Message):
    """A run is going on that this app did not start."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run


class RunEnded(Message):
    """A followed run, or a build of this app, is over. *error* says why a build could not even begin."""

    def __init__(self, result: BuildResult | None = None, error: Exception | None = None) -> None:
        super().__init__()
        self.result = result
        self.error = error


class Answer(Message, bubble=False):
    """The end of a job: *deliver* hands its value or its error to the one that asked."""

    def __init__(self, deliver: Callable[[], None]) -> None:
        super().__init__()
        self.deliver = deliver
