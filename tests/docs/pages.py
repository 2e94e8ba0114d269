"""The blocks of a page of the documentation, and the project in which they are tried.

A page is tried from top to bottom in a folder of its own:

- a block whose first line is a comment that names a file (``-- assets/a.sql``, ``# upriver.toml``) is written there;
- each line of a ``console`` block that begins with ``$`` is run; what stands below it, up to the next, is quoted output.

``# exits with 3`` behind a command says its exit code, where that is not 0. A comment before a block says more:
``<!-- begin: shop -->`` that the page goes on from what ``upriver init shop`` writes, built, inside of it;
``<!-- not run: why -->`` that only the syntax of the block is checked.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>begin|not run): (?P<said>[^\n]*?) -->\n\s*)?"
    r"^(?P<indent> *)```(?P<language>[\w-]+)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_BEGIN = re.compile(r"^<!-- begin: (\S+) -->$", re.MULTILINE)
_FILE = re.compile(r"(?:#|--|//) ((?:[\w.-]+/)*[\w-]+\.\w+|Dockerfile|Makefile)\n")
_EXIT = re.compile(r"\s+# exits with (\d+)$")


@dataclass(frozen=True)
class Command:
    """A command of a page: what is typed, the output that is quoted below it, and how it is said to end."""

    words: str
    quoted: tuple[str, ...]
    code: int


@dataclass(frozen=True)
class Block:
    """A fenced block. *not_run* says why only its syntax is checked; *path* is the file that it is, if it is one."""

    language: str
    text: str
    not_run: str | None
    line: int

    @property
    def path(self) -> str | None:
        """The file that it is written to."""
        found = _FILE.match(self.text)
        return None if found is None or self.not_run else found[1]

    @property
    def content(self) -> str:
        """The text of that file: the line that names it is left out."""
        return self.text.partition("\n")[2]

    @property
    def commands(self) -> tuple[Command, ...]:
        """What is typed in it, in order."""
        if self.language != "console":
            return ()
        commands: list[Command] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                ends = _EXIT.search(line)
                words = line[2 : ends.start()] if ends else line[2:]
                commands.append(Command(words, (), int(ends[1]) if ends else 0))
            elif commands:
                last = commands[-1]
                commands[-1] = Command(last.words, (*last.quoted, line), last.code)
        return tuple(commands)


@dataclass(frozen=True)
class Page:
    """A page of the documentation."""

    path: Path

    @property
    def name(self) -> str:
        """Where it is in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """It, as it is written."""
        return self.path.read_text(encoding="utf-8")

    @property
    def begins_with_the_shop(self) -> bool:
        """Whether it goes on from the project that ``upriver init`` writes."""
        return _BEGIN.search(self.text) is not None

    def blocks(self) -> Iterator[Block]:
        """Its blocks, in order."""
        text = self.text
        for found in _BLOCK.finditer(text):
            body = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
            why = found["said"] if found["mark"] == "not run" else None
            yield Block(found["language"], body, why, text.count("\n", 0, found.start("text")))


@dataclass
class Desk:
    """A shell at a folder, in which the commands of a page are typed one after the other."""

    folder: Path
    tools: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, tools: Path) -> Desk:
        """A shell in *folder*, which is shown as ``~``; its ``upriver``, put into *tools*, is the one of this Python."""
        tools.mkdir(exist_ok=True)
        (tools / "upriver").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m upriver "$@"\n')
        (tools / "upriver").chmod(0o755)
        path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
        git = {f"GIT_{who}_{what}": "reader" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        own = {"PATH": path, "NO_COLOR": "1", "XDG_STATE_HOME": str(tools / "state")}
        environment = os.environ | git | own
        for name in ("UPRIVER_ALLOW", "COLUMNS"):  # as at a reader's desk: the test runner sets them
            environment.pop(name, None)
        return cls(folder, tools, folder, environment)

    def write(self, block: Block) -> None:
        """Write a block to the file that it is."""
        assert block.path is not None
        target = self.folder / block.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.content, encoding="utf-8")

    def type(self, words: str) -> tuple[int, str]:
        """The exit code and the output of a command; a ``cd`` in it holds for the next."""
        place = self.tools / "folder"
        line = f"trap 'pwd > {shlex.quote(str(place))}' EXIT\n{words}"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
        )
        self.folder = Path(place.read_text(encoding="utf-8").strip())
        return done.returncode, done.stdout.replace(str(self.home), "~")


SOMETIMES = ("slowest:", "saved about")
"""How lines begin that are told only where there is something worth it, which a fast machine may not have."""

_ID = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b|\b[0-9a-f]{10,64}\b")
_WHEN = re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?Z?")
_FIGURE = re.compile(r"\d[\d.,]*\s?(?:ms|s|m|h|d|min|B|kB|MB|GB|%|×)?(?![\w])")


def normal(line: str) -> str:
    """A line of output without what differs from run to run: times, durations, sizes, numbers, the width of columns."""
    line = _WHEN.sub("WHEN", _ID.sub("ID", line))
    line = re.sub(r"\s+", " ", _FIGURE.sub("N", line)).strip()
    return re.sub(r"\bnow\b", "N ago", line) if "made now" in line else line


def not_found(quoted: tuple[str, ...], output: str) -> str | None:
    """The first quoted line that *output* does not have, below those that stand before it; ``…`` leaves out lines."""
    rest = iter([normal(line) for line in output.splitlines()])
    for line in quoted:
        wanted = normal(line)
        if not wanted or wanted == "…" or wanted.startswith(SOMETIMES):
            continue
        begins = wanted.removesuffix("…").strip()
        if not any(given == wanted or (wanted.endswith("…") and given.startswith(begins)) for given in rest):
            return line
    return None
