"""The order of the list: what needs attention first, with related assets under one another.

All of it is computed from statuses alone, in a worker thread, for any number of assets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus
from upriver.materializer.model import State

_BAND = {
    State.BROKEN: 0,
    State.FAILED: 1,
    State.BLOCKED: 1,
    State.STALE: 2,
    State.PENDING: 2,
    State.RUNNING: 2,
    State.MISSING: 3,
    State.FRESH: 4,
}
"""Assets of one band stand together; within it they hang under their upstreams."""

_RANK = {
    State.BROKEN: 0,
    State.FAILED: 0,
    State.BLOCKED: 1,
    State.STALE: 2,
    State.RUNNING: 2,
    State.PENDING: 3,
    State.MISSING: 4,
    State.FRESH: 5,
}


class Sort(StrEnum):
    """By what the list is ordered."""

    ATTENTION = "attention"
    LINEAGE = "lineage"
    NAME = "name"
    AGE = "age"
    DURATION = "duration"
    ROWS = "rows"


@dataclass(frozen=True)
class Listing:
    """Keys in the order of the list. *parents* maps an asset to the one that it hangs under, for the gutter."""

    keys: tuple[Key, ...] = ()
    parents: Mapping[Key, Key] = field(default_factory=dict)
    sort: Sort = Sort.ATTENTION
    youngest: frozenset[Key] = frozenset()
    """Keys that are the last to hang under their parent."""


def listing(
    statuses: Mapping[Key, AssetStatus], sort: Sort, ranked_as: Mapping[Key, State] | None = None
) -> Listing:
    """Order *statuses* (in topological order).

    What runs is ordered by the state that it had before, which *ranked_as* tells: it stays where it was.
    """
    if sort is Sort.LINEAGE or sort is Sort.ATTENTION:
        before = ranked_as or {}
        states = {
            key: before.get(key, status.state) if status.state is State.RUNNING else status.state
            for key, status in statuses.items()
        }
        return _forest(statuses, states, sort)
    return Listing(tuple(sorted(statuses, key=_flat_order(statuses, sort))), sort=sort)


def _flat_order(statuses: Mapping[Key, AssetStatus], sort: Sort) -> Callable[[Key], tuple[float, Key]]:
    if sort is Sort.AGE:
        return lambda key: (statuses[key].materialized_at or 0.0, key)
    if sort is Sort.DURATION:
        return lambda key: (-(statuses[key].seconds or 0.0), key)
    if sort is Sort.ROWS:
        return lambda key: (-(statuses[key].rows or 0), key)
    return lambda key: (0.0, key)


def _forest(statuses: Mapping[Key, AssetStatus], states: Mapping[Key, State], sort: Sort) -> Listing:
    """Hang each asset under the upstream with the longest chain in its own band, and walk depth first."""
    bands = {key: _BAND[state] for key, state in states.items()} if sort is Sort.ATTENTION else {}
    depth: dict[Key, int] = {}
    parents: dict[Key, Key] = {}
    children: dict[Key, list[Key]] = {}
    roots: list[Key] = []
    for key, status in statuses.items():
        band = bands.get(key)
        best = -1
        parent: Key | None = None
        for upstream in status.upstreams:
            reach = depth.get(upstream, -1)
            if reach > best and bands.get(upstream) == band:
                best, parent = reach, upstream
        depth[key] = best + 1
        if parent is None:
            roots.append(key)
        else:
            parents[key] = parent
            children.setdefault(parent, []).append(key)
    weight = blast_weights(statuses)

    def urgency(key: Key) -> tuple[int, int, int]:
        return (bands.get(key, 0), _RANK[states[key]], -weight[key])

    order = urgency if sort is Sort.ATTENTION else (lambda key: (0, 0, -weight[key]))
    for below in children.values():
        if len(below) > 1:
            below.sort(key=order)
    roots.sort(key=order)
    walked: list[Key] = []
    stack = roots[::-1]
    while stack:
        key = stack.pop()
        walked.append(key)
        below_key = children.get(key)
        if below_key:
            stack += below_key[::-1]
    return Listing(tuple(walked), parents, sort, frozenset(below[-1] for below in children.values()))


def blast_weights(statuses: Mapping[Key, AssetStatus]) -> dict[Key, int]:
    """For ordering: how much hangs on each asset. Counts paths, so diamonds weigh more than they hold."""
    cap = len(statuses)
    weight: dict[Key, int] = {}
    for key in reversed(tuple(statuses)):
        total = 0
        for downstream in statuses[key].downstreams:
            total += 1 + weight.get(downstream, 0)
        weight[key] = total if total < cap else cap
    return weight


def reach(statuses: Mapping[Key, AssetStatus], start: Key, *, down: bool) -> set[Key]:
    """Every asset downstream (or upstream) of *start*, without it."""
    seen: set[Key] = set()
    stack = [start]
    while stack:
        status = statuses.get(stack.pop())
        if status is None:
            continue
        for near in status.downstreams if down else status.upstreams:
            if near not in seen:
                seen.add(near)
                stack.append(near)
    return seen


def gutter(
    rows: Sequence[Key], index: int, listing: Listing, shown: Callable[[Key], bool] | None, width: int = 9
) -> str:
    """The lineage gutter of row *index*: ``●``, ``├─●``, ``│ ╰─●``; of deep rows the last levels only.

    *shown* tells which keys are in the list, None when all are. Costs the same in a list of any length.
    """
    path = _path(rows[index], listing, shown)
    depth = len(path)
    if depth == 0:
        return "●"
    if shown is None:
        line = [rows[index], *path]
        more = {depth - 1 - hop for hop in range(depth) if line[hop] not in listing.youngest}
    else:
        more = _levels_continued(rows, index, depth, listing, shown)
    hidden = max(0, depth - (width - 1) // 2)
    drawn = ["│ " if level in more else "  " for level in range(hidden, depth - 1)]
    drawn.append("├─" if depth - 1 in more else "╰─")
    text = "".join(drawn) + "●"
    return "‥" + text[1:] if hidden else text


_LOOK_AHEAD = 60


def _levels_continued(
    rows: Sequence[Key], index: int, depth: int, listing: Listing, shown: Callable[[Key], bool]
) -> set[int]:
    """The levels at which a later row hangs under the same ancestor, in a filtered list."""
    found: set[int] = set()
    lowest = depth
    for later in range(index + 1, min(len(rows), index + 1 + _LOOK_AHEAD)):
        level = len(_path(rows[later], listing, shown))
        if level <= lowest:
            found.add(level - 1)
            lowest = level - 1
        if lowest <= 0:
            break
    return found


def _path(key: Key, listing: Listing, shown: Callable[[Key], bool] | None) -> list[Key]:
    """The ancestors of *key* that are in the list, nearest first."""
    path: list[Key] = []
    parent = listing.parents.get(key)
    while parent is not None:
        if shown is None or shown(parent):
            path.append(parent)
        parent = listing.parents.get(parent)
    return path


def counts(statuses: Iterable[AssetStatus]) -> dict[State, int]:
    """How many assets are in each state."""
    found = dict.fromkeys(State, 0)
    for status in statuses:
        found[status.state] += 1
    return found
