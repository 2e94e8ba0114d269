"""Text of how well it is known what assets read from outside."""

from __future__ import annotations

from collections.abc import Sequence

from upriver.materializer.answers import AssetTrust
from upriver.materializer.model import Trust
from upriver.tui.present.spans import EMPTY, Line, Page, Span, line, wrap
from upriver.tui.present.text.table import Column, table

_STYLES = {Trust.CONTENT: "green", Trust.VERSION: "green"}
_COLUMNS = (
    Column("asset", minimum=20),
    Column("trust"),
    Column("what it reads", minimum=20),
    Column("why", leaves=1),
)


def trust_lines(known: Sequence[AssetTrust], uncovered: Sequence[str], page: Page) -> list[Line]:
    """One row an asset with its least trust, its edges below it, and what is not covered for any."""
    rows: list[tuple[Line, ...]] = []
    for one in known:
        if one.trust is None:
            rows.append((line(one.asset), line(Span("not built", "dim")), EMPTY, EMPTY))
            continue
        rows.append((line(one.asset), line(Span(one.trust.value, _style(one.trust))), EMPTY, EMPTY))
        rows += [
            (
                EMPTY,
                line(Span(edge.trust.value, _style(edge.trust))),
                line(edge.source),
                line(Span(edge.detail, "dim")),
            )
            for edge in one.edges
        ]
    lines = table(_COLUMNS, rows, page.width)
    lines += [EMPTY, (Span("Not covered, for Python assets", "bold"),)]
    for text in uncovered:
        first, *others = wrap(text, page.room(4))
        lines += [line("  · ", first), *(line("    ", other) for other in others)]
    return lines


def _style(trust: Trust) -> str:
    return _STYLES.get(trust, "yellow")
