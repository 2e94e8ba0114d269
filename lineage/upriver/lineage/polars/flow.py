"""Flows into the columns of a plan node: the columns that each is made from, and those that decide it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import polars as pl

from upriver.assets.model import Key
from upriver.lineage.polars.tree import Expression

Column: TypeAlias = tuple[Key, str | None]
"""A column of an upstream, or its rows: None."""

Influences: TypeAlias = frozenset[tuple[Column, str]]
"""Upstream columns, each with how it decides (``ColumnEdge.how``)."""

HOWS = ("copy", "expression", "unnest", "window", "aggregate", "opaque")
"""How a value is made, from the weakest to the strongest: a sum over a window is an ``aggregate``."""

_NONE: Influences = frozenset()


class Flow(NamedTuple):
    """One column: the columns of its values, how they became it, and what else decides them.

    *hidden* says that part of it is an expression that Polars does not show, so that all columns are in it. *fields*
    are the fields of a struct, by name, where they can be told apart.
    """

    value: frozenset[Column] = frozenset()
    how: str = "copy"
    influence: Influences = _NONE
    hidden: bool = False
    fields: tuple[tuple[str, Flow], ...] = ()

    def deciding(self, how: str) -> Influences:
        """Everything that bears on this column, as influence on something else."""
        return frozenset((column, how) for column in self.value) | self.influence

    def at_least(self, how: str) -> Flow:
        """The same, made in no weaker way than *how*."""
        return self if HOWS.index(self.how) >= HOWS.index(how) else self._replace(how=how)

    def field(self, name: str) -> Flow:
        """One field of this struct: all of it, where its fields can't be told apart."""
        found = dict(self.fields).get(name)
        return self.at_least("expression") if found is None else found.at_least(self.how)

    def decided_by(self, influence: Influences) -> Flow:
        """The same with more influence."""
        if not influence:
            return self
        fields = tuple((name, flow.decided_by(influence)) for name, flow in self.fields)
        return self._replace(influence=self.influence | influence, fields=fields)


NOTHING = Flow()


def merged(flows: list[Flow], how: str) -> Flow:
    """One column made from several by *how*."""
    value: frozenset[Column] = frozenset().union(*(flow.value for flow in flows))
    influence = _NONE.union(*(flow.influence for flow in flows))
    strongest = max((how, *(flow.how for flow in flows)), key=HOWS.index)
    return Flow(value, strongest if value else "copy", influence)


@dataclass(frozen=True)
class Relation:
    """The output of a plan node. *rows* decides which rows there are, *order* the order that they are in."""

    columns: dict[str, Flow] = field(default_factory=dict)
    rows: Influences = _NONE
    order: Influences = _NONE

    def column(self, name: str) -> Flow:
        """The flow into one column."""
        return self.columns[name]

    def counted(self) -> frozenset[Column]:
        """The upstreams' rows that these rows come from: what is made by counting."""
        return frozenset(column for column, _ in self.rows if column[1] is None)

    def whole(self) -> Flow:
        """All columns, the rows and their order as one: what something that is not understood may read."""
        flow = merged(list(self.columns.values()), "opaque")
        return flow.decided_by(self.rows | self.order)


def flow_of(expression: Expression, below: Relation) -> Flow:
    """What *expression* over the columns of *below* is made of.

    The rows and their order are not in it, except the order where the expression takes a place in it.
    """
    match expression.op:
        case "column":
            # A name that is no column is an inner expression's own, whose inputs stand beside it.
            return below.columns.get(expression.name, NOTHING)
        case "literal":
            return NOTHING
        case "len":
            return Flow(below.counted(), "aggregate")
        case "unknown" if expression.options:
            return below.whole()._replace(hidden=True)
    inputs = [flow_of(inner, below) for inner in expression.inputs]
    if expression.op == "function" and expression.name == "StructFunction.FieldByName":
        return inputs[0].field(str(expression.options[0]))
    choosing, choice = _choosing(expression)
    values = [flow for at, flow in enumerate(inputs) if at not in choosing]
    made = merged(values, _HOW.get(expression.op, "expression"))
    if expression.name == "as_struct" and isinstance(expression.dtype, pl.Struct):
        names = (field.name for field in expression.dtype.fields)
        made = made._replace(fields=tuple(zip(names, inputs, strict=True)))
    deciders = [(how, flow_of(inner, below)) for how, inner in expression.deciders]
    deciders += [(choice, flow) for at, flow in enumerate(inputs) if at in choosing]
    hidden = any(flow.hidden for flow in (*inputs, *(flow for _, flow in deciders)))
    decided = made.decided_by(_NONE.union(*(flow.deciding(how) for how, flow in deciders)))
    return decided._replace(hidden=hidden)


def _choosing(expression: Expression) -> tuple[range, str]:
    """The places of a function's inputs that only choose what its value is made of, and how they do."""
    name, inputs = expression.name, len(expression.inputs)
    if expression.op != "function":
        return range(0), ""
    if name == "shift_and_fill":  # what it is filled with is a value
        return range(1, 2), "conditional"
    how = "order" if name.startswith("RollingFunctionBy.") else _CHOICES.get(name)
    return (range(1, inputs), how) if how is not None else (range(0), "")


_CHOICES = {
    **dict.fromkeys(("top_k", "sample", "ListFunction.Sample", "StringFunction.Head", "StringFunction.Tail"), "limit"),
    **dict.fromkeys(("top_k_by", "min_by", "max_by"), "order"),
    **dict.fromkeys(("ListFunction.Get", "ListFunction.Gather", "ListFunction.Slice"), "conditional"),
    **dict.fromkeys(("ListFunction.GatherEvery", "ListFunction.Shift", "ArrayFunction.Get"), "conditional"),
    **dict.fromkeys(("ArrayFunction.Shift", "StringFunction.Slice", "shift"), "conditional"),
}  # fmt: skip
"""Functions whose first input flows into the value; the others say which of it."""

_HOW = {
    "unknown": "opaque",
    "aggregate": "aggregate",
    "window": "window",
    "rolling": "window",
    "explode": "unnest",
}
