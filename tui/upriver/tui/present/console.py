"""Console: a stream, what its terminal can do, and the user's wishes about colour."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from upriver.tui.present.spans import Line, Page, paint

# Each drawing character and its stand-in of the same width, for streams that can't carry Unicode.
_ASCII = str.maketrans("…⋮–—−≈×·→│├└─╰╭╮╯┌┐┘∅▸▽↻ƒ", "~:---~x.>||`-`,.'.,'->v@f")
_PROBE = "✓◔│├└…≈"


class Console:
    """Writes lines to *stream*. Colour: ``--color``, NO_COLOR, FORCE_COLOR, is it a terminal?

    A reader that went away (``| head``) is no error: *closed* becomes true and further writes do nothing, so
    that the command still ends with its own exit code. A *forgiving* console takes any failure to write so: a
    build must not fail because its output is closed.
    """

    def __init__(
        self, stream: TextIO, environ: Mapping[str, str], colour: str = "auto", *, forgiving: bool = False
    ) -> None:
        self.stream = stream
        self.environ = environ
        self.forgiving = forgiving
        self.closed = False
        self.terminal = _is_terminal(stream)
        self.set_colour(colour)
        self.unicode = not environ.get("UPRIVER_ASCII") and _carries(stream, _PROBE)
        self.live = self.terminal and environ.get("TERM") != "dumb"

    def set_colour(self, when: str) -> None:
        """Decide about colour: ``always``, ``never`` or ``auto``."""
        if when != "auto":
            self.colour = when == "always"
        elif self.environ.get("NO_COLOR"):
            self.colour = False
        elif self.environ.get("FORCE_COLOR", "") not in ("", "0"):
            self.colour = True
        else:
            self.colour = self.terminal and self.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int | None:
        """Columns of the terminal now; None where there is none, and so nothing needs cutting."""
        if self.terminal:
            return self.size()[0]
        columns = self.environ.get("COLUMNS", "")
        return int(columns) if columns.isascii() and columns.isdigit() and int(columns) > 0 else None

    def same_place_as(self, other: Console) -> bool:
        """Whether what both write is read at one place: at one terminal, in one file, at the end of one pipe."""
        try:
            mine, theirs = os.fstat(self.stream.fileno()), os.fstat(other.stream.fileno())
        except (OSError, ValueError):
            return False
        return os.path.samestat(mine, theirs)

    @property
    def page(self) -> Page:
        """What lines for this stream are written on."""
        return Page(self.width, ascii=not self.unicode)

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal now."""
        try:
            columns, lines = os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError):
            columns, lines = 0, 0
        return columns or 80, lines or 24

    def write(self, *lines: Line) -> None:
        """Write whole lines."""
        if lines:
            self.raw("".join(self.painted(text) + "\n" for text in lines))

    def painted(self, text: Line) -> str:
        """The characters of one line as this stream takes them."""
        characters = paint(text, self.colour)
        return characters if self.unicode else characters.translate(_ASCII)

    def raw(self, text: str) -> None:
        """Write characters as they are. What comes from names or data goes through a Span instead."""
        if self.closed:
            return
        try:
            try:
                self.stream.write(text)
            except UnicodeEncodeError:
                encoding = self.stream.encoding or "ascii"
                self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except OSError as error:
            self._lost(error)

    def flush(self) -> None:
        """Hand everything over to the operating system."""
        if self.closed:
            return
        try:
            self.stream.flush()
        except OSError as error:
            self._lost(error)

    def _lost(self, error: OSError) -> None:
        """Stop writing. A reader that went away is no error, a full disk is, unless messages only are lost."""
        self.closed = True
        # Python flushes the stream once more when it ends and would complain: give it somewhere to write.
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.stream.fileno())
            os.close(null)
        except (OSError, ValueError):
            pass  # no real stream, as in a test: nothing will be flushed
        if not isinstance(error, BrokenPipeError) and not self.forgiving:
            raise OSError(error.errno, f"the output can't be written: {error.strerror}") from error


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False


def _carries(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
