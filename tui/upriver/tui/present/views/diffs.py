"""Unified diffs as numbered lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from upriver.assets.model import Place
from upriver.materializer.answers import CodeDiff

_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,\d+)? \+(?P<new>\d+)(?:,\d+)? @@")


class DiffLine(NamedTuple):
    """*mark* is ``+``, ``-``, blank, or ``@`` where lines are left out; *number* the line in its own version."""

    mark: str
    number: int | None
    text: str


def numbered(lines: Iterable[str], start: int = 1) -> list[DiffLine]:
    """The lines of ``difflib``'s unified form, without its file names; the piece begins in line *start* of its file."""
    found: list[DiffLine] = []
    old = new = start
    in_hunk = False
    for line in lines:
        line = line.rstrip("\n")
        if match := _HUNK.match(line):
            if found:
                found.append(DiffLine("@", None, ""))
            old, new = (int(match[side]) + start - 1 for side in ("old", "new"))
            in_hunk = True
        elif not in_hunk and line.startswith(("---", "+++")):
            continue
        elif line.startswith("+"):
            found.append(DiffLine("+", new, line[1:]))
            new += 1
        elif line.startswith("-"):
            found.append(DiffLine("-", old, line[1:]))
            old += 1
        else:
            found.append(DiffLine(" ", new, line[1:]))
            old += 1
            new += 1
    return found


def numbered_in_file(diff: CodeDiff) -> list[DiffLine]:
    """The lines of *diff* with the numbers that they have in its file."""
    return numbered(diff.lines, diff.place.line if diff.place is not None else 1)


def first_change(diff: CodeDiff) -> Place | None:
    """Where the first changed line is in the file as it is now; where lines are only gone, the one after them."""
    if diff.place is None:
        return None
    at = diff.place.line
    changed = False
    for line in numbered_in_file(diff):
        changed = changed or line.mark in ("+", "-")
        if line.mark in ("+", " ") and line.number is not None:
            at = line.number if changed else line.number + 1
        if changed and line.mark != "-":
            break
    return Place(diff.place.path, at)
