"""The state of one walk over a bound plan: what was found so far, and how expressions add to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from upriver.assets.model import Key, Schema
from upriver.lineage.model import Opaque, Volatility
from upriver.lineage.sql.plan.flow import (
    HOWS,
    NO_INFLUENCE,
    NOTHING,
    Flow,
    Influence,
    Influences,
    Node,
    Relation,
    Sources,
)
from upriver.lineage.sql.plan.operands import (
    FieldPath,
    Operand,
    function_name,
    makes_structs,
    operands,
    paths_of,
)
from upriver.lineage.sql.plan.shape import Widths, plan_nodes
from upriver.lineage.sql.plan.volatility import VolatileFunctions, may_fail, subexpressions

_COMPOSITES = frozenset(
    {"BOUND_FUNCTION", "BOUND_OPERATOR", "BOUND_CONJUNCTION", "BOUND_UNNEST", "BOUND_AGGREGATE", "BOUND_CASE"}
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


class PlanContext:
    """What the handlers of plan nodes share: the scans, tables and common table expressions of one *plan*.

    *key_of* gives the upstream for a schema and table of the plan. *evaluated* are sources read by expressions that
    may fail, whether or not anything reads their result. *arrangements* are what has put rows into another order on
    their way up. *row_identifiers* are the sources that stand for DuckDB's ``rowid``. *order_free* are the ids of nodes
    whose lists are taken apart again above, by something else than position.
    """

    def __init__(
        self,
        plan: Node,
        key_of: Mapping[tuple[str, str], Key],
        schemas: Mapping[Key, Schema],
        volatile_functions: VolatileFunctions,
    ) -> None:
        self.key_of = key_of
        self.schemas = schemas
        self.volatile_functions = volatile_functions
        self.sources = Sources()
        self.tables: dict[int, Relation] = {}
        self.opaque: dict[Opaque, None] = {}
        self.volatile: dict[Volatility, None] = {}
        self.evaluated: set[int] = set()
        self.arrangements: list[Arrangement] = []
        self.row_identifiers: set[int] = set()
        self.order_free: set[int] = set()
        self.filter_numbers: dict[int, int] = {}
        self.widths = Widths(plan)
        self.ctes: dict[int, Node] = {}
        self.cte_uses: dict[int, int] = {}
        self.cte_results: dict[int, Relation] = {}
        self.recursive_ctes: set[int] = set()
        self._scan_numbers: dict[int, int] = {}
        for node in plan_nodes(plan):
            if node["type"] == "LOGICAL_CTE_REF":
                self.cte_uses[node["cte_index"]] = self.cte_uses.get(node["cte_index"], 0) + 1

    # Scans

    def scanned_key(self, node: Node) -> Key | None:
        """The upstream that a LOGICAL_GET reads, None for a table function."""
        if node["qname"]["path"][-1] != "seq_scan":
            return None
        data = node["function_data"]
        return self.key_of[data["schema"], data["table"]]

    def scan_number(self, node: Node, key: Key) -> int:
        """The scan that a node is. A node walked several times (recursion) is one scan."""
        number = self._scan_numbers.get(id(node))
        if number is None:
            number = self._scan_numbers[id(node)] = self.sources.scan(key)
        return number

    # Expressions

    def flow(self, expression: Node, below: Relation) -> Flow:
        """What an expression over the columns of *below* is made of."""
        match expression["expression_class"]:
            case "BOUND_REF":
                return below.column(expression["index"])
            case "BOUND_COLUMN_REF":
                binding = expression["binding"]
                return self.tables[binding["table_index"]].column(binding["column_index"])
            case "BOUND_CONSTANT":
                return NOTHING
        return self._composed(expression, below)

    def _composed(self, expression: Node, below: Relation) -> Flow:
        """The flow of a composed expression, and of the fields of a struct that it makes."""
        whole = self._gathered(expression, below, ())
        if not makes_structs(expression):
            return whole
        fields = {path: self._gathered(expression, below, path) for path in paths_of(_type(expression))}
        return whole._replace(fields=fields) if fields else whole

    def _gathered(self, expression: Node, below: Relation, path: FieldPath | None) -> Flow:
        """The flows of all columns in a composed expression, each taken once, however deep it stands.

        Of its value *path* is read. None takes in all that is computed, also fields that nothing reads.
        """
        value: set[int] = set()
        influence: set[Influence] = set()
        hows = {"expression"}
        waiting = [Operand(expression, None, path or ())]
        while waiting:
            part, how, inner = waiting.pop()
            kind = part["expression_class"]
            if kind in _COMPOSITES:
                self._note_volatility(part)
                if path is None:
                    waiting += [Operand(child, how, ()) for child in subexpressions(part)]
                else:
                    waiting += operands(part, how, inner)
            elif kind == "BOUND_LAMBDA":
                # Positions in it are parameters; the columns it reads stand beside it as further arguments.
                self.note_volatile(part)
            elif (flow := self._leaf(part, kind, below)) is not NOTHING:
                flow = flow.field(inner)
                if how is None:
                    value |= flow.value
                    influence |= flow.influence
                    hows.add(flow.how)
                else:
                    influence |= flow.as_influence(how)
        strongest = max(hows, key=HOWS.index)
        fixed = function_name(expression) in _LISTS_OF_FIXED_LENGTH
        return Flow(frozenset(value), strongest, frozenset(influence), fixed)

    def _leaf(self, expression: Node, kind: str, below: Relation) -> Flow:
        if kind in ("BOUND_REF", "BOUND_COLUMN_REF", "BOUND_CONSTANT"):
            return self.flow(expression, below)
        self.note_volatile(expression)
        return self.everything(below.scans, f"expression {kind} is not known")

    def flows(self, expressions: list[Node], below: Relation) -> list[Flow]:
        """As :meth:`flow` for several, noting what is evaluated even if nothing reads its result."""
        result = []
        for expression in expressions:
            flow = self.flow(expression, below)
            if expression["expression_class"] != "BOUND_REF" and may_fail(expression):
                computed = self._gathered(expression, below, None)
                self.evaluated |= computed.value | {source for source, _, _ in computed.influence}
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

    # Volatility

    def note_volatile(self, node: Node) -> None:
        """Note the volatile functions anywhere in a plan node or an expression."""
        waiting = [node]
        while waiting:
            part = waiting.pop()
            self._note_volatility(part)
            waiting += subexpressions(part)

    def is_steady(self, expression: Node) -> bool:
        """Whether *expression* gives the same for the same columns, wherever and whenever it is computed."""
        waiting = [expression]
        while waiting:
            part = waiting.pop()
            if "qname" in part and not self.volatile_functions.is_steady(function_name(part) or ""):
                return False
            waiting += subexpressions(part)
        return True

    def _note_volatility(self, expression: Node) -> None:
        if "qname" in expression:
            name = expression["qname"]["path"][-1]
            found = self.volatile_functions.volatility(name, len(expression.get("children") or ()))
            if found is not None:
                self.volatile[found] = None


def _type(expression: Node) -> Node:
    type_: Node = expression.get("return_type") or {"id": "INVALID", "type_info": None}
    return type_
