"""Root causes of what is wrong now, found in a survey and in how goals stand; what suffers belongs to its cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.lineage.project.project import Project
from upriver.materializer.automation.model import GoalCause, GoalState, GoalStatus
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.model import Cause, Failure, State
from upriver.materializer.ports import Affected, Healing, IncidentKind, RootCause

_SHOWN = 500
"""So many characters of an error are kept with an incident; the log of the run has all."""


def root_causes(
    seen: Survey,
    statuses: Sequence[GoalStatus],
    now: float,
    retries: Mapping[Key, float] | None = None,
    diagnoses: Iterable[Diagnosis] = (),
    tripped: Collection[Key] = (),
) -> tuple[RootCause, ...]:
    """What is wrong among the assets of *seen*, one value a cause, in the order of the graph.

    *retries* is when what failed is tried again. *diagnoses* are about the project as a whole.
    """
    found = [
        *_of_project(diagnoses, now),
        *_of_sources(seen, now),
        *_of_assets(seen, now, retries or {}, tripped),
    ]
    overdue = [one for one in statuses if one.state is GoalState.OVERDUE and not _excused(seen, one)]
    if not found and not overdue:
        return ()
    suffering = _suffering(seen, {one.asset for one in found})
    late: dict[Key, list[GoalStatus]] = {}
    for status in overdue:
        if not suffering.get(status.asset):
            late.setdefault(status.asset, []).append(status)
    found += _of_goals(seen, late, now)
    if late:
        suffering = _suffering(seen, {one.asset for one in found})
    goals: dict[Key, list[str]] = {}
    for status in statuses:
        if status.state is not GoalState.ON_TIME:
            goals.setdefault(status.asset, []).append(status.id)
    return tuple(_with_affected(seen.project, one, suffering, goals) for one in found)


def of_error(message: str, now: float) -> tuple[RootCause, ...]:
    """The cause when the project as a whole can't be used."""
    return (_cause("", IncidentKind.BROKEN, message, now, _MEND),)


def _excused(seen: Survey, status: GoalStatus) -> bool:
    """Whether a goal that is overdue is no trouble: it is paused, or its asset was never built and is about to be."""
    if status.cause is GoalCause.PAUSED:
        return True
    never = Node(status.asset) not in seen.records
    return never and status.cause in (None, GoalCause.RUNNING, GoalCause.WAITING)


_MEND = Healing(by_itself=False, how="when the declaration is mended")


def _cause(
    key: Key, kind: IncidentKind, message: str, since: float, healing: Healing, among: tuple[Key, ...] = ()
) -> RootCause:
    text = message if len(message) <= _SHOWN else message[:_SHOWN] + "…"
    return RootCause(key, kind, text, since, Affected(among), healing)


def _of_project(diagnoses: Iterable[Diagnosis], now: float) -> list[RootCause]:
    texts = list(dict.fromkeys(str(one) for one in diagnoses))
    return [_cause("", IncidentKind.BROKEN, "\n".join(texts), now, _MEND)] if texts else []


def _of_sources(seen: Survey, now: float) -> list[RootCause]:
    found = []
    for key, message in seen.views.problems.items():
        misfit = key in seen.views.misfits
        how = (
            "when it is as it was, or `upriver accept` takes it as it is" if misfit else "when it can be read"
        )
        found.append(_cause(key, IncidentKind.SOURCE, message, now, Healing(by_itself=not misfit, how=how)))
    return found


def _of_assets(
    seen: Survey, now: float, retries: Mapping[Key, float], tripped: Collection[Key]
) -> list[RootCause]:
    found: dict[object, RootCause] = {}
    for key, finding in seen.by_asset.items():
        if key in seen.project.sources:
            continue
        if finding.state is State.BROKEN:
            # What one place of the code breaks is one thing to mend, however many assets are declared there.
            place = (finding.diagnoses[0].place, finding.diagnoses[0].message) if finding.diagnoses else key
            first = found.get(place)
            message = "\n".join(map(str, finding.diagnoses))
            found[place] = (
                _cause(key, IncidentKind.BROKEN, message, now, _MEND, (key,))
                if first is None
                else msgspec.structs.replace(first, affected=Affected((*first.affected.assets, key)))
            )
        elif finding.state is State.FAILED or finding.fallback is not None:
            found[key] = _failed(
                key, finding, seen.failures.get(Node(key)), now, None if key in tripped else retries
            )
    return list(found.values())


def _failed(
    key: Key, finding: Finding, failure: Failure | None, now: float, retries: Mapping[Key, float] | None
) -> RootCause:
    checks = [reason.detail for reason in finding.reasons if reason.kind is Cause.CHECK]
    if checks:
        how = "when what it is made from, or the check, is another; or by `upriver build --accept`"
        healing = Healing(by_itself=True, how=how)
        return _cause(key, IncidentKind.CHECK, "; ".join(checks), now, healing)
    at = None if retries is None else retries.get(key)
    how = "`upriver watch` tries it again" if at is not None else "when it is built again"
    if retries is None:
        how = (
            "it failed too often for one cause: when its code or its inputs are others, or by `upriver build`"
        )
    since, message = (failure.at, failure.error) if failure is not None else (now, "its last attempt failed")
    return _cause(key, IncidentKind.FAILED, message, since, Healing(at is not None, how, at))


def _of_goals(seen: Survey, late: Mapping[Key, Sequence[GoalStatus]], now: float) -> list[RootCause]:
    """Of goals that are overdue without anything being wrong: one cause for those that wait for each other."""
    first: dict[Key, Key] = {}
    found: dict[Key, RootCause] = {}
    held: list[Key] = []
    for key in seen.by_asset:
        ahead = [first[up] for up in seen.project.graph.upstreams(key) if up in first]
        if key not in late:
            if ahead and seen.by_asset[key].state is not State.FRESH:
                first[key] = ahead[0]
            continue
        if any(status.cause is GoalCause.HELD for status in late[key]):
            held.append(key)
            continue
        first[key] = ahead[0] if ahead else key
        if not ahead:
            status = min(late[key], key=lambda one: one.due or now)
            how = (
                "when it is built" if status.cause is not GoalCause.UNOBSERVED else "when it can be observed"
            )
            healing = Healing(by_itself=True, how=how, at=status.eta[1] if status.eta else None)
            cause = f" ({status.cause.value})" if status.cause else ""
            message = f"its goal, {status.spec}, does not hold{cause}"
            since = min(status.due or now, now)
            found[key] = _cause(key, IncidentKind.OVERDUE, message, since, healing)
    if held:
        message = "an edit of code made more stale than [watch] at_most lets be built without being asked"
        healing = Healing(by_itself=False, how="`upriver build` builds it, or raise at_most")
        found[held[0]] = _cause(held[0], IncidentKind.HELD, message, now, healing, tuple(held))
    return list(found.values())


def _suffering(seen: Survey, roots: Collection[Key]) -> dict[Key, frozenset[Key]]:
    """For each asset that is not fresh, the roots that it waits for, itself included."""
    found: dict[Key, frozenset[Key]] = {key: frozenset({key}) for key in roots if key}
    for key, finding in seen.by_asset.items():  # topological
        if finding.state is State.FRESH:
            continue
        above = frozenset[Key]().union(
            *(found.get(up, frozenset()) for up in seen.project.graph.upstreams(key))
        )
        if above:
            found[key] = found.get(key, frozenset()) | above
    return found


def _with_affected(
    project: Project,
    one: RootCause,
    suffering: Mapping[Key, frozenset[Key]],
    goals: Mapping[Key, Sequence[str]],
) -> RootCause:
    members = {one.asset, *one.affected.assets}
    assets = project.graph.sort(key for key, roots in suffering.items() if roots & members)
    declared = [asset for key in assets if (asset := project.declared(key)) is not None]
    affected = Affected(
        assets,
        (),
        tuple(sorted({asset.owner for asset in declared if asset.owner})),
        tuple(sorted({tag for asset in declared for tag in asset.tags})),
        tuple(goal for key in assets for goal in goals.get(key, ())),
    )
    return msgspec.structs.replace(one, affected=affected)
