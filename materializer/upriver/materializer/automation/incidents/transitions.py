"""Transitions of incidents: what opens, changes and recovers when causes are compared with what was known. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from upriver.assets.errors import UsageError
from upriver.assets.model import Key
from upriver.materializer.ports import (
    Affected,
    Healing,
    Incident,
    IncidentKind,
    IncidentState,
    RootCause,
    Transition,
)


def compare(
    environment: str,
    known: Sequence[Incident],
    causes: Iterable[RootCause],
    now: float,
    *,
    within: Callable[[Key], bool],
    earlier: Callable[[RootCause], int],
) -> list[Transition]:
    """What has become of the open incidents *known*, given all *causes* of now.

    Only what lies *within* what was looked at can have recovered. *earlier* counts like incidents of before.
    """
    left = {(one.cause.asset, one.cause.kind): one for one in known}
    found = []
    same = [(cause, left.pop((cause.asset, cause.kind), None)) for cause in causes]
    for cause, before in same:
        if before is None:
            before = _late_before(left, cause)
        if before is None:
            found.append(Transition(None, _opened(environment, cause, now, earlier(cause) + 1)))
        elif (after := _continued(before, cause, within)) != before:
            found.append(Transition(before, after))
    for (key, _), one in left.items():
        if not key or within(key):
            over = msgspec.structs.replace(one, state=IncidentState.RECOVERED, recovered=now)
            found.append(Transition(one, over))
    return found


def _late_before(left: dict[tuple[Key, IncidentKind], Incident], cause: RootCause) -> Incident | None:
    """The incident of something that was late, for the reason that is known now: it goes on under that name."""
    if cause.kind is IncidentKind.OVERDUE:
        return None
    for key in cause.affected.assets:
        if (before := left.pop((key, IncidentKind.OVERDUE), None)) is not None:
            return before
    return None


def _opened(environment: str, cause: RootCause, now: float, occurrence: int) -> Incident:
    text = f"{environment}\0{cause.asset}\0{cause.kind.value}\0{now!r}"
    id_ = hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
    return Incident(id_, environment, cause, IncidentState.OPENED, now, occurrence=occurrence)


def _continued(before: Incident, cause: RootCause, within: Callable[[Key], bool]) -> Incident:
    """An incident that goes on: since when, what has changed and which columns suffer stay as they were found.

    What was not looked at suffers still.
    """
    was = before.cause
    old, new = was.affected, cause.affected
    assets = _joined(new.assets, (key for key in old.assets if not within(key)))
    goals = _joined(new.goals, (goal for goal in old.goals if not within(goal.rpartition("/")[0])))
    partly = assets != new.assets
    affected = Affected(
        assets,
        tuple((key, column) for key, column in old.columns if key in assets),
        _joined(new.owners, old.owners) if partly else new.owners,
        _joined(new.tags, old.tags) if partly else new.tags,
        goals,
    )
    now = msgspec.structs.replace(
        cause,
        since=min(was.since, cause.since),
        affected=affected,
        changes=was.changes if was.asset == cause.asset else cause.changes,
        last_good=was.last_good if was.asset == cause.asset else cause.last_good,
        healing=cause.healing if cause.healing.at is not None else _at(cause, was),
    )
    return msgspec.structs.replace(before, cause=now)


def _at(cause: RootCause, was: RootCause) -> Healing:
    # Who only looks does not know when the loop tries again.
    return was.healing if was.healing.by_itself and was.healing.at is not None else cause.healing


def _joined(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def acknowledged(incident: Incident, note: str, now: float) -> Incident:
    """*incident*, of which a person has taken notice. Raises UsageError when it is over."""
    if not incident.open:
        raise UsageError(f"incident {incident.id} is over: {incident.cause.message}")
    return msgspec.structs.replace(
        incident,
        state=IncidentState.ACKNOWLEDGED,
        acknowledged=incident.acknowledged or now,
        note=note or incident.note,
    )


def named(incidents: Collection[Incident], id_: str) -> Incident:
    """The incident that *id_*, or its beginning, names. Raises UsageError when that is none, or several."""
    found = [one for one in incidents if one.id.startswith(id_)] if id_ else []
    exact = [one for one in found if one.id == id_]
    if len(exact or found) != 1:
        what = "several incidents are" if found else "there is no incident"
        raise UsageError(f"{what} {id_!r}; `upriver incidents --all` lists them")
    return (exact or found)[0]
