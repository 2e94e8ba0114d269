"""Documents of incidents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from upriver.materializer.ports import Incident
from upriver.tui.present.json.values import instant


def incidents(found: Iterable[Incident]) -> dict[str, Any]:
    """``incidents``."""
    return {"incidents": [incident(one) for one in found]}


def incident(one: Incident) -> dict[str, Any]:
    """One incident."""
    cause, last = one.cause, one.cause.last_good
    return {
        "id": one.id,
        "cause": {"asset": cause.asset or None, "kind": cause.kind.value, "message": cause.message},
        "state": one.state.value,
        "since": instant(cause.since),
        "affected": {
            "assets": list(cause.affected.assets),
            "columns": [{"asset": key, "column": column} for key, column in cause.affected.columns],
            "owners": list(cause.affected.owners),
            "tags": list(cause.affected.tags),
            "goals": list(cause.affected.goals),
        },
        "changes": [
            {
                "asset": change.asset,
                "what": change.what,
                "detail": change.detail,
                "columns": list(change.columns),
                "file": change.place.path if change.place else None,
                "line": change.place.line if change.place else None,
                "lines": list(change.lines),
            }
            for change in cause.changes
        ],
        "last_good": None
        if last is None
        else {
            "id": last.id,
            "run_id": last.run,
            "at": instant(last.at),
            "rows": last.rows,
            "served": last.served,
        },
        "heals": {
            "by_itself": cause.healing.by_itself,
            "how": cause.healing.how,
            "at": instant(cause.healing.at),
        },
        "opened": instant(one.opened),
        "acknowledged": instant(one.acknowledged),
        "note": one.note,
        "recovered": instant(one.recovered),
        "occurrence": one.occurrence,
    }
