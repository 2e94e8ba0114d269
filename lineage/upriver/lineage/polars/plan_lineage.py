"""Column lineage of a LazyFrame that a recipe returned, from its logical plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

import polars as pl

from upriver.assets.model import Key
from upriver.assets.support.deep_stack import with_deep_stack
from upriver.lineage.columns.groups import grouped
from upriver.lineage.model import Analysis, ColumnEdge, EdgeKind, Footprint, Opaque
from upriver.lineage.polars.binding import binding
from upriver.lineage.polars.dtypes import schema_of
from upriver.lineage.polars.flow import Column, Flow
from upriver.lineage.polars.observe import ObservedSource, Recorder
from upriver.lineage.polars.tree import FAILURES, PlanNode, read_plan
from upriver.lineage.polars.walk import Walk, scanned
from upriver.lineage.polars.wording import made_by


def analyze_lazyframe(
    frame: pl.LazyFrame,
    recorders: Mapping[Key, Recorder],
    *,
    order_promised: bool = False,
    called: Callable[[str], str] = str,
) -> Analysis:
    """Where the columns of *frame* come from, by the upstreams whose scans *recorders* watch.

    To be called before *frame* is collected: what was read until then was read inside the recipe, and what
    became of it is not known. Each recorder is told whether the order of its rows matters, which it also does
    when *order_promised* says that the order of the result is part of it. Never raises for what a plan holds. *called*
    is that of :func:`~upriver.lineage.polars.binding.binding`.
    """
    return with_deep_stack(lambda: _analyze(frame, recorders, order_promised, called))


def _analyze(
    frame: pl.LazyFrame,
    recorders: Mapping[Key, Recorder],
    order_promised: bool,
    called: Callable[[str], str],
) -> Analysis:
    try:
        plan, pruned = read_plan(frame), read_plan(frame, pruned=True)
        output = frame.collect_schema()
        walk = Walk(_key_of)
        relation = walk.relation(plan, order_promised)
    except FAILURES as error:
        for recorder in recorders.values():
            recorder.conclude(ordered=True, counted=False)
        return Analysis(None, opaque=(Opaque(f"its plan can't be read: {_first_line(error)}"),))

    everywhere = relation.rows | relation.order
    flows = {name: relation.column(name).decided_by(everywhere) for name in output}
    needed = _Needed(frame)
    edges = list(chain.from_iterable(_edges(n, flow, needed, made_by(plan, n)) for n, flow in flows.items()))
    edges += [ColumnEdge(key, column, None, EdgeKind.INFLUENCE, how) for (key, column), how in everywhere]
    known = {(edge.upstream, edge.upstream_column) for edge in edges}
    # What is read and decides nothing that can be seen counts as deciding the rows.
    bare = {(key, column): how for (key, column), how in walk.looked_at if (key, column) not in known}
    # Of an upstream whose rows are only counted, Polars reads some column for its length.
    counted = recorders.keys() - {key for key, column in known | bare.keys() if column is not None}
    bare |= {
        (key, column): "expression"
        for key, column in _scanned(pruned)
        if key not in counted and (key, column) not in known | bare.keys()
    }
    bare |= {(key, None): "rows" for key in set(scanned(plan, _key_of)) - {key for key, _ in (*known, *bare)}}
    edges += [ColumnEdge(key, column, None, EdgeKind.INFLUENCE, how) for (key, column), how in bare.items()]
    opaque = [Opaque(cause, key) for cause, keys in walk.opaque.items() for key in sorted(keys)]
    opaque += [Opaque(cause) for cause, keys in walk.opaque.items() if not keys]
    opaque += [
        Opaque("it was collected inside the function", k) for k, r in sorted(recorders.items()) if r.reads
    ]
    if walk.may_run_python:
        hidden = sorted(recorders.keys() - set(scanned(plan, _key_of)))
        opaque += [Opaque("Python functions in the plan may read it", key) for key in hidden]
    kept = sorted(
        set(edges), key=lambda e: (e.column or "", e.upstream, e.upstream_column or "", e.kind, e.how)
    )
    footprints = []
    for key, recorder in sorted(recorders.items()):
        columns = {edge.upstream_column for edge in kept if edge.upstream == key and edge.upstream_column}
        unknown = any(one.upstream in (None, key) for one in opaque)
        ordered = key in walk.ordered or unknown or walk.may_run_python
        understood = not (unknown or walk.may_run_python)
        recorder.conclude(ordered=ordered, counted=understood and not columns, understood=understood)
        read = None if unknown else tuple(sorted(columns))
        footprints.append((key, Footprint(read, None, ordered and read != ())))
    schema = schema_of(output)
    return Analysis(
        schema,
        grouped(kept, schema),
        tuple(footprints),
        tuple(opaque),
        tuple(sorted(walk.volatile, key=lambda v: v.function)),
        "" if opaque else binding(pruned, output, _key_of, called),
        tuple(
            (name, words)
            for name, flow in flows.items()
            if not any(column for _, column in flow.value) and (words := made_by(plan, name))
        ),
    )


def _key_of(source: object) -> Key | None:
    return source.recorder.key if isinstance(source, ObservedSource) else None


def _edges(name: str, flow: Flow, needed: _Needed, words: str | None) -> list[ColumnEdge]:
    values = dict.fromkeys(flow.value, flow.how)
    influences = set(flow.influence)
    if flow.hidden or flow.how == "opaque" or any(how == "opaque" for _, how in influences):
        # What is not understood took in every column; Polars knows which of them can reach it at all.
        possible = needed.by(name)
        values = {column: how for column, how in values.items() if column in possible}
        influences = {(c, how) for c, how in influences if c in possible or c[1] is None}
    # Where a column of an upstream bears on this one, its rows do, too, and are not told again.
    known = {key for key, _ in values} | {key for (key, column), _ in influences if column is not None}
    made = [ColumnEdge(k, c, name, EdgeKind.VALUE, how, words) for (k, c), how in values.items()]
    return made + [
        ColumnEdge(k, c, name, EdgeKind.INFLUENCE, how)
        for (k, c), how in influences
        if c is not None or k not in known
    ]


class _Needed:
    """Which upstream columns Polars itself would read to compute one column of a frame."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        self._frame = frame

    def by(self, name: str) -> frozenset[Column]:
        """The columns needed for column *name*."""
        return frozenset(_scanned(read_plan(self._frame.select(pl.col(name)), pruned=True)))


def _scanned(node: PlanNode) -> set[Column]:
    found: set[Column] = set()
    if node.op == "scan" and (key := _key_of(node.options["source"])) is not None:
        found.update((key, name) for name in node.schema)
    return found.union(*(_scanned(child) for child in node.inputs))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
