"""A program in a pseudo-terminal of 120×36, with the times at which its bytes come out."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path

WIDTH, HEIGHT = 120, 36
QUIET = 0.12
"""Seconds without output after which the screen counts as settled."""

PLACE = re.compile(rb"\x1b\[(\d+);\d+H")


class Terminal:
    """The app in a pseudo-terminal, with the times at which bytes came out of it."""

    def __init__(self, words: Sequence[str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            # The size must be there before the first picture is painted.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
            os.execv(words[0], words)
        self.text = b""

    def read(self, timeout: float) -> bytes:
        """What comes within *timeout* seconds, b"" for nothing."""
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return b""
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return b""
        self.text += data
        return data

    def until(self, what: bytes, timeout: float = 60.0) -> float:
        """Seconds from the start until *what* has been written."""
        while what not in self.text:
            self.read(0.5)
            if time.perf_counter() - self.started > timeout:
                raise TimeoutError(f"{what!r} never came; the last was {self.text[-400:]!r}")
        return time.perf_counter() - self.started

    def settle(self, quiet: float = QUIET, timeout: float = 10.0) -> None:
        """Read until nothing comes for *quiet* seconds."""
        end = time.perf_counter() + timeout
        while self.read(quiet) and time.perf_counter() < end:
            pass

    def press(self, keys: str, quiet: float = QUIET) -> tuple[float | None, float, int]:
        """Press; seconds to the first and to the last byte of the answer, and how many bytes it has."""
        begun = time.perf_counter()
        os.write(self.fd, keys.encode())
        first: float | None = None
        last, size = begun, 0
        while True:
            data = self.read(quiet if first is not None else 1.0)
            if not data:
                break
            if set(PLACE.findall(data)) <= {b"1"}:
                continue  # the clock in the first row goes on by itself
            last = time.perf_counter()
            first = first if first is not None else last - begun
            size += len(data)
            if last - begun > 2.0:
                break
        return first, last - begun, size

    def resident(self) -> float:
        """Resident memory in MB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu(self) -> float:
        """Seconds of processor time so far, of all threads: to the nanosecond, whatever else the machine does."""
        tasks = Path(f"/proc/{self.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def close(self) -> None:
        """Leave the app."""
        os.write(self.fd, b"q")
        end = time.perf_counter() + 5
        while time.perf_counter() < end:
            done, _ = os.waitpid(self.pid, os.WNOHANG)
            if done:
                break
            self.read(0.1)
        else:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


def percentile(values: list[float], share: float) -> float:
    """The value below which *share* of *values* lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
