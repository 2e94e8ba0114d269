"""A real pseudo-terminal for tests, and a screen that understands the few sequences the display may use."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence

TOKEN = re.compile(r"\x1b\[(?P<args>[0-9;?]*)(?P<final>[A-Za-z])|(?P<char>[\s\S])")


class Screen:
    """Lines as a terminal of *columns* shows them; raises on any sequence that the display must not use."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines: list[list[str]] = [[]]
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        """Act on what was written."""
        for token in TOKEN.finditer(text):
            if token["char"] is not None:
                self._character(token["char"])
                continue
            number = int(token["args"] or 1) if token["args"].isdigit() or not token["args"] else 0
            match token["final"]:
                case "m":
                    pass
                case "A":
                    self.row = max(0, self.row - number)
                case "K":
                    del self._line()[self.column :]
                case "J":
                    del self._line()[self.column :]
                    del self.lines[self.row + 1 :]
                case _:
                    raise AssertionError(f"unexpected sequence {token[0]!r}")

    def _line(self) -> list[str]:
        while len(self.lines) <= self.row:
            self.lines.append([])
        return self.lines[self.row]

    def _character(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
        else:
            assert character.isprintable(), f"control character {character!r}"
            if self.column >= self.columns:
                self.row, self.column = self.row + 1, 0
            line = self._line()
            line += [" "] * (self.column + 1 - len(line))
            line[self.column] = character
            self.column += 1
        self._line()

    @property
    def text(self) -> str:
        """What is to be read."""
        return "\n".join("".join(line).rstrip() for line in self.lines)


class Terminal:
    """A program running in a pseudo-terminal."""

    def __init__(
        self, command: Sequence[str], columns: int = 90, rows: int = 24, environ: dict[str, str] | None = None
    ) -> None:
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.chunks: list[tuple[float, str]] = []
        environ = {**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1", **(environ or {})}
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            if name not in (environ or {}) or name == "COLUMNS":
                environ.pop(name, None)
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)

    def resize(self, columns: int, rows: int = 24) -> None:
        """Change the size of the window."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> None:
        """Collect what the program writes for so long, or until it ends."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                return
            try:
                data = os.read(self.master, 65536)
            except OSError:  # the program has closed its end
                return
            if not data:
                return
            self.chunks.append((time.monotonic(), data.decode("utf-8", "replace")))

    def read_until(self, wanted: Callable[[str], object], seconds: float = 20) -> None:
        """Collect what the program writes until all of it is as *wanted*; fail after so long."""
        until = time.monotonic() + seconds
        while not wanted(self.written):
            if time.monotonic() > until:
                self.process.kill()
                self.finish()
                raise AssertionError(f"never seen; instead:\n{self.written!r}")
            self.read(0.05)

    def finish(self, seconds: float = 20) -> int:
        """Read to the end; the exit code."""
        self.read(seconds)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.master)

    @property
    def written(self) -> str:
        """Everything that the program wrote."""
        return "".join(chunk for _, chunk in self.chunks)
