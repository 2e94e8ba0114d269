"""Routing: which transition of an incident goes to which target, and when it may be sent. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

from upriver.assets.model import Value
from upriver.assets.project.alerts import Alert, Quiet
from upriver.materializer.automation.ticks import local_day, moment
from upriver.materializer.ports import Message, Transition


class Target(Value, frozen=True):
    """One address or command of an alert. *name* tells it from others, and holds no secret."""

    name: str
    alert: Alert
    address: str = ""
    command: tuple[str, ...] = ()


def targets(alerts: Iterable[Alert]) -> Mapping[str, Target]:
    """All targets by name. The same address in two alerts is one target, of the first that fits."""
    found: dict[str, Target] = {}
    for number, alert in enumerate(alerts):
        for address in alert.to:
            name = f"{address.partition(':')[0]}:{_digest(str(number), address)}"
            found.setdefault(name, Target(name, alert, address))
        if alert.command:
            program = alert.command[0].rpartition("/")[2]
            name = f"command {program}:{_digest(str(number), *alert.command)}"
            found.setdefault(name, Target(name, alert, command=alert.command))
    return found


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=4).hexdigest()


def outgoing(
    known: Mapping[str, Target], environment: str, zone: str, now: float
) -> Callable[[Transition], Sequence[Message]]:
    """What makes the messages of a transition, for each target that wants it."""

    def messages(transition: Transition) -> Sequence[Message]:
        after = transition.after
        return [
            Message(
                f"{after.id}-{after.state.value}-{target.name.rpartition(':')[2]}",
                target.name,
                after,
                after.state,
                now,
                open_at(target.alert, now + target.alert.group, zone),
            )
            for target in known.values()
            if wants(target.alert, transition, environment)
        ]

    return messages


def wants(alert: Alert, transition: Transition, environment: str) -> bool:
    """Whether *alert* is about a transition. One that is over is told where it was told when it opened."""
    after, affected = transition.after, transition.after.cause.affected
    return (
        after.state.value in alert.transitions
        and (not alert.kinds or after.cause.kind.value in alert.kinds)
        and (not alert.owners or bool({*alert.owners} & {*affected.owners}))
        and (not alert.tags or bool({*alert.tags} & {*affected.tags}))
        and (not alert.environments or environment in alert.environments)
    )


def open_at(alert: Alert, at: float, zone: str) -> float:
    """*at*, or the end of the quiet hours that it lies in."""
    if alert.quiet is None:
        return at
    return _end(alert.quiet, at, alert.quiet.zone or zone)


def _end(quiet: Quiet, at: float, zone: str) -> float:
    today = local_day(at, zone)
    for days in (-1, 0):  # hours over midnight may have begun yesterday
        day = today + timedelta(days=days)
        start = moment(day, quiet.start, zone)
        end = moment(day + timedelta(days=quiet.end <= quiet.start), quiet.end, zone)
        if start <= at < end:
            return end
    return at
