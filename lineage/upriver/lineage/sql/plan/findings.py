"""Findings of a walk over a plan, as column edges and footprints."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TypeAlias

from upriver.assets.model import Key, Schema
from upriver.lineage.model import WHOLE, ColumnEdge, EdgeGroup, EdgeKind, Footprint, Footprints, KeyFilter
from upriver.lineage.sql.plan.flow import Influences, Relation, Scan, Sources

_INFLUENCE_HOWS = (
    "rows",
    "copy",
    "expression",
    "conditional",
    "limit",
    "distinct",
    "unnest",
    "window",
    "order",
    "aggregate",
    "group",
    "join",
    "filter",
    "opaque",
)
"""Where a column influences in several ways, the last of these is named."""

_Name: TypeAlias = tuple[Key, str | None]
"""An upstream and one of its columns, None for its rows."""


def column_edges(
    result: Relation,
    schema: Schema,
    sources: Sources,
    expressions: tuple[str | None, ...],
    reads: Footprints,
    schemas: Mapping[Key, Schema],
) -> tuple[ColumnEdge, ...]:
    """The edges of each output column: values first, then influences, each sorted by upstream column; then those of
    the rows.

    What is read (*reads*) and flows nowhere, such as what only may fail, counts as deciding the rows.
    """
    shared = _strongest(result.rows | result.order, sources)
    edges: list[ColumnEdge] = []
    for index, column in enumerate(schema):
        flow = result.column(index)
        made = sorted(
            {_name(source, sources) for source in flow.value if source not in sources.markers}, key=_place
        )
        own = _strongest(flow.influence, sources) if flow.influence else {}
        deciding = _both(shared, own)
        # Where a column of an upstream bears on this one, its rows do, too, and are not told again.
        known = {key for key, _ in made} | {key for key, name in deciding if name is not None}
        text = None if flow.how == "copy" else expressions[index]
        edges += [ColumnEdge(key, name, column.name, EdgeKind.VALUE, flow.how, text) for key, name in made]
        for (key, name), how in sorted(deciding.items(), key=lambda item: _place(item[0])):
            if name is not None or key not in known:
                edges.append(ColumnEdge(key, name, column.name, EdgeKind.INFLUENCE, how))
    bare = _bare(edges, shared, reads, sources, schemas)
    for (key, name), how in sorted({**bare, **shared}.items(), key=lambda item: _place(item[0])):
        edges.append(ColumnEdge(key, name, None, EdgeKind.INFLUENCE, how))
    return tuple(edges)


def _bare(
    edges: list[ColumnEdge],
    shared: Mapping[_Name, str],
    reads: Footprints,
    sources: Sources,
    schemas: Mapping[Key, Schema],
) -> dict[_Name, str]:
    """What is read and has no edge."""
    found: dict[_Name, str] = {}
    filtered: dict[Key, set[str]] = defaultdict(set)
    for scan in sources.scans:
        filtered[scan.key] |= scan.filtered
    known = {*shared, *((edge.upstream, edge.upstream_column) for edge in edges)}
    reached = {key for key, _ in known}
    for key, footprint in reads:
        columns = footprint.columns
        read = {column.name for column in schemas[key]} if columns is None else set(columns)
        if footprint.predicate is not None:
            read |= filtered[key]
        found.update(((key, name), "expression") for name in read if (key, name) not in known)
        if key not in reached:
            found[key, None] = "rows"
    return found


def _place(name: _Name) -> tuple[Key, str]:
    return name[0], name[1] or ""


def own_expressions(
    result: Relation, schema: Schema, sources: Sources, expressions: tuple[str | None, ...]
) -> tuple[tuple[str, str], ...]:
    """What makes the output columns into which no column of an upstream flows."""
    return tuple(
        (column.name, text)
        for index, column in enumerate(schema)
        if (text := expressions[index]) is not None
        and not any(sources.columns[source][1] for source in result.column(index).value)
    )


def opaque_groups(upstreams: Mapping[Key, Schema]) -> tuple[EdgeGroup, ...]:
    """All columns and the rows of all *upstreams* to everything that comes out, as values and as influence."""
    return tuple(
        EdgeGroup(key, (*(column.name for column in columns), None), None, kind, "opaque")
        for kind in (EdgeKind.VALUE, EdgeKind.INFLUENCE)
        for key, columns in sorted(upstreams.items())
    )


def _name(source: int, sources: Sources) -> _Name:
    scan, name = sources.columns[source]
    return sources.scans[scan].key, name


def _strongest(influences: Influences, sources: Sources) -> dict[_Name, str]:
    result: dict[_Name, str] = {}
    for source, how, _ in influences:
        if source not in sources.markers:
            name = _name(source, sources)
            if name not in result or _INFLUENCE_HOWS.index(how) > _INFLUENCE_HOWS.index(result[name]):
                result[name] = how
    return result


def _both(one: dict[_Name, str], other: dict[_Name, str]) -> dict[_Name, str]:
    if not other:
        return one
    result = dict(one)
    for name, how in other.items():
        if name not in result or _INFLUENCE_HOWS.index(how) > _INFLUENCE_HOWS.index(result[name]):
            result[name] = how
    return result


def used_sources(result: Relation, width: int, evaluated: set[int]) -> tuple[set[int], Influences]:
    """The sources that the query needs as values or may fail on, and those that decide something."""
    values, influences = set(evaluated), set(result.rows | result.order)
    for index in range(width):
        flow = result.column(index)
        values |= flow.value
        influences |= flow.influence
    return values, frozenset(influences)


def footprints(sources: Sources, values: set[int], influences: Influences) -> Footprints:
    """What is read of each upstream, all its scans together."""
    for marker, scans in sources.markers.items():
        if marker in values or any(source == marker for source, _, _ in influences):
            for scan_number in scans:
                sources.scans[scan_number].ordered = True
    by_key: dict[Key, list[int]] = defaultdict(list)
    for number, scan in enumerate(sources.scans):
        by_key[scan.key].append(number)
    read = _columns_read(sources, values, influences)
    return tuple((key, _footprint(sources, numbers, read)) for key, numbers in sorted(by_key.items()))


def key_filters(sources: Sources, reads: Footprints) -> tuple[KeyFilter, ...]:
    """The filters by semi-joins that concern all that is read of an upstream, where its keys are read, too."""
    known = dict(reads)
    scans = Counter(scan.key for scan in sources.scans)
    found = {
        one
        for scan in sources.scans
        if scans[scan.key] == 1 and len(scan.predicates) == 1 and not (scan.whole or scan.unfiltered)
        for one in scan.key_filters
        if one.by_column in (known[one.by].columns or ()) and one.by != one.upstream
    }
    return tuple(sorted(found, key=lambda one: (one.upstream, one.operand, one.by, one.by_column)))


def _columns_read(
    sources: Sources, values: set[int], influences: Influences
) -> dict[int, tuple[set[str], set[str]]]:
    """For each scan the columns read for other purposes than its predicate, and those read for it."""
    read: dict[int, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for source in values:
        number, name = sources.columns[source]
        if name is not None:
            read[number][0].add(name)
    for source, _, filter_number in influences:
        number, name = sources.columns[source]
        if number < 0 or name is None:
            continue
        scan = sources.scans[number]
        captured = filter_number in scan.captured and filter_number not in scan.escaped
        read[number][1 if captured else 0].add(name)
    return read


def _footprint(sources: Sources, numbers: list[int], read: dict[int, tuple[set[str], set[str]]]) -> Footprint:
    scans: list[Scan] = [sources.scans[number] for number in numbers]
    if any(scan.whole for scan in scans):
        return WHOLE
    predicates = {
        None if scan.unfiltered else predicate for scan in scans for predicate in scan.predicates or [None]
    }
    columns = {name for number in numbers for name in read[number][0]}
    if len(predicates) > 1:
        # Scans with different filters: which rows each of them takes depends on the filtered columns.
        columns |= {name for number in numbers for name in read[number][1]}
    texts = sorted(text for text in predicates if text is not None)
    predicate = " OR ".join(f"({text})" for text in texts) if len(texts) == len(predicates) else None
    if len(texts) == 1:
        predicate = predicate and texts[0]
    if predicate is None:
        columns |= {name for number in numbers for name in read[number][1]}
    return Footprint(tuple(sorted(columns)), predicate, any(scan.ordered for scan in scans))
