"""Messages as text for people: what is wrong, what suffers, whether it heals by itself, and the key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from upriver.assets.support.redaction import revealed
from upriver.materializer.ports import Change, Message

_MOST = 20
_LINES = 12


def title(project: str, messages: Sequence[Message]) -> str:
    """One line about all of *messages*."""
    first = messages[0]
    where = first.incident.cause.asset or "the project"
    text = f"[{project} {first.incident.environment}] {first.transition.value}: {where} {_kind(first)}"
    more = f" and {len(messages) - 1} more" if len(messages) > 1 else ""
    repeated = " (possibly repeated)" if any(one.repeated for one in messages) else ""
    return revealed.hide(" ".join(f"{text}{more}{repeated}".split()))


def body(messages: Sequence[Message]) -> str:
    """All of *messages*, each with its key."""
    return revealed.hide("\n\n".join("\n".join(_lines(one)) for one in messages))


def _kind(message: Message) -> str:
    return message.incident.cause.kind.value.replace("_", " ")


def _lines(message: Message) -> list[str]:
    incident, cause = message.incident, message.incident.cause
    affected = cause.affected
    lines = [f"{message.transition.value}: {cause.asset or 'the project'} ({_kind(message)})", cause.message]
    lines.append(
        f"since {_moment(cause.since)}"
        + (f", {incident.occurrence} times so far" if incident.occurrence > 1 else "")
    )
    if incident.recovered is not None:
        lines.append(f"over since {_moment(incident.recovered)}")
    else:
        at = f", next at {_moment(cause.healing.at)}" if cause.healing.at is not None else ""
        lines.append(
            f"heals by itself: {cause.healing.how}{at}"
            if cause.healing.by_itself
            else f"does not heal by itself: {cause.healing.how}"
        )
    for name, items in (
        ("affects", affected.assets),
        ("columns", tuple(f"{key}.{column}" for key, column in affected.columns)),
        ("goals", affected.goals),
        ("owners", affected.owners),
    ):
        if items:
            more = f" and {len(items) - _MOST} more" if len(items) > _MOST else ""
            lines.append(f"{name}: {', '.join(items[:_MOST])}{more}")
    if cause.last_good is not None:
        served = "is served" if cause.last_good.served else "is not what is served"
        lines.append(f"last good: {_moment(cause.last_good.at)}, run {cause.last_good.run}; it {served}")
    for change in cause.changes[:_LINES]:
        lines += _change(change)
    if incident.note:
        lines.append(f"note: {incident.note}")
    lines.append(f"incident {incident.id} · `upriver incidents {incident.id}`")
    lines.append(f"key: {message.key}" + (" (possibly repeated)" if message.repeated else ""))
    return lines


def _change(change: Change) -> list[str]:
    if change.what == "data":
        columns = f" ({', '.join(change.columns)})" if change.columns else ""
        return [f"data: {change.asset}{columns} {change.detail}".rstrip()]
    place = f" {change.place.path}:{change.place.line}" if change.place else ""
    return [f"code: {change.detail}{place}", *(f"  {text.rstrip()}" for text in change.lines[:_LINES])]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
