"""The picture shown before the program is there."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from upriver.tui.app.startup_frame import frame_path, load_frame, look_of, paint_cached_frame, save_frame


def test_a_kept_picture_is_found_again(tmp_path: Path) -> None:
    """By size and look."""
    path = frame_path(tmp_path, 80, 24, look_of("nord", ascii=True))
    assert path.name == "frame-80x24-nord-ascii.ansi"
    save_frame(path, "\x1b[1;31m✓ all\x1b[0m\nright")
    assert load_frame(path) == "\x1b[1;31m✓ all\x1b[0m\nright"
    assert load_frame(frame_path(tmp_path, 81, 24, "nord")) is None


@pytest.mark.parametrize(
    "harm",
    [
        "\x1b]52;c;aGVsbG8=\x07",  # writes the clipboard
        "\x1b[2J",  # moves and erases
        "\x1b[5n",  # makes the terminal answer
        "\x07",
        "\x9b31m",
        "a\rb",
        "\x1bc",
    ],
)
def test_a_picture_that_would_drive_the_terminal_is_not_shown(tmp_path: Path, harm: str) -> None:
    """The state folder may come from anywhere."""
    path = tmp_path / "frame.ansi"
    path.write_text(f"fine {harm} fine", encoding="utf-8", newline="")
    assert load_frame(path) is None


def test_a_damaged_or_huge_picture_is_not_shown(tmp_path: Path) -> None:
    """It is only a picture."""
    path = tmp_path / "frame.ansi"
    path.write_bytes(b"\xff\xfe")
    assert load_frame(path) is None
    path.write_text("a" * 500_000)
    assert load_frame(path) is None


def test_where_there_is_no_terminal_nothing_is_painted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe stays clean."""
    paint_cached_frame(tmp_path)()
    assert capsys.readouterr().out == ""


def test_a_picture_that_cannot_be_kept_is_no_problem(tmp_path: Path) -> None:
    """Such as on a full or read-only disk."""
    (tmp_path / "file").write_text("")
    save_frame(tmp_path / "file" / "frame.ansi", "x")


def test_it_is_painted_without_textual_in_a_terminal_and_typing_is_not_echoed(tmp_path: Path) -> None:
    """In a process of its own, as it is used."""
    program = """
import fcntl, struct, sys, termios
fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 2, 20, 0, 0))
from pathlib import Path
from upriver.tui.app.startup_frame import paint_cached_frame
restore = paint_cached_frame(Path(sys.argv[1]))
assert not termios.tcgetattr(0)[3] & termios.ECHO
restore()
assert termios.tcgetattr(0)[3] & termios.ECHO
assert not {"textual", "rich", "msgspec", "duckdb"} & set(sys.modules), sorted(sys.modules)
print("END")
"""
    save_frame(frame_path(tmp_path, 20, 2, look_of(None, ascii=False)), "first line\nsecond")
    ours, theirs = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(ours, 4096):
                seen.append(data)
        except OSError:
            return

    reader = threading.Thread(target=read)
    reader.start()
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=60,
        env={k: v for k, v in os.environ.items() if k != "NO_COLOR"},
    )  # fmt: skip
    os.close(theirs)
    reader.join(10)
    os.close(ours)
    assert done.returncode == 0, done.stderr.decode()
    text = b"".join(seen).decode()
    assert text.startswith("\x1b[?1049h\x1b[?25l\x1b[1;1Hfirst line\x1b[2;1Hsecond")
    assert "END" in text
