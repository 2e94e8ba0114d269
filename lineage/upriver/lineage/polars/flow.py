"""Flows into the columns of a plan node: the columns that each is made from, and those that decide it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

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

    *hidden* says that part of it is an expression that Polars does not show, so that all columns are in it.
    """

    value: frozenset[Column] = frozenset()
    how: str = "copy"
    influence: Influences = _NONE
    hidden: bool = False

    def deciding(self, how: str) -> Influences:
        """Everything that bears on this column, as influence on something else."""
        return frozenset((column, how) for column in self.value) | self.influence

    def at_least(self, how: str) -> Flow:
        """The same, made in no weaker way than *how*."""
        return self if HOWS.index(self.how) >= HOWS.index(how) else self._replace(how=how)

    def decided_by(self, influence: Influences) -> Flow:
        """The same with more influence."""
        return self._replace(influence=self.influence | influence) if influence else self


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
        case "unknown":
            return below.whole()._replace(hidden=True)
    inputs = [flow_of(inner, below) for inner in expression.inputs]
    made = merged(inputs, _HOW.get(expression.op, "expression"))
    deciders = [(how, flow_of(inner, below)) for how, inner in expression.deciders]
    hidden = any(flow.hidden for flow in (*inputs, *(flow for _, flow in deciders)))
    decided = made.decided_by(_NONE.union(*(flow.deciding(how) for how, flow in deciders)))
    return decided._replace(hidden=hidden)


_HOW = {"aggregate": "aggregate", "window": "window", "rolling": "window", "explode": "unnest"}
