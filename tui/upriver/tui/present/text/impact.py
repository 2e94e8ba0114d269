"""Text of an impact analysis."""

from __future__ import annotations

from upriver.materializer.answers import Impact, Impacts
from upriver.tui.present.spans import EMPTY, Line, Page, Span, flowed, line
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import plural, reason_text

BREAKS = "breaks"
UNCHANGED = "no column that is read was lost, moved or changed its type: nothing downstream breaks"

_COLUMNS = (
    Column(""),
    Column("effect", leaves=1),
    Column("asset or column", minimum=24),
    Column("at", minimum=16),
    Column("because", minimum=24, leaves=2),
)


def impact_lines(impacts: Impacts, page: Page, nothing: str = UNCHANGED) -> list[Line]:
    """What breaks first, then what changes; *nothing* where there is none of it."""
    if not impacts:
        return [line(nothing)]
    ordered = sorted(impacts, key=lambda impact: impact.effect != BREAKS)
    breaking = sum(impact.effect == BREAKS for impact in impacts)
    changing = len(impacts) - breaking
    counts = []
    if breaking:
        counts.append(line(Span(f"{plural(breaking, 'place')} would break", "red")))
    if changing:
        counts.append(line(Span(f"{plural(changing, 'place')} would change", "yellow")))
    return [
        *table(_COLUMNS, [_row(impact, page) for impact in ordered], page.width),
        EMPTY,
        *flowed(counts, page.width),
    ]


def _row(impact: Impact, page: Page) -> list[Line]:
    breaks = impact.effect == BREAKS
    colour = "red" if breaks else "yellow"
    glyph = ("X" if breaks else "~") if page.ascii else ("✗" if breaks else "◔")
    name = impact.asset if impact.column is None else f"{impact.asset}.{impact.column}"
    place = "" if impact.place is None else str(impact.place)
    because = reason_text(impact.because, impact.asset)
    return [
        (Span(glyph, colour),),
        (Span(impact.effect, colour),),
        (Span(name),),
        (Span(place),),
        (Span(because),),
    ]
