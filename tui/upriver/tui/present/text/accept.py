"""Text of accepted sources: what is another than before."""

from __future__ import annotations

from collections.abc import Sequence

from upriver.materializer.answers import Accepted
from upriver.tui.present.spans import Line, Page, wrap
from upriver.tui.present.words import plural


def accept_lines(found: Sequence[Accepted], page: Page) -> list[Line]:
    """One line a source, with a line for each change."""
    lines: list[Line] = []
    for one in found:
        columns = plural(len(one.columns), "column")
        if one.before is None:
            told = f"{one.source}: {columns}, written to sources.lock"
        elif one.changes:
            told = f"{one.source}: {columns}, taken as it is now"
        else:
            told = f"{one.source}: {columns}, as before"
        lines += wrap(told, page.width)
        for change in one.changes:
            lines += wrap(f"  {change}", page.width, "dim")
    return lines
