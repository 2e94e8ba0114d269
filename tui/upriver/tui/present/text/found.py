"""Tables found in a folder of data as lines: what was taken for what, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from upriver.materializer.sources.found import FoundTable, LeftOut
from upriver.tui.present.spans import Line, Span, line
from upriver.tui.present.words import plural


def found_lines(tables: Sequence[FoundTable]) -> list[Line]:
    """One line a table: its staging asset, rows, columns, key and files."""
    width = max(len(one.name) for one in tables)
    return [
        line(
            "  ",
            Span(f"staging.{one.name:<{width}}", "bold"),
            f"  {plural(one.rows, 'row')}, {plural(len(one.columns), 'column')}",
            f", one per {' and '.join(one.key)}" if one.key else "",
            Span(f"  from {', '.join(one.paths)}{f' ({one.table})' if one.table else ''}", "dim"),
        )
        for one in tables
    ]


def left_out_lines(files: Sequence[LeftOut]) -> list[Line]:
    """One line a file that is no table."""
    return [line(Span("left out", "yellow"), f"  {one.path}: {one.why}") for one in files]
