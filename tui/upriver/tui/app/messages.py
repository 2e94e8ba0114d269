"""What worker threads tell the app. Nothing else crosses from a thread to a widget."""

from __future__ import annotations

from textual.message import Message

from upriver.materializer.answers import BuildResult
from upriver.tui.app.project_model import Reading


class ProjectRead(Message):
    """The project was looked at: at the start, and whenever a file, a source or the state changed."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading


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
    """What came of a question: *value*, or *error*. *question* is the name under which it was asked."""

    def __init__(self, question: str, value: object, error: Exception | None) -> None:
        super().__init__()
        self.question = question
        self.value = value
        self.error = error
