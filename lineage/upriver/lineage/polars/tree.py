"""A Polars plan as plain values, read through the interface that Polars keeps for other execution engines.

Read before optimization, with columns and types resolved. What the interface does not show becomes an
``unknown`` node or expression that carries the cause.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import polars as pl
from polars.datatypes import DataType

FAILURES = (Exception, pl.exceptions.PanicException)
"""What Polars raises for a plan that it can't resolve or show: a panic is no ``Exception``."""

Deciders: TypeAlias = "tuple[tuple[str, Expression], ...]"


@dataclass(frozen=True)
class Expression:
    """One expression. *inputs* are what its value is made of, *deciders* what chooses, groups or orders.

    *op* is ``column``, ``literal``, ``len``, ``binary``, ``cast``, ``function``, ``aggregate``, ``ternary``,
    ``filter``, ``sort``, ``sort_by``, ``gather``, ``slice``, ``window``, ``rolling``, ``explode`` or ``unknown``;
    *name* says which column, function, operator or aggregate, *options* its other arguments. The inputs of an
    ``unknown`` are what it can be made of at most; None as its only option says that this, too, is unknown.
    """

    op: str
    name: str = ""
    options: tuple[Any, ...] = ()
    inputs: tuple[Expression, ...] = ()
    deciders: Deciders = ()
    dtype: DataType | None = None


@dataclass(frozen=True)
class Named:
    """An expression with the name of the column that it makes."""

    name: str
    expression: Expression


@dataclass(frozen=True)
class PlanNode:
    """One node of the plan with its output *schema*.

    *expressions* are what a ``select``, ``with_columns``, ``filter``, ``sort`` or ``group_by`` (its aggregates)
    computes; *keys* the keys of a ``group_by`` or the left side of a ``join``, *right_keys* the right side.
    *options* depend on *op*.
    """

    op: str
    schema: Mapping[str, DataType]
    inputs: tuple[PlanNode, ...] = ()
    expressions: tuple[Named, ...] = ()
    keys: tuple[Named, ...] = ()
    right_keys: tuple[Named, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cause(self) -> str:
        """Why the node is ``unknown``."""
        return str(self.options.get("cause", ""))


def read_plan(frame: pl.LazyFrame, *, pruned: bool = False) -> PlanNode:
    """The plan of *frame* as written; *pruned* leaves out the columns that its result does not need.

    Raises what Polars raises for a plan that can't be resolved (an unknown column, a wrong type).
    """
    flags = pl.QueryOptFlags.none()
    flags.projection_pushdown = pruned
    traverser = frame._ldf.with_optimizations(flags._pyoptflags).visit()
    reader = _Reader(traverser)
    here, plan = traverser.get_node(), reader.node()
    if not reader.unknown:
        return plan
    traverser.set_node(here)
    return _Reader(traverser, sorted(reader.seen)).node()


class _Reader:
    """Reader of a plan. *placed* are the expressions in it, by number, that are known to be no part of an unknown one.

    Polars numbers an expression after all that it is made of, without a gap: what lies between an unknown expression
    and the nearest one before it that has another place is all that it can be made of.
    """

    def __init__(self, traverser: Any, placed: Sequence[int] | None = None) -> None:
        self._at = traverser
        self._known: dict[int, PlanNode] = {}
        self._placed = placed
        self._root = -1
        self.seen: set[int] = set()
        self.unknown = False

    def node(self) -> PlanNode:
        number = self._at.get_node()
        if number not in self._known:
            self._known[number] = self._read()
            self._at.set_node(number)
        return self._known[number]

    def _read(self) -> PlanNode:
        here = self._at.get_node()
        schema = dict(self._at.get_schema())
        children: list[PlanNode] = []
        numbers = self._at.get_inputs()
        for number in numbers:
            self._at.set_node(number)
            children.append(self.node())
            self._at.set_node(here)
        try:
            seen = self._at.view_current_node()
        except FAILURES as error:
            return PlanNode("unknown", schema, tuple(children), options={"cause": str(error)})
        convert = _NODES.get(type(seen).__name__)
        if convert is None:
            cause = f"plan node {type(seen).__name__}"
            return PlanNode("unknown", schema, tuple(children), options={"cause": cause})
        return convert(self, seen, schema, tuple(children), numbers)

    def named(self, found: list[Any], below: int | None) -> tuple[Named, ...]:
        return tuple(Named(e.output_name, self.expression(e.node, below)) for e in found)

    def expression(self, number: int, below: int | None) -> Expression:
        """The expression *number*, whose columns are those of plan node *below*."""
        here = self._at.get_node()
        if below is not None:
            self._at.set_node(below)
        self._root = number
        try:
            return self._expression(number)
        finally:
            self._at.set_node(here)

    def _expression(self, number: int) -> Expression:
        self.seen.add(number)
        try:
            seen = self._at.view_expression(number)
        except FAILURES as error:
            return self._hidden(str(error), number)
        convert = _EXPRESSIONS.get(type(seen).__name__)
        if convert is None:
            return self._hidden(type(seen).__name__, number)
        made = convert(self, seen)
        try:
            dtype = self._at.get_dtype(number)
        except FAILURES:  # some inner expressions have no type of their own
            dtype = None
        return Expression(made.op, made.name, made.options, made.inputs, made.deciders, dtype)

    def _hidden(self, name: str, number: int) -> Expression:
        """The expression *number*, which Polars does not show."""
        self.unknown = True
        # One that Polars has made of what was written is not numbered in its place.
        if self._placed is None or number > self._root:
            return Expression("unknown", name, (None,))
        at = bisect_left(self._placed, number)
        first = self._placed[at - 1] + 1 if at else 0
        inputs = []
        outside, self.seen = self.seen, set()
        for inner in range(number - 1, first - 1, -1):
            if inner not in self.seen:
                inputs.append(self._expression(inner))
        self.seen |= outside
        return Expression("unknown", name, (), tuple(inputs))

    def all(self, numbers: list[int]) -> tuple[Expression, ...]:
        return tuple(self._expression(number) for number in numbers)

    def decide(self, how: str, *numbers: int | None) -> Deciders:
        return tuple((how, self._expression(number)) for number in numbers if number is not None)


def _function(reader: _Reader, seen: Any) -> Expression:
    name, *options = seen.function_data
    return Expression("function", str(name), tuple(options), reader.all(seen.input))


def _window(reader: _Reader, seen: Any) -> Expression:
    deciders = reader.decide("group", *seen.partition_by) + reader.decide("order", seen.order_by)
    options = (str(getattr(seen.options, "kind", "")), seen.order_by_descending, seen.order_by_nulls_last)
    return Expression("window", "", options, reader.all([seen.function]), deciders)


def _rolling(reader: _Reader, seen: Any) -> Expression:
    options = (seen.period, seen.offset, seen.closed_window)
    return Expression(
        "rolling", "", options, reader.all([seen.function]), reader.decide("group", seen.index_column)
    )


_EXPRESSIONS: dict[str, Callable[[_Reader, Any], Expression]] = {
    "Column": lambda _, e: Expression("column", e.name),
    "Literal": lambda _, e: Expression("literal", "", (e.value, e.dtype)),
    "Len": lambda _, e: Expression("len"),
    "BinaryExpr": lambda r, e: Expression(
        "binary", str(e.op).partition(".")[2], (), r.all([e.left, e.right])
    ),
    "Cast": lambda r, e: Expression("cast", "", (e.dtype, e.options), r.all([e.expr])),
    "Agg": lambda r, e: Expression("aggregate", e.name, (e.options,), r.all(e.arguments)),
    "Function": _function,
    "Ternary": lambda r, e: Expression(
        "ternary", "", (), r.all([e.truthy, e.falsy]), r.decide("conditional", e.predicate)
    ),
    "Filter": lambda r, e: Expression("filter", "", (), r.all([e.input]), r.decide("filter", e.by)),
    "Sort": lambda r, e: Expression("sort", "", tuple(e.options), r.all([e.expr])),
    "SortBy": lambda r, e: Expression(
        "sort_by", "", tuple(e.sort_options), r.all([e.expr]), r.decide("order", *e.by)
    ),
    "Gather": lambda r, e: Expression("gather", "", (e.scalar,), r.all([e.expr]), r.decide("filter", e.idx)),
    "Slice": lambda r, e: Expression(
        "slice", "", (), r.all([e.input]), r.decide("limit", e.offset, e.length)
    ),
    "Window": _window,
    "Rolling": _rolling,
    "Explode": lambda r, e: Expression("explode", "", tuple(e.options), r.all([e.expr])),
}

_Convert: TypeAlias = Callable[
    [_Reader, Any, Mapping[str, DataType], tuple[PlanNode, ...], list[int]], PlanNode
]


def _scan(_: _Reader, seen: Any, schema: Any, inputs: Any, __: Any) -> PlanNode:
    function, columns, *_rest = seen.options
    source = getattr(function, "io_source", None)
    return PlanNode("scan", schema, inputs, options={"source": source, "columns": columns})


def _group_by(reader: _Reader, seen: Any, schema: Any, inputs: Any, numbers: list[int]) -> PlanNode:
    if seen.apply:
        return PlanNode("unknown", schema, inputs, options={"cause": "a Python function over groups"})
    windows = [w for w in (seen.options.rolling, seen.options.dynamic) if w is not None]
    described = {k: str(getattr(w, k)) for w in windows for k in sorted(dir(w)) if not k.startswith("_")}
    return PlanNode(
        "group_by",
        schema,
        inputs,
        reader.named(seen.aggs, numbers[0]),
        reader.named(seen.keys, numbers[0]),
        options={
            "maintain_order": seen.maintain_order,
            "index": windows[0].index_column if windows else None,
            "window": described,
            "slice": seen.options.slice,
        },
    )


def _join(reader: _Reader, seen: Any, schema: Any, inputs: Any, numbers: list[int]) -> PlanNode:
    if seen.predicate is not None:
        return PlanNode("unknown", schema, inputs, options={"cause": "a join with a predicate"})
    how, nulls_equal, limit, suffix, coalesce, order = seen.options
    details = () if isinstance(how, str) else tuple(how[1:])
    # An as-of join matches some columns exactly: those of the left, then those of the right.
    by = (details[3] or (), details[4] or ()) if len(details) > 4 else ((), ())
    return PlanNode(
        "join",
        schema,
        inputs,
        (),
        reader.named(seen.left_on, numbers[0]),
        reader.named(seen.right_on, numbers[1]),
        {
            "how": how if isinstance(how, str) else str(how[0]),
            "details": details,
            "by": by,
            "nulls_equal": nulls_equal,
            "slice": limit,
            "suffix": suffix,
            "coalesce": coalesce,
            "maintain_order": order,
        },
    )


def _sort(reader: _Reader, seen: Any, schema: Any, inputs: Any, numbers: list[int]) -> PlanNode:
    # The third part of a slice is an identity made anew for each plan.
    limit = tuple(seen.slice[:2]) if seen.slice is not None else None
    options = {"slice": limit, "sort": seen.sort_options}
    return PlanNode("sort", schema, inputs, reader.named(seen.by_column, numbers[0]), options=options)


def _distinct(_: _Reader, seen: Any, schema: Any, inputs: Any, __: Any) -> PlanNode:
    keep, subset, maintain_order, limit = seen.options
    options = {"keep": keep, "subset": subset, "maintain_order": maintain_order, "slice": limit}
    return PlanNode("distinct", schema, inputs, options=options)


def _map(_: _Reader, seen: Any, schema: Any, inputs: Any, __: Any) -> PlanNode:
    name, *arguments = seen.function
    return PlanNode("map", schema, inputs, options={"name": str(name), "arguments": tuple(arguments)})


_NODES: dict[str, _Convert] = {
    "PythonScan": _scan,
    "DataFrameScan": lambda _, n, s, i, __: PlanNode("frame", s, i, options={"frame": n.df}),
    "Scan": lambda _, n, s, i, __: PlanNode("file", s, i, options={"paths": tuple(map(str, n.paths))}),
    "SimpleProjection": lambda _, n, s, i, __: PlanNode("project", s, i),
    "Select": lambda r, n, s, i, at: PlanNode("select", s, i, r.named(n.expr, at[0])),
    "HStack": lambda r, n, s, i, at: PlanNode("with_columns", s, i, r.named(n.exprs, at[0])),
    "Filter": lambda r, n, s, i, at: PlanNode("filter", s, i, r.named([n.predicate], at[0])),
    "GroupBy": _group_by,
    "Join": _join,
    "Sort": _sort,
    "Distinct": _distinct,
    "Slice": lambda _, n, s, i, __: PlanNode("slice", s, i, options={"slice": (n.offset, n.len)}),
    "Union": lambda _, n, s, i, __: PlanNode("union", s, i, options={"slice": n.slice}),
    "HConcat": lambda _, n, s, i, __: PlanNode("hconcat", s, i, options={"options": n.options}),
    "MapFunction": _map,
    "MergeSorted": lambda _, n, s, i, __: PlanNode("merge_sorted", s, i, options={"key": tuple(n.key)}),
    "Cache": lambda _, n, s, i, __: PlanNode("cache", s, i),
}
