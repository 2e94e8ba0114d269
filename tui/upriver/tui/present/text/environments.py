"""Text of the list of environments."""

from __future__ import annotations

from collections.abc import Sequence

from upriver.materializer.answers import EnvironmentEntry
from upriver.tui.present.spans import EMPTY, Line, Page, Span, line
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import plural


def environment_lines(entries: Sequence[EnvironmentEntry], page: Page) -> list[Line]:
    """One line an environment: its name, how much it points at, what it is and what builds it now."""
    rows = [
        (
            line(entry.name),
            line(str(entry.nodes)),
            line(Span(_kind(entry), "dim")),
            line(f"run {', '.join(entry.running)}") if entry.running else EMPTY,
        )
        for entry in entries
    ]
    columns = (
        Column("environment", minimum=8),
        Column("assets", align="right"),
        Column("", leaves=2),
        Column("building", minimum=8, leaves=1),
    )
    return table(columns, rows, page.width)


def removed_lines(name: str, count: int, page: Page) -> list[Line]:
    """What was forgotten."""
    return [
        line(f"removed {name}: {plural(count, 'asset')} forgotten; `upriver gc` drops what only it needed")
    ]


def _kind(entry: EnvironmentEntry) -> str:
    kinds = [*(["default"] if entry.default else []), *(["declared"] if entry.declared else [])]
    return ", ".join(kinds)
