"""Goals as text: a table, the late ones first, and what the loop that keeps them tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from upriver.assets.model import Key
from upriver.materializer.automation.model import (
    GoalCause,
    GoalState,
    GoalStatus,
    Happening,
    WatchEvent,
)
from upriver.materializer.ports import Incident
from upriver.tui.present import figures
from upriver.tui.present.spans import EMPTY, Line, Page, Span, line
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import plural

WORDS = {
    GoalState.ON_TIME: "on time",
    GoalState.DUE: "due",
    GoalState.AT_RISK: "at risk",
    GoalState.OVERDUE: "overdue",
}
_ORDER = (GoalState.OVERDUE, GoalState.AT_RISK, GoalState.DUE, GoalState.ON_TIME)
_STYLES = {
    GoalState.ON_TIME: "",
    GoalState.DUE: "state.pending",
    GoalState.AT_RISK: "state.stale",
    GoalState.OVERDUE: "state.failed",
}


def goal_lines(goals: Sequence[GoalStatus], page: Page, *, now: float) -> list[Line]:
    """One line a goal: how it stands, when it is due, when it will be done, how old its content is, and why."""
    if not goals:
        return [
            line("no goal is declared; docs/goals.md says how: `fresh_within: 1h` in the header of an asset")
        ]
    rows = [
        (
            line(Span(WORDS[goal.state], _STYLES[goal.state])),
            line(goal.asset),
            line(Span(goal.spec, "dim")),
            line(moment(goal.due, now)),
            line(_range(goal.eta, now)),
            line("" if goal.lag is None else figures.age(goal.lag)),
            line(Span(why(goal, now), "dim")) if why(goal, now) else EMPTY,
        )
        for goal in sorted(goals, key=lambda one: (_ORDER.index(one.state), one.due or now))
    ]
    columns = (
        Column("state"),
        Column("asset", minimum=12),
        Column("goal", minimum=8, leaves=3),
        Column("due", leaves=4),
        Column("done", leaves=2),
        Column("lag", align="right", leaves=1),
        Column("why", minimum=8, leaves=5),
    )
    return table(columns, rows, page.width)


def why(goal: GoalStatus, now: float) -> str:
    """What stands in the way of a goal, in a few words."""
    names = ", ".join(goal.waiting_for)
    missed = f"{plural(goal.missed, 'tick')} missed" if goal.missed else ""
    text = {
        None: "",
        GoalCause.RUNNING: "running",
        GoalCause.WAITING: f"waits for {names}",
        GoalCause.FAILED: "failed; `upriver why` tells",
        GoalCause.APPROVAL: "waits for `upriver approve`",
        GoalCause.TRIPPED: "failed too often; it waits for other code or inputs, or `upriver build`",
        GoalCause.BROKEN: "its declaration is broken",
        GoalCause.UNOBSERVED: f"can't be observed: {names}",
        GoalCause.HELD: "one edit made too much stale; `upriver build` goes on",
        GoalCause.PAUSED: "paused"
        + (f" until {moment(goal.paused_until, now)}" if goal.paused_until else ""),
    }[goal.cause]
    return "; ".join(filter(None, (text, missed)))


def moment(at: float | None, now: float) -> str:
    """A moment in local time, with its day when that is another."""
    if at is None:
        return ""
    when, today = datetime.fromtimestamp(at).astimezone(), datetime.fromtimestamp(now).astimezone()
    return when.strftime("%H:%M:%S" if when.date() == today.date() else "%Y-%m-%d %H:%M")


def _range(eta: tuple[float, float] | None, now: float) -> str:
    if eta is None:
        return ""
    first, last = moment(eta[0], now), moment(eta[1], now)
    return first if first == last else f"{first} – {last}"


def paused_lines(keys: Sequence[Key], until: float | None, now: float, *, resumed: bool) -> list[Line]:
    """Whose goals wait now, or go on."""
    if resumed:
        return [line(f"{plural(len(keys), 'asset')} resumed" + (f": {', '.join(keys)}" if keys else ""))]
    end = f"until {moment(until, now)}" if until is not None else "until `upriver goals resume`"
    return [line(f"{plural(len(keys), 'asset')} paused {end}: {', '.join(keys)}")]


def watch_line(event: WatchEvent) -> Line:
    """One thing that happened, with its time."""
    time = Span(datetime.fromtimestamp(event.at).astimezone().strftime("%H:%M:%S "), "dim")
    names = ", ".join(event.assets[:5]) + (
        f" and {len(event.assets) - 5} more" if len(event.assets) > 5 else ""
    )
    goal = event.goal
    text = {
        Happening.STARTED: "watching",
        Happening.GOAL: ""
        if goal is None
        else ": ".join(
            filter(None, (f"{goal.asset} is {WORDS[goal.state]} ({goal.spec})", why(goal, event.at)))
        ),
        Happening.MISSED: f"{names}: {event.detail}",
        Happening.BUILDING: f"builds {names}",
        Happening.BUILT: f"run {event.run}: {event.detail}",
        Happening.HELD: f"waits for a person: {event.detail}",
        Happening.WAITING: f"{names} {event.detail}; tried again {moment(event.until, event.at) or 'when it changes'}",
        Happening.INCIDENT: "" if event.incident is None else _incident(event.incident, event.detail),
        Happening.ALERT: f"alert {event.detail}",
        Happening.PROBLEM: event.detail,
        Happening.STOPPING: f"stopping when {names} is done",
        Happening.STOPPED: "stopped",
    }[event.event]
    return line(time, text)


def _incident(one: Incident, detail: str) -> str:
    return f"incident {one.id} {one.state.value}: {one.cause.asset or 'the project'}: {detail}"
