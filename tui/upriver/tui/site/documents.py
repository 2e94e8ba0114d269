"""Data of the static pages: plain values, as ``pages/site.js`` reads them.

The index has one row for each asset; what only the page of one asset shows is in parts, which the browser loads when
they are looked at. Nothing here is a row or a value of one: what failed recipes said is left out, and texts in quotes,
which may be values, are masked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from upriver.assets.model import Key
from upriver.lineage.model import EdgeGroup
from upriver.materializer.answers import AssetStatus
from upriver.materializer.automation.model import GoalStatus
from upriver.materializer.inspection.catalogue import CatalogueEntry
from upriver.materializer.model import Cause, Reason
from upriver.tui.present.words import phrases

PART_BYTES = 256 * 1024
"""Parts are closed when they have reached this size: a page loads in a moment, and there are few files."""

_QUOTED = re.compile(r"'[^']*'")
_SAYS_VALUES = frozenset({Cause.FAILED, Cause.BROKEN, Cause.UNBOUND})


def index(
    name: str,
    environment: str,
    statuses: Sequence[AssetStatus],
    parts: Mapping[Key, int],
    *,
    made: float,
    version: str,
) -> dict[str, Any]:
    """What every page needs. An asset is ``[key, kind, engine, state, part, rows, bytes, built, owner, tags,
    description, upstreams, why]``; upstreams are places in the same list.
    """
    place = {one.asset: number for number, one in enumerate(statuses)}
    return {
        "name": name,
        "environment": environment,
        "made": made,
        "version": version,
        "assets": [
            [
                one.asset,
                one.kind,
                one.engine,
                one.state.value,
                parts[one.asset],
                one.rows,
                one.bytes,
                one.materialized_at,
                one.owner or "",
                list(one.tags),
                one.description,
                [place[up] for up in one.upstreams if up in place],
                phrases(tuple(map(_quiet, one.reasons)), one.asset),
            ]
            for one in statuses
        ],
    }


def parts(
    entries: Iterable[CatalogueEntry],
    statuses: Mapping[Key, AssetStatus],
    goals: Iterable[GoalStatus],
    *,
    code: bool,
) -> Iterator[dict[Key, bytes]]:
    """What only the pages of single assets show, as JSON by key, in parts of about :data:`PART_BYTES`."""
    due: dict[Key, list[GoalStatus]] = defaultdict(list)
    for goal in goals:
        due[goal.asset].append(goal)
    part: dict[Key, bytes] = {}
    size = 0
    for entry in entries:
        status = statuses[entry.asset]
        text = msgspec.json.encode(_detail(entry, status, due[entry.asset], code=code))
        part[entry.asset] = text
        size += len(text)
        if size >= PART_BYTES:
            yield part
            part, size = {}, 0
    if part:
        yield part


def _detail(
    entry: CatalogueEntry, status: AssetStatus, goals: Sequence[GoalStatus], *, code: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "columns": [[one.name, one.type, one.description, one.promised] for one in entry.columns],
        "edges": [_edges(group) for group in entry.edges],
        "opaque": list(entry.opaque),
        "checks": [[one.name, one.severity.value, one.place] for one in entry.checks],
        "goals": [[one.spec, one.state.value, one.due, one.lag] for one in goals],
        "history": [[one.at, one.seconds, one.rows, one.bytes, one.version[:12]] for one in entry.builds],
        "location": entry.location,
    }
    if status.place is not None:
        found["place"] = str(status.place)
    if code and entry.code:
        found |= {"code": entry.code, "language": entry.language}
    return found


def _edges(group: EdgeGroup) -> list[Any]:
    """``[upstream, its columns, columns, kind, how, expression]``; null stands for rows, and no columns for all."""
    columns = None if group.columns is None else list(group.columns)
    return [
        group.upstream,
        list(group.upstream_columns),
        columns,
        group.kind.value,
        group.how,
        group.expression,
    ]


def _quiet(reason: Reason) -> Reason:
    """The reason without what may be a value of a row."""
    if reason.kind in _SAYS_VALUES:
        return msgspec.structs.replace(reason, detail="")
    return msgspec.structs.replace(reason, detail=_QUOTED.sub("'…'", reason.detail))
