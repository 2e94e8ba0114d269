"""Contracts as text."""

from __future__ import annotations

from upriver.lineage.refactoring.freeze import Freezing
from upriver.tui.present.spans import Line, Span, line
from upriver.tui.present.words import plural

_STYLES = {"+": "green", "-": "red"}


def freezing_lines(found: Freezing, *, dry_run: bool) -> list[Line]:
    """The lines that a contract adds to a file."""
    columns = plural(len(found.schema), "column")
    if not found.diff:
        return [line(f"{found.asset} promises its {columns} already")]
    does = "would promise" if dry_run else "promises"
    told = line(f"{found.asset} {does} {columns}{', and no others' if found.closed else ''}")
    return [
        line(Span(found.file.path, "bold")),
        *(line(Span(f"  {text}", _STYLES.get(text[:1], "dim"))) for text in found.diff),
        told,
    ]
