"""Documents of goals, and the lines of `watch`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from upriver.assets.model import Key
from upriver.materializer.automation.model import GoalReport, GoalStatus, WatchEvent
from upriver.tui.present.json.causes import diagnosis_documents
from upriver.tui.present.json.incidents import incident
from upriver.tui.present.json.values import instant


def goals(report: GoalReport) -> dict[str, Any]:
    """``goals``."""
    return {
        "goals": [_goal(status) for status in report.goals],
        "diagnoses": diagnosis_documents(report.diagnoses),
    }


def _goal(status: GoalStatus) -> dict[str, Any]:
    return {
        "id": status.id,
        "asset": status.asset,
        "kind": status.kind,
        "spec": status.spec,
        "state": status.state.value,
        "due": instant(status.due),
        "eta": None if status.eta is None else [instant(one) for one in status.eta],
        "lag": status.lag,
        "cause": None if status.cause is None else status.cause.value,
        "waiting_for": list(status.waiting_for),
        "missed": status.missed,
        "paused_until": instant(status.paused_until),
    }


def goals_paused(keys: Iterable[Key], until: float | None) -> dict[str, Any]:
    """``goals pause`` and ``goals resume``."""
    return {"assets": list(keys), "until": instant(until)}


def watch_event(event: WatchEvent) -> dict[str, Any]:
    """One line of ``watch --json``."""
    return {
        "at": instant(event.at),
        "event": event.event.value,
        "assets": list(event.assets),
        "detail": event.detail,
        "run_id": event.run,
        "until": instant(event.until),
        "goal": None if event.goal is None else _goal(event.goal),
        "incident": None if event.incident is None else incident(event.incident),
    }
