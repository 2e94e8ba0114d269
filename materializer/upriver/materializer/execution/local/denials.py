"""Denials of a confined attempt as values, also read from what libraries and programs say of them."""

from __future__ import annotations

import errno
import os
import re
import traceback
from collections.abc import Iterator
from enum import StrEnum

from upriver.assets.model import Value
from upriver.materializer.execution.local.opened_files import resolved


class Act(StrEnum):
    """What was tried."""

    READ = "read"
    LIST = "list"
    MATCH = "match"
    """Find and read the files that a pattern fits."""
    WRITE = "write"
    CONNECT = "connect"


class Denied(Value, frozen=True):
    """One denial. *path* is absolute and as it was named, *real* is where it leads; for a pattern both are the pattern.

    *line* is the line of project code that tried, empty where there is none on the stack. *told* says that a hook has
    seen it happen, rather than a message of another program.
    """

    act: Act
    path: str = ""
    real: str = ""
    line: str = ""
    told: bool = True


_DENIED = re.compile(r"permission denied|unable to open database|no files found that match", re.IGNORECASE)
_QUOTED = re.compile(r"\"([^\"\n]+)\"|'([^'\n]+)'|`([^`\n]+)`")
_MARKS = ".,:;()[]{}<>\"'`"
_MOST_MENTIONED = 200


def denials_of(error: BaseException, root: str) -> Iterator[Denied]:
    """What *error*, its causes and what came before it say of denials of paths in the project at *root*."""
    seen: set[int] = set()
    open_: list[BaseException | None] = [error]
    while open_:
        one = open_.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        open_ += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            open_ += one.exceptions
        if isinstance(one, OSError) and one.errno in (errno.EACCES, errno.EPERM):
            if (line := _line_that_made_a_socket(one, root)) is not None:
                yield Denied(Act.CONNECT, line=line)
            for name in (one.filename, one.filename2):
                if isinstance(name, str | bytes):
                    yield from _named(os.fsdecode(name), root)
        text = _text(one)
        said = getattr(one, "stderr", None)  # of a program that was run
        if isinstance(said, bytes):
            said = said.decode("utf-8", "replace")
        for part in (text, said):
            if isinstance(part, str):
                yield from denials_in(part, root)


def _line_that_made_a_socket(error: OSError, root: str) -> str | None:
    """The line of the project that wanted a socket, if *error* is that there is none to be had."""
    frames = traceback.extract_tb(error.__traceback__)
    if error.filename is not None or not frames or not frames[-1].filename.endswith(f"{os.sep}socket.py"):
        return None
    ours = [frame for frame in frames if frame.filename.startswith(f"{root}{os.sep}")]
    return f"{ours[-1].filename.removeprefix(root + os.sep)}:{ours[-1].lineno}" if ours else ""


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 -- an exception that can't tell what it is about
        return ""


def denials_in(text: str, root: str) -> Iterator[Denied]:
    """The paths in the project at *root* that *text* says are denied."""
    if not _DENIED.search(text):
        return
    for number, name in enumerate(_mentioned(text)):
        if number >= _MOST_MENTIONED:
            return
        yield from _named(name, root)


def _mentioned(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if _DENIED.search(line):
            yield from (next(filter(None, groups)) for groups in _QUOTED.findall(line))
            words = line.split()
            yield from (word.strip(_MARKS) for word in words)
            # A path with blanks in it, between the colons of "cat: my file.csv: Permission denied".
            yield from (part.strip().strip(_MARKS) for part in line.split(": "))


def _named(name: str, root: str) -> Iterator[Denied]:
    if not name or "\0" in name or len(name) > 4096:
        return
    path = os.path.normpath(os.path.join(root, name))  # noqa: PTH118 -- plain strings throughout
    real = resolved(path)
    if not f"{path}/".startswith(f"{root}/") and not f"{real}/".startswith(f"{root}/"):
        return
    if os.path.isdir(real):  # noqa: PTH112
        if real != root:
            yield Denied(Act.LIST, path, real, told=False)
    elif os.path.isfile(real):  # noqa: PTH113
        yield Denied(Act.READ, path, real, told=False)
    elif any(mark in name for mark in "*?[") and os.path.isdir(_folder(path)):  # noqa: PTH112
        yield Denied(Act.MATCH, path, path, told=False)


def _folder(pattern: str) -> str:
    """The folder that a pattern looks in."""
    return os.path.dirname(re.split(r"[*?[]", pattern, maxsplit=1)[0])  # noqa: PTH120
