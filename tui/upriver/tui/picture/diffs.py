"""Unified diffs as numbered lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from upriver.assets.model import Place
from upriver.materializer.views import CodeDiff

_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,\d+)? \+(?P<new>\d+)(?:,\d+)? @@")


class DiffLine(NamedTuple):
    """*mark* is ``+``, ``-``, blank, or ``@`` where lines are left out; *number* the line in its own version."""

    mark: str
    number: int | None
    text: str


def numbered(lines: Iterable[str]) -> list[DiffLine]:
    """The lines of ``difflib``'s unified form, without its file names."""
    found: list[DiffLine] = []
    old = new = 1
    in_hunk = False
    for line in lines:
        line = line.rstrip("\n")
        if match := _HUNK.match(line):
            if found:
                found.append(DiffLine("@", None, ""))
            old, new, in_hunk = int(match["old"]), int(match["new"]), True
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


def first_change(diff: CodeDiff) -> Place | None:
    """Where the first changed line is in the file as it is now."""
    if diff.place is None:
        return None
    for line in numbered(diff.lines):
        if line.mark == "+" and line.number is not None:
            return Place(diff.place.path, line.number)
    return diff.place
