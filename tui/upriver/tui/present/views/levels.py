"""Level of a captured line, as its stream and its first words show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from upriver.assets.model import Key
from upriver.materializer.answers import LogLine


class Level(IntEnum):
    """Each with what is graver. *DETAIL* is what logging calls debug."""

    ALL = 0
    OUTPUT = 1
    STDERR = 2
    WARNING = 3
    ERROR = 4


SHOWN = {
    Level.ALL: "everything",
    Level.STDERR: "stderr and graver",
    Level.WARNING: "warnings and errors",
    Level.ERROR: "errors",
}
"""What can be asked for, in the order in which a key goes through it."""

_WORDS = {
    "DEBUG": Level.ALL, "TRACE": Level.ALL, "INFO": Level.OUTPUT, "NOTICE": Level.OUTPUT,
    "WARN": Level.WARNING, "WARNING": Level.WARNING, "ERROR": Level.ERROR, "ERR": Level.ERROR,
    "CRITICAL": Level.ERROR, "FATAL": Level.ERROR, "EXCEPTION": Level.ERROR,
}  # fmt: skip
_NAMED = re.compile(
    r"(?<![\w.])(?P<word>" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")(?=[\s:|\])}.,-]|$)"
)
"""As logging libraries write them: in capitals. In a sentence, "error" may be anything."""

_BEGINNING = 48
"""Levels stand at the beginning of a line, behind a time or a name at most."""

_RAISED = re.compile(r"(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt)\b(?::|$)")
_STREAMS = {"stdout": Level.OUTPUT, "stderr": Level.STDERR, "warning": Level.WARNING}


def level_of(line: LogLine) -> Level:
    """A word of a level decides; then an exception's name; then the stream. What Upriver adds are errors."""
    if line.stream in ("traceback", "upriver"):
        return Level.ERROR
    named = _NAMED.search(line.text, 0, _BEGINNING)
    if named is not None:
        return _WORDS[named["word"]]
    if line.stream == "stderr" and (
        line.text.startswith("Traceback (most recent call last)") or _RAISED.match(line.text)
    ):
        return Level.ERROR
    return _STREAMS.get(line.stream, Level.OUTPUT)


class Chosen:
    """The lines of one list that are of one asset (None: of all) and grave enough; follows the list as it grows.

    The same list is given again while nothing but lines at its end has changed: a widget that shows it can tell.
    """

    def __init__(self) -> None:
        self._of: Sequence[LogLine] = ()
        self._wanted: tuple[Key | None, Level] = (None, Level.ALL)
        self._seen = 0
        self._lines: list[LogLine] = []

    def of(self, lines: Sequence[LogLine], key: Key | None, least: Level) -> Sequence[LogLine]:
        """The lines that are wanted, in their order."""
        if lines is not self._of or (key, least) != self._wanted or len(lines) < self._seen:
            self._of, self._wanted, self._seen, self._lines = lines, (key, least), 0, []
        for line in lines[self._seen :]:
            if key in (None, line.asset) and (least is Level.ALL or level_of(line) >= least):
                self._lines.append(line)
        self._seen = len(lines)
        return self._lines


def next_level(level: Level) -> Level:
    """The one after *level* of those that can be asked for."""
    order = list(SHOWN)
    return order[(order.index(level) + 1) % len(order)]
