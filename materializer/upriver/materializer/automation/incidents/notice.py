"""Notice: compares what is wrong now with the incidents that are open, and records what has become of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from upriver.assets.errors import UpriverError
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.automation.incidents.transitions import compare
from upriver.materializer.context import Context
from upriver.materializer.freshness.explain import code_diff, recipe_diff
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.model import Cause, Materialization, Reason, Version
from upriver.materializer.ports import (
    Change,
    Incident,
    IncidentKind,
    LastGood,
    Message,
    RootCause,
    Transition,
)

_MOST_LINES = 40
"""So many changed lines are kept with an incident."""

_MOST_COLUMNS = 500

Outgoing = Callable[[Transition], Sequence[Message]]
"""What is to be sent about a transition."""


def notice(
    context: Context,
    causes: Sequence[RootCause],
    seen: Survey | None,
    outgoing: Outgoing = lambda transition: (),
    *,
    among: Collection[Key] | None = None,
) -> tuple[Transition, ...]:
    """Record what opens, changes and recovers; those transitions that this call has recorded.

    *among* are the assets that were looked at (None: all); *seen* is None when the project can't be used: then nothing
    is known to have recovered.
    """
    state, environment = context.state, context.environment
    known = state.incidents(environment, open=True)
    if not known and not causes:
        return ()

    def earlier(cause: RootCause) -> int:
        like = (
            one.occurrence
            for one in state.incidents(environment, limit=1000)
            if (one.cause.asset, one.cause.kind) == (cause.asset, cause.kind)
        )
        return max(like, default=0)

    def within(key: Key) -> bool:
        return seen is not None and (among is None or key in among or key not in seen.project.graph)

    found = compare(environment, known, causes, context.clock.now(), within=within, earlier=earlier)
    if seen is None:
        found = [one for one in found if one.after.open]
    full = [
        msgspec.structs.replace(one, after=_detailed(context, seen, one.after))
        if seen is not None and (one.before is None or one.before.cause.asset != one.after.cause.asset)
        else one
        for one in found
    ]
    ready = [
        msgspec.structs.replace(one, messages=tuple(outgoing(one))) if news(one) else one for one in full
    ]
    return tuple(state.record_transitions(ready))


def news(transition: Transition) -> bool:
    """Whether a transition is worth telling: it opens, ends, or is found to be something else than it seemed."""
    before, after = transition.before, transition.after
    return before is None or before.state is not after.state or before.cause.kind is not after.cause.kind


def _detailed(context: Context, seen: Survey, incident: Incident) -> Incident:
    """A new incident with what is costly to find: the columns that suffer, what has changed, what is served."""
    cause = incident.cause
    record = seen.records.get(Node(cause.asset))
    affected = msgspec.structs.replace(cause.affected, columns=_columns(context, cause))
    if record is None or cause.asset not in seen.by_asset:
        return msgspec.structs.replace(incident, cause=msgspec.structs.replace(cause, affected=affected))
    reasons = [
        one for one in seen.by_asset[cause.asset].reasons if one.kind not in (Cause.CHECK, Cause.FAILED)
    ]
    good: Materialization | None = record
    if cause.kind is IncidentKind.CHECK and not reasons:  # what failed the check is what is served
        good = _before(context, record)
        changes = _between(context, seen, good, record) if good is not None else ()
    else:
        changes = _until_now(context, seen, cause.asset, reasons)
    last = None
    if good is not None:
        last = LastGood(good.id, good.run, good.finished, good.version.rows, served=good is record)
    cause = msgspec.structs.replace(cause, affected=affected, changes=changes, last_good=last)
    return msgspec.structs.replace(incident, cause=cause)


def _columns(context: Context, cause: RootCause) -> tuple[tuple[Key, str], ...]:
    from upriver.materializer.inspection.lineage import of_now

    project = context.project(refresh=False)
    if cause.asset not in project.graph:
        return ()
    try:
        view = of_now(context, None).around(
            cause.asset, None, upstream=False, downstream=True, columns=True, depth=None
        )
    except UpriverError:
        return ()  # what is broken has no columns that could be told
    among = set(cause.affected.assets)
    named = ((node.asset, node.column) for node in view.nodes if node.column and node.asset in among)
    return tuple(dict.fromkeys((key, column) for key, column in named if column))[:_MOST_COLUMNS]


def _until_now(context: Context, seen: Survey, key: Key, reasons: Iterable[Reason]) -> tuple[Change, ...]:
    """What is another than in the last materialization: code by line, data by column and rows."""
    # Of a broken file the message shows the place; it can't be taken apart into pieces of code.
    diffs = recipe_diff(context, seen, key) if key in seen.project.assets else ()
    code = [Change(key, "code", diff.name, (), diff.place, diff.lines[:_MOST_LINES]) for diff in diffs]
    data = [
        Change(one.asset, "data", one.detail, one.columns)
        for one in reasons
        if one.kind in _BY_DATA and not (one.kind is Cause.UPSTREAM and one.asset in seen.views.problems)
    ]
    return (*code, *data)


_BY_DATA = frozenset(
    {Cause.DATA, Cause.SCHEMA, Cause.ENVIRONMENT, Cause.VOLATILE, Cause.ENGINE, Cause.UPSTREAM}
)


def _before(context: Context, record: Materialization) -> Materialization | None:
    """The latest materialization of other content before *record*."""
    for one in context.state.history(record.asset, 50):
        if one.finished < record.finished and one.version.id != record.version.id:
            return one
    return None


def _between(
    context: Context, seen: Survey, good: Materialization, record: Materialization
) -> tuple[Change, ...]:
    """What is another in *record* than in the one before it."""
    parts = context.state.recipe_parts
    changes = [
        Change(record.asset, "code", diff.name, (), diff.place, diff.lines[:_MOST_LINES])
        for diff in code_diff(parts(good.trace.recipe), parts(record.trace.recipe))
    ]
    then = {read.upstream: read for read in good.trace.reads}
    for read in record.trace.reads:
        old = then.get(read.upstream)
        now = _version(seen, read.upstream, read.version)
        if old is None or old.version == read.version or now is None or seen.contents.same(old, now):
            continue
        columns, detail = seen.contents.changed_columns(old, now), seen.contents.describe_change(old, now)
        changes.append(Change(read.upstream, "data", detail, columns))
    return tuple(changes)


def _version(seen: Survey, key: Key, id_: str) -> Version | None:
    finding = seen.by_asset.get(key)
    if finding is not None and finding.version is not None and finding.version.id == id_:
        return finding.version
    known = seen.views.sources.known(key) if key in seen.project.sources else None
    return known.version if known is not None and known.version.id == id_ else None
