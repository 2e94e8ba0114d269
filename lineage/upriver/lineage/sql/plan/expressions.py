"""Expressions in a bound plan: what they are made of, whether they may fail, and what in them is volatile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from upriver.assets.model import Key, Schema
from upriver.lineage.model import Opaque, Volatility
from upriver.lineage.sql.plan.flow import (
    NO_INFLUENCE,
    NOTHING,
    Flow,
    Influences,
    Node,
    Relation,
    Sources,
    merged,
)
from upriver.lineage.sql.plan.volatility import VolatileFunctions, may_fail, subexpressions

_COMPOSITES = frozenset(
    {"BOUND_FUNCTION", "BOUND_OPERATOR", "BOUND_CONJUNCTION", "BOUND_UNNEST", "BOUND_AGGREGATE"}
)
_LISTS_OF_FIXED_LENGTH = frozenset({"list_value", "unpivot_list"})


class Arrangement(NamedTuple):
    """The rows of *scans* were put into an order that depends on *keys*.

    Where it is *planned*, it also depends on how the optimizer builds a join or a table of groups, which it decides by
    statistics over all rows, also those that a filter excludes.
    """

    scans: frozenset[int]
    keys: Influences
    planned: bool = True


class Expressions:
    """What a walk over one plan has found so far, and how expressions add to it.

    *evaluated* are sources read by expressions that may fail, whether or not anyone reads their result.
    *arrangements* are what has put rows into another order on their way up.
    """

    def __init__(self, schemas: Mapping[Key, Schema], volatile_functions: VolatileFunctions) -> None:
        self.schemas = schemas
        self.volatile_functions = volatile_functions
        self.sources = Sources()
        self.tables: dict[int, Relation] = {}
        self.opaque: dict[Opaque, None] = {}
        self.volatile: dict[Volatility, None] = {}
        self.evaluated: set[int] = set()
        self.arrangements: list[Arrangement] = []

    def flow(self, expression: Node, below: Relation) -> Flow:
        """What an expression over the columns of *below* is made of."""
        match expression["expression_class"]:
            case "BOUND_REF":
                return below.column(expression["index"])
            case "BOUND_CONSTANT":
                return NOTHING
            case "BOUND_COLUMN_REF":
                binding = expression["binding"]
                return self.tables[binding["table_index"]].column(binding["column_index"])
            case "BOUND_CASE":
                return self._case(expression, below)
            case "BOUND_LAMBDA":
                # Positions in it are parameters; the columns it reads stand beside it as further arguments.
                self.note_volatile(expression)
                return NOTHING
            case kind if kind in _COMPOSITES:
                self._note_volatility(expression)
                parts = [self.flow(child, below) for child in subexpressions(expression)]
                name = expression["qname"]["path"][-1] if "qname" in expression else ""
                return merged(parts, "expression")._replace(fixed=name in _LISTS_OF_FIXED_LENGTH)
        self.note_volatile(expression)
        return self.everything(below.scans, f"expression {expression['expression_class']} is not known")

    def _case(self, expression: Node, below: Relation) -> Flow:
        whens = [self.flow(check["when_expr"], below) for check in expression["case_checks"]]
        thens = [self.flow(check["then_expr"], below) for check in expression["case_checks"]]
        result = merged([*thens, self.flow(expression["else_expr"], below)], "expression")
        chosen = NO_INFLUENCE.union(*(when.as_influence("expression") for when in whens))
        return result._replace(influence=result.influence | chosen)

    def flows(self, expressions: list[Node], below: Relation) -> list[Flow]:
        """As :meth:`flow` for several, noting what is evaluated even if nobody reads its result."""
        result = []
        for expression in expressions:
            flow = self.flow(expression, below)
            if expression["expression_class"] != "BOUND_REF" and may_fail(expression):
                self.evaluated |= flow.value | {source for source, _, _ in flow.influence}
            result.append(flow)
        return result

    def deciding(self, expressions: list[Node], below: Relation, how: str) -> Influences:
        """What several expressions depend on, as influence."""
        if not expressions:
            return NO_INFLUENCE
        return NO_INFLUENCE.union(*(flow.as_influence(how) for flow in self.flows(expressions, below)))

    def reads_order(self, below: Relation, *, rounding: bool = False) -> Influences:
        """Note that a result depends on the order of the rows of *below*; give what arranged them on their way.

        Where only *rounding* is at stake, row filters still count.
        """
        arranged = [one for one in self.arrangements if one.scans <= below.scans]
        planned = any(one.planned for one in arranged) and not rounding
        for number in below.scans:
            scan = self.sources.scans[number]
            scan.ordered = True
            scan.unfiltered |= planned
        return NO_INFLUENCE.union(*(one.keys for one in arranged))

    def everything(self, scans: frozenset[int], cause: str) -> Flow:
        """All columns of *scans*, for what is not understood."""
        value = set()
        for number in scans:
            scan = self.sources.scans[number]
            scan.whole = True
            self.opaque[Opaque(cause, scan.key)] = None
            value |= {self.sources.column(number, column.name) for column in self.schemas[scan.key]}
        return Flow(frozenset(value), "opaque", frozenset((source, "opaque", 0) for source in value))

    def is_marker(self, flow: Flow) -> bool:
        """Whether a column only serves to find a row again."""
        return len(flow.value) == 1 and not flow.influence and next(iter(flow.value)) in self.sources.markers

    def note_volatile(self, node: Node) -> None:
        """Note the volatile functions anywhere in a plan node or an expression."""
        self._note_volatility(node)
        for child in subexpressions(node):
            self.note_volatile(child)

    def _note_volatility(self, expression: Node) -> None:
        if "qname" in expression:
            name = expression["qname"]["path"][-1]
            found = self.volatile_functions.volatility(name, len(expression.get("children") or ()))
            if found is not None:
                self.volatile[found] = None
