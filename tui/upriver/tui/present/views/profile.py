"""View of a column in numbers, now and before."""

from __future__ import annotations

from collections.abc import Iterable

from upriver.materializer.answers import ColumnProfile, Profile
from upriver.tui.present.glyphs import sparkline
from upriver.tui.present.styles import Line, Styles, fit

NAMES = 9


def column_lines(
    name: str, now: Profile | None, before: Profile | None, width: int, styles: Styles
) -> Iterable[Line]:
    """The numbers of column *name*: those of *now*, and those of *before* beside them when there are both."""
    sides = [one for one in (now, before) if one is not None]
    facts = [_facts(column_of(one, name), one.rows) for one in sides]
    room = (width - NAMES) // max(1, len(sides))
    if len(sides) == 2:
        yield (
            styles.line()
            .add("", styles.faint, NAMES)
            .add("now", styles.faint, room)
            .add("before", styles.faint)
        )
    for fact in dict.fromkeys(name for side in facts for name in side):
        values = [side.get(fact, "–") for side in facts]
        changed = len(values) == 2 and values[0] != values[1]
        line = styles.line().add(fact, styles.faint, NAMES)
        line.add(fit(values[0], room - 1), styles.accent if changed else styles.text, room)
        if len(values) == 2:
            line.add(fit(values[1], room - 1), styles.muted)
        yield line
    bars = [(one, column_of(one, name)) for one in sides]
    drawn = [(one, column.histogram) for one, column in bars if column is not None and column.histogram]
    if drawn:
        yield styles.line()
    for one, histogram in drawn:
        line = styles.line().add(
            sparkline(histogram, styles.ascii), styles.primary if one is sides[0] else styles.muted
        )
        yield line if len(drawn) == 1 else line.add(" now" if one is sides[0] else " before", styles.faint)


def column_of(profile: Profile, name: str) -> ColumnProfile | None:
    """The column *name* of *profile*."""
    return next((column for column in profile.columns if column.name == name), None)


def _facts(column: ColumnProfile | None, rows: int) -> dict[str, str]:
    if column is None:
        return {}
    share = column.nulls / rows if rows else 0.0
    unique = " (unique)" if rows and column.distinct >= rows else ""
    facts = {
        "type": column.type.lower(),
        "nulls": f"{column.nulls:,} ({share:.1%})" if column.nulls else "none",
        "distinct": f"{column.distinct:,}{unique}",
        "lowest": column.low,
        "middle": column.middle,
        "highest": column.high,
    }
    return {name: value for name, value in facts.items() if value is not None}
