"""Connections, and what is in their systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from upriver.tui.present.spans import EMPTY, Line, Page, Span, line
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import plural

if TYPE_CHECKING:
    from upriver.materializer.ports.system import ConnectionEntry, SystemObject


def connection_lines(entries: Sequence[ConnectionEntry], page: Page, *, tested: bool) -> list[Line]:
    """One line a connection: what it is, what reads it, and if it was *tested* who answers."""
    if not entries:
        return [line('no connections; upriver.toml declares them: [connections.shop] url = "postgresql://…"')]
    rows = []
    for one in entries:
        said = EMPTY
        if tested:
            first = (one.error or "").partition("\n")[0]
            said = line(Span(first, "red")) if one.error else line(Span(one.answer or "", "green"))
        url = line(Span(one.url or "(secret)", "dim"))
        rows.append((line(one.name), url, line(plural(len(one.sources), "source")), said))
    columns = (
        Column("connection", minimum=8),
        Column("url", minimum=12),
        Column("read by"),
        Column("answers" if tested else "", leaves=1),
    )
    lines = table(columns, rows, page.width)
    for one in entries:
        lines += [line(f"  {one.name}: ", text.strip()) for text in (one.error or "").splitlines()[1:]]
    return lines


def object_lines(name: str, objects: Sequence[SystemObject], page: Page) -> list[Line]:
    """One line a table, with how a source is declared of it."""
    if not objects:
        return [line(f"nothing of that name in {name} that may be read")]
    rows = [
        (
            line(one.name),
            line(Span(one.kind, "dim")),
            line("" if one.rows is None else f"about {one.rows:,}"),
        )
        for one in objects
    ]
    columns = (Column("name", minimum=12), Column(""), Column("rows", align="right"))
    hint = f'source("raw.NAME", connection="{name}", table="{objects[0].name}")'
    return [*table(columns, rows, page.width), EMPTY, line(Span(hint, "dim"))]
