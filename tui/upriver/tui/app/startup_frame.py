"""Startup frame: the last picture of the session before, painted before anything heavy is imported.

Importing Textual and reading a project takes most of a second; painting a file takes milliseconds. The picture is
of the same size as the terminal or it is not shown, and it is replaced as soon as the program is there. This
module imports nothing that is not needed for it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
MOST_BYTES = 400_000

# Text and colours only: a file in the state folder must not be able to drive the terminal.
_HARMLESS = re.compile(r"(?:[^\x00-\x1f\x7f-\x9f]|\n|\x1b\[[0-9;]*m)*")


def frame_path(root: Path, width: int, height: int, look: str) -> Path:
    """File of the frame for a terminal of this size and *look* (theme and character set)."""
    return root / ".upriver" / "cache" / f"frame-{width}x{height}-{look}.ansi"


def look_of(theme: str | None, ascii: bool) -> str:
    """A file name part for what decides how the picture looks."""
    name = re.sub(r"[^a-z0-9-]", "", (theme or "upriver-dark").lower())
    plain = "NO_COLOR" in os.environ
    return name + ("-ascii" if ascii else "") + ("-plain" if plain else "")


def save_frame(path: Path, frame: str) -> None:
    """Write *frame* to the cache. A failure is ignored: the next start is without a picture for a second."""
    if not path.parents[2].is_dir():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(frame, encoding="utf-8", newline="")
        fresh.replace(path)
    except (OSError, UnicodeError):
        return


def load_frame(path: Path) -> str | None:
    """The picture, or None when there is none or it holds anything but text and colours."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        with path.open(encoding="utf-8", newline="") as file:
            frame = file.read()
    except (OSError, UnicodeError):
        return None
    return frame if _HARMLESS.fullmatch(frame) else None


def paint_cached_frame(root: Path, *, theme: str | None = None, ascii: bool = False) -> Callable[[], None]:
    """Show the last picture, if there is a fitting one. Call the result once before the program takes over.

    Until then typed keys are kept by the terminal and not echoed into the picture.
    """
    fd = sys.stdout.fileno() if sys.stdout is not None and sys.stdout.isatty() else None
    if fd is None:
        return _nothing
    try:
        size = os.get_terminal_size(fd)
    except OSError:
        return _nothing
    frame = load_frame(frame_path(root, size.columns, size.lines, look_of(theme, ascii)))
    if frame is None or frame.count("\n") != size.lines - 1:
        return _nothing
    restore = _without_echo()
    lines = (f"\x1b[{row};1H{line}" for row, line in enumerate(frame.split("\n"), start=1))
    os.write(fd, (ENTER + "".join(lines)).encode())
    return restore


def take_down() -> None:
    """Leave the picture again: the program could not start."""
    if sys.stdout.isatty():
        os.write(sys.stdout.fileno(), LEAVE.encode())


def _nothing() -> None:
    return


def _without_echo() -> Callable[[], None]:
    """Stop the terminal from showing what is typed; the result undoes it."""
    try:
        import termios

        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
        quiet = termios.tcgetattr(fd)
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(fd, termios.TCSANOW, quiet)
    except (ImportError, OSError, ValueError, termios.error):
        return _nothing

    def restore() -> None:
        termios.tcsetattr(fd, termios.TCSANOW, before)

    return restore
