"""Incidents as text: a table, and one in full."""

from __future__ import annotations

from collections.abc import Sequence

from upriver.materializer.ports import Change, Incident, IncidentKind, IncidentState
from upriver.tui.present import figures
from upriver.tui.present.spans import EMPTY, Line, Page, Span, line, wrap
from upriver.tui.present.text.goals import moment
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import plural

STYLES = {
    IncidentState.OPENED: "state.failed",
    IncidentState.ACKNOWLEDGED: "state.pending",
    IncidentState.RECOVERED: "dim",
}
KINDS = {
    IncidentKind.FAILED: "failed",
    IncidentKind.CHECK: "check failed",
    IncidentKind.BROKEN: "broken",
    IncidentKind.SOURCE: "source",
    IncidentKind.OVERDUE: "overdue",
    IncidentKind.HELD: "held",
    IncidentKind.IN_DOUBT: "in doubt",
}
_DIFF_STYLES = {"+": "green", "-": "red"}


def incident_lines(incidents: Sequence[Incident], page: Page, *, now: float) -> list[Line]:
    """One line an incident: where, what, since when, what suffers, and whether it may heal by itself."""
    if not incidents:
        return [line("no incident is open")]
    rows = [
        (
            line(one.id),
            line(Span(one.state.value, STYLES[one.state])),
            line(where(one)),
            line(KINDS[one.cause.kind]),
            line(figures.age(now - one.cause.since)),
            line(Span(suffering(one), "dim")),
            line(Span(heals(one, now), "dim")),
            line(one.cause.message.partition("\n")[0]),
        )
        for one in incidents
    ]
    columns = (
        Column("id"),
        Column("state"),
        Column("where", minimum=12),
        Column("what", leaves=5),
        Column("since", align="right", leaves=4),
        Column("affects", leaves=2, minimum=8),
        Column("heals", leaves=1, minimum=8),
        Column("message", minimum=12, leaves=3),
    )
    return table(columns, rows, page.width)


def where(one: Incident) -> str:
    """The root of an incident."""
    return one.cause.asset or "the project"


def suffering(one: Incident) -> str:
    """What suffers, in numbers."""
    affected = one.cause.affected
    others = len([key for key in affected.assets if key != one.cause.asset])
    parts = [
        plural(others, "more asset") if others else "",
        plural(len(affected.goals), "goal") if affected.goals else "",
    ]
    return ", ".join(filter(None, parts))


def heals(one: Incident, now: float) -> str:
    """Whether it may go away by itself, and when."""
    if one.state is IncidentState.RECOVERED:
        return f"over since {moment(one.recovered, now)}"
    healing = one.cause.healing
    if not healing.by_itself:
        return f"not by itself: {healing.how}"
    return f"{healing.how}, {moment(healing.at, now)}" if healing.at else healing.how


def incident_in_full(one: Incident, page: Page, *, now: float) -> list[Line]:
    """All that is known of one incident."""
    cause, affected = one.cause, one.cause.affected
    title = line(
        Span(one.id, "bold"), "  ", Span(one.state.value, STYLES[one.state]), "  ", Span(where(one), "bold"),
        f"  {KINDS[cause.kind]}",
    )  # fmt: skip
    lines = [title]
    for part in cause.message.split("\n"):
        lines += [line("  ", text) for text in wrap(part, page.room(2))]
    times = "" if one.occurrence == 1 else f"; {one.occurrence} times so far"
    facts = [("since", f"{moment(cause.since, now)} ({figures.age(now - cause.since)}){times}")]
    if one.acknowledged is not None:
        facts.append(("acknowledged", moment(one.acknowledged, now) + (f": {one.note}" if one.note else "")))
    facts.append(("heals", heals(one, now)))
    if cause.last_good is not None:
        good = cause.last_good
        rows = f", {good.rows:,} rows" if good.rows is not None else ""
        kept = "is served" if good.served else "is not what is served"
        facts.append(("last good", f"of {moment(good.at, now)}, run {good.run}{rows}; it {kept}"))
    columns: dict[str, list[str]] = {}
    for key, column in affected.columns:
        columns.setdefault(key, []).append(column)
    suffers = [f"{key} ({', '.join(columns[key])})" if key in columns else key for key in affected.assets]
    for name, items in (("affects", suffers), ("goals", affected.goals), ("owners", affected.owners)):
        if items:
            facts.append((name, ", ".join(items)))
    for name, text in facts:
        first, *others = wrap(text, page.room(16))
        lines += [line(Span(f"  {name:<14}", "dim"), first), *(line(" " * 16, more) for more in others)]
    if cause.changes:
        lines += [EMPTY, line(Span("Changed since the last good", "bold"))]
        for change in cause.changes:
            lines += _change(change)
    return lines


def _change(change: Change) -> list[Line]:
    if change.what == "data":
        columns = f" ({', '.join(change.columns)})" if change.columns else ""
        return [line("  data  ", change.asset, Span(f"{columns}  {change.detail}", "dim"))]
    place = f"  {change.place.path}:{change.place.line}" if change.place else ""
    lines = [line("  code  ", change.detail, Span(place, "dim"))]
    return lines + [
        line("    ", Span(text.rstrip("\n"), _DIFF_STYLES.get(text[:1], "dim"))) for text in change.lines
    ]
