"""Rows of a code diff: highlighted lines with their numbers in the file."""

from __future__ import annotations

from upriver.materializer.answers import CodeDiff
from upriver.tui.app.widgets.text import Row, code, plain
from upriver.tui.present.views.diffs import numbered_in_file
from upriver.tui.present.views.highlight import highlighted

_DIFF_LINES = 30


def diff_rows(diff: CodeDiff, most: int = _DIFF_LINES) -> list[Row]:
    """The lines of a diff, highlighted, with their numbers; at most *most* of them."""
    language = "python" if diff.place is not None and diff.place.path.endswith(".py") else "sql"
    lines = numbered_in_file(diff)
    rows = []
    for line in lines[:most]:
        if line.mark == "@":
            rows.append(plain("⋯", "faint", 8))
            continue
        tokens = highlighted(line.text, language)
        rows.append(code(tokens[0] if tokens else (), line.number, line.mark))
    if len(lines) > most:
        rows.append(plain(f"{len(lines) - most} more lines: x shows them", "faint", 8))
    return rows
