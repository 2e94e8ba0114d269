"""The shape of a bound plan: how wide nodes are, which columns they pass on, and row filters on their way down."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from upriver.assets.model import Key
from upriver.lineage.sql.plan.flow import Node, Relation

JOIN_NODES = frozenset(
    {
        "LOGICAL_COMPARISON_JOIN",
        "LOGICAL_ANY_JOIN",
        "LOGICAL_ASOF_JOIN",
        "LOGICAL_CROSS_PRODUCT",
        "LOGICAL_POSITIONAL_JOIN",
    }
)


class Keys(NamedTuple):
    """The values of one column of an upstream; *nulls*: beside them, null."""

    of: Key
    column: str
    nulls: bool


@dataclass(slots=True, frozen=True)
class Filter:
    """A conjunct on its way down: *columns* maps the positions in *expression* to those in the current node.

    Of a *risky* one computing may fail: it may stand alone, where no other filter could spare it a row. With *keys*,
    *expression* is no conjunct but a value that must be one of them.
    """

    number: int
    expression: Node
    columns: Mapping[int, int]
    risky: bool = False
    keys: Keys | None = None

    def through(self, position_of: Callable[[int], int | None]) -> Filter | None:
        """The filter one node further down; None when a column of it is made there."""
        moved = {inner: position_of(outer) for inner, outer in self.columns.items()}
        known = {inner: outer for inner, outer in moved.items() if outer is not None}
        return replace(self, columns=known) if len(known) == len(moved) else None


Filters: TypeAlias = tuple[Filter, ...]

Visit: TypeAlias = tuple[Node, Filters]
"""A plan node to be walked, and the row filters above it that concern it."""

Steps: TypeAlias = Generator[Visit, Relation, Relation]
"""The work on one plan node. It yields each node below that it needs, is sent that node's output, and returns its own.

So no handler calls another, and a plan may be deeper than Python's stack.
"""


def moved(filters: Filters, position_of: Callable[[int], int | None]) -> Filters:
    """Those of *filters* whose columns all have a position further down."""
    return tuple(f for filter_ in filters if (f := filter_.through(position_of)) is not None)


def conjuncts(expression: Node) -> list[Node]:
    """The parts of an AND, in their order."""
    found: list[Node] = []
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if part["expression_class"] == "BOUND_CONJUNCTION" and part["type"] == "CONJUNCTION_AND":
            waiting += reversed(part["children"])
        else:
            found.append(part)
    return found


def plan_nodes(root: Node) -> Iterator[Node]:
    """*root* and all nodes below, every node before its inputs, in the order of the plan."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node["children"])


class Widths:
    """How many columns the nodes of one *plan* give, None where that is not known."""

    def __init__(self, plan: Node) -> None:
        self._widths: dict[int, int | None] = {}
        for node in reversed(list(plan_nodes(plan))):
            try:
                self._widths[id(node)] = self._width(node)
            except (LookupError, TypeError):  # not the shape that this kind of node has
                self._widths[id(node)] = None

    def of(self, node: Node) -> int | None:
        """The width of *node*, which is one of the plan."""
        return self._widths[id(node)]

    def _width(self, node: Node) -> int | None:
        kind, children = node["type"], node["children"]
        match kind:
            case "LOGICAL_GET":
                return len(node["column_indexes"]) + len(node["projected_input"])
            case "LOGICAL_PROJECTION":
                return len(node["expressions"])
            case "LOGICAL_CTE_REF":
                return len(node["chunk_types"])
            case "LOGICAL_UNION" | "LOGICAL_EXCEPT" | "LOGICAL_INTERSECT" | "LOGICAL_RECURSIVE_CTE":
                return int(node["column_count"])
            case "LOGICAL_AGGREGATE_AND_GROUP_BY":
                return len(node["groups"]) + len(node["expressions"]) + len(node["grouping_functions"])
            case "LOGICAL_WINDOW" | "LOGICAL_UNNEST":
                below = self.of(children[0])
                return None if below is None else below + len(node["expressions"])
            case "LOGICAL_FILTER":
                return len(node["projection_map"]) or self.of(children[0])
            case "LOGICAL_ORDER_BY":
                return len(node["projections"]) or self.of(children[0])
            case "LOGICAL_DISTINCT" | "LOGICAL_LIMIT" | "LOGICAL_SAMPLE":
                return self.of(children[0])
            case "LOGICAL_MATERIALIZED_CTE":
                return self.of(children[1])
            case "LOGICAL_EXPRESSION_GET":
                return len(node["expr_types"])
            case kind if kind in JOIN_NODES:
                kept = self.join_columns(node)
                marked = node.get("join_type") == "MARK"
                return None if kept is None else len(kept[0]) + len(kept[1]) + marked
        return None

    def join_columns(self, node: Node) -> tuple[list[int], list[int]] | None:
        """The columns of each input that a join passes on, None when that is not known."""
        left, right = (self.of(child) for child in node["children"])
        if left is None or right is None:
            return None
        left_kept = node.get("left_projection_map") or list(range(left))
        if node.get("join_type") in ("SEMI", "ANTI", "MARK"):
            return left_kept, []
        return left_kept, node.get("right_projection_map") or list(range(right))

    def within_first_input(self, node: Node, filters: Filters) -> Filters:
        """Those of *filters* that concern only the columns that *node* has from its first input."""
        width = self.of(node["children"][0]) if filters else None
        return () if width is None else moved(filters, lambda c: c if c < width else None)
