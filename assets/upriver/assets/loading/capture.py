"""Capture of what modules print while they are loaded: it stays out of our own output, which may be a JSON document."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator


class _Output(io.TextIOWrapper):
    """Text in memory. Its descriptor is that of stderr: never that of our output."""

    def fileno(self) -> int:
        if sys.__stderr__ is None:
            raise io.UnsupportedOperation("fileno")
        return sys.__stderr__.fileno()


class Captured:
    """What was printed."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self.stream = _Output(self._bytes, encoding="utf-8", errors="backslashreplace", write_through=True)

    def text(self) -> str:
        """All of it, until now."""
        if self._bytes.closed:  # a module may close its sys.stdout
            return ""
        return self._bytes.getvalue().decode("utf-8", "backslashreplace")


@contextlib.contextmanager
def capturing() -> Iterator[Captured]:
    """Collect what is written to ``sys.stdout`` and ``sys.stderr``; reading from ``sys.stdin`` finds its end.

    Output that goes past Python, of a subprocess for example, is not caught.
    """
    captured = Captured()
    stdin, sys.stdin = sys.stdin, io.StringIO()
    try:
        with contextlib.redirect_stdout(captured.stream), contextlib.redirect_stderr(captured.stream):
            yield captured
    finally:
        sys.stdin = stdin
