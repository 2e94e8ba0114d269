"""Dead-column elimination: a bound plan without the columns that only pass by and that nothing above them reads.

``select *`` in a subquery or a common table expression lists every column of its table. One that is read nowhere
bears on nothing, so two plans that are equal without such columns compute equal tables. Only references to columns
are left out of SELECT lists, no expression that could fail; nodes whose use of columns is not known keep all of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from upriver.lineage.sql.plan.flow import NOWHERE, Node
from upriver.lineage.sql.plan.shape import JOIN_NODES, Widths

_Positions: TypeAlias = "frozenset[int] | None"
"""Columns of a node by their place in its output; None for all of them."""

_NOTHING: frozenset[int] = frozenset()
_PASSING = frozenset(
    {
        "LOGICAL_FILTER",
        "LOGICAL_DISTINCT",
        "LOGICAL_ORDER_BY",
        "LOGICAL_LIMIT",
        "LOGICAL_SAMPLE",
        "LOGICAL_WINDOW",
        "LOGICAL_UNNEST",
    }
)
"""Nodes that give the columns of their input as they are, those that they make behind them."""
_FREE = "INVALID"  # DuckDB's word for a condition that compares no left with a right side
_MAPS = (
    "projection_map",
    "projections",
    "left_projection_map",
    "right_projection_map",
    "duplicate_eliminated_columns",
    "projected_input",
)


def prune(root: Node, widths: Widths) -> bool:
    """Take the columns that nothing reads out of the plan *root* itself; whether there were any.

    *widths* are those of the plan, all of whose references must be positions in the output of the node below.
    """
    return _Pruning(root, widths).done()


class _Pruning:
    def __init__(self, root: Node, widths: Widths) -> None:
        self._widths = widths
        self._nodes = list(_query_first(root))
        self._read: dict[int, _Positions] = {id(root): None}
        self._read_of_ctes: dict[int, _Positions] = {}
        self._kept: dict[int, list[int] | None] = {}
        self._kept_of_ctes: dict[int, list[int] | None] = {}
        self._definitions: dict[int, int] = {}

    def done(self) -> bool:
        """Whether something was left out."""
        for node in self._nodes:
            self._ask(node)
        if not any(map(self._drops, self._nodes)):
            return False
        for node in reversed(self._nodes):
            self._rewrite(node)
        return True

    # From above: which columns of its inputs a node reads, when some of its own are read

    def _ask(self, node: Node) -> None:
        children = node["children"]
        for child in children:
            self._read[id(child)] = None
        if id(node) in self._definitions:  # all that refers to it has been asked by now
            self._read[id(node)] = self._read_of_ctes[self._definitions[id(node)]]
        read = self._read[id(node)]
        kind = node["type"]
        if any(node.get(name) for name in _MAPS):
            self._read[id(node)] = None
            return
        match kind:
            case "LOGICAL_MATERIALIZED_CTE":
                definition, query = children
                self._read[id(query)] = read
                self._definitions[id(definition)] = node["table_index"]
                self._read_of_ctes[node["table_index"]] = _NOTHING
            case "LOGICAL_CTE_REF":
                before = self._read_of_ctes.get(node["cte_index"], _NOTHING)
                self._read_of_ctes[node["cte_index"]] = (
                    None if read is None or before is None else before | read
                )
            case "LOGICAL_PROJECTION":
                expressions = node["expressions"]
                self._read[id(children[0])] = _positions([expressions[at] for at in _selected(node, read)])
            case "LOGICAL_AGGREGATE_AND_GROUP_BY":
                self._read[id(node)] = None
                self._read[id(children[0])] = _positions(_own(node))
            case kind if kind in _PASSING and node.get("distinct_type") != "DISTINCT":
                width = self._widths.of(children[0])
                if read is not None and width is not None:
                    passed = frozenset(at for at in read if at < width)
                    self._read[id(children[0])] = passed | _positions(_own(node))
            case kind if kind in JOIN_NODES:
                self._ask_sides(node, read)
            case "LOGICAL_UNION" if read is not None and _stacks_projections(node):
                # All sides keep the same: what is more than a reference in one of them, too.
                computed = {
                    at
                    for child in children
                    for at, one in enumerate(child["expressions"])
                    if one["expression_class"] != "BOUND_REF"
                }
                for one in (node, *children):
                    self._read[id(one)] = read | computed
            case "LOGICAL_GET" if node["qname"]["path"][-1] == "seq_scan" and not children:
                pass
            case _:
                self._read[id(node)] = None

    def _ask_sides(self, node: Node, read: _Positions) -> None:
        left, right = node["children"]
        width = self._widths.of(left)
        if read is None or width is None or self._widths.of(right) is None:
            self._read[id(node)] = None
            return
        both = {at for at in read if at < width or _gives_right(node)}
        lefts, rights, others = _compared(node)
        both |= _positions(others)
        self._read[id(left)] = frozenset(at for at in both if at < width) | _positions(lefts)
        self._read[id(right)] = frozenset(at - width for at in both if at >= width) | _positions(rights)

    # From below: what a node gives when its inputs give less

    def _drops(self, node: Node) -> bool:
        read = self._read[id(node)]
        match node["type"]:
            case "LOGICAL_PROJECTION":
                return len(_selected(node, read)) < len(node["expressions"])
            case "LOGICAL_GET":
                return len(_scanned(node, read)) < len(node["column_indexes"])
        return False

    def _rewrite(self, node: Node) -> None:
        kept = self._rewritten(node, [self._kept[id(child)] for child in node["children"]])
        self._kept[id(node)] = kept
        if id(node) in self._definitions:
            self._kept_of_ctes[self._definitions[id(node)]] = kept

    def _rewritten(self, node: Node, below: list[list[int] | None]) -> list[int] | None:
        """Put the places of what is *below* right in *node*; which of its own columns it still gives, None: all."""
        read = self._read[id(node)]
        match node["type"]:
            case "LOGICAL_GET" if not below:
                kept = _scanned(node, read)
                node["column_indexes"] = [node["column_indexes"][at] for at in kept]
                return None if read is None else kept
            case "LOGICAL_MATERIALIZED_CTE":
                if below[1] is not None:
                    node["column_count"] = len(below[1])
                return below[1]
            case "LOGICAL_CTE_REF":
                left = self._kept_of_ctes.get(node["cte_index"])
                if left is not None:
                    node["chunk_types"] = [node["chunk_types"][at] for at in left]
                return left
            case "LOGICAL_PROJECTION":
                kept = _selected(node, read)
                node["expressions"] = [node["expressions"][at] for at in kept]
                _move(node["expressions"], below[0])
                return None if read is None else kept
            case kind if kind in JOIN_NODES:
                return self._rewritten_join(node, below)
            case "LOGICAL_UNION" if read is not None:
                node["column_count"] = len(read)
                return sorted(read)
            case kind if kind in _PASSING:
                _move(_own(node), below[0])
                if below[0] is None:
                    return None
                width = self._widths.of(node["children"][0]) or 0
                made = len(node["expressions"]) if kind in ("LOGICAL_WINDOW", "LOGICAL_UNNEST") else 0
                return [*below[0], *range(width, width + made)]
        if below:
            _move(_own(node), below[0])
        return None

    def _rewritten_join(self, node: Node, below: list[list[int] | None]) -> list[int] | None:
        if below[0] is None and below[1] is None:
            return None
        width, other = (self._widths.of(child) or 0 for child in node["children"])
        left = list(range(width)) if below[0] is None else below[0]
        right = list(range(other)) if below[1] is None else below[1]
        both = [*left, *(at + width for at in right)]
        lefts, rights, others = _compared(node)
        _move(lefts, left)
        _move(rights, right)
        _move(others, both)
        if _gives_right(node):
            return both
        return [*left, width] if node.get("join_type") == "MARK" else left


def _query_first(root: Node) -> Iterator[Node]:
    """All nodes, each before its inputs, and what refers to a common table expression before its definition."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node["children"]


def _stacks_projections(union: Node) -> bool:
    """Whether a UNION ALL is over SELECT lists alone."""
    return bool(union["setop_all"]) and all(
        child["type"] == "LOGICAL_PROJECTION" for child in union["children"]
    )


def _selected(projection: Node, read: _Positions) -> list[int]:
    """The expressions that stay: those that are read, and those that are more than a reference."""
    return [
        at
        for at, one in enumerate(projection["expressions"])
        if read is None or at in read or one["expression_class"] != "BOUND_REF"
    ]


def _scanned(scan: Node, read: _Positions) -> list[int]:
    """The columns of a scan that stay: those that are read, and what stands there where rows are only counted."""
    columns = enumerate(scan["column_indexes"])
    return [at for at, one in columns if read is None or at in read or one["index"] == NOWHERE]


def _gives_right(join: Node) -> bool:
    return join.get("join_type") not in ("SEMI", "ANTI", "MARK")


def _compared(join: Node) -> tuple[list[Any], list[Any], list[Any]]:
    """The expressions of a join over its left input, over its right one, and over the columns of both."""
    lefts, rights, others = [], [], [join.get("condition")]
    for condition in join.get("conditions") or []:
        if condition["comparison"] == _FREE:
            others.append(condition["left"])
        else:
            lefts.append(condition["left"])
            rights.append(condition["right"])
    return lefts, rights, others


def _own(node: Node) -> list[Any]:
    """What a node holds beside its inputs."""
    return [value for name, value in node.items() if name != "children"]


def _references(parts: Iterable[Any]) -> Iterator[Node]:
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            if part.get("expression_class") == "BOUND_REF":
                yield part
            else:
                waiting += part.values()


def _positions(parts: Iterable[Any]) -> frozenset[int]:
    return frozenset(reference["index"] for reference in _references(parts))


def _move(parts: Iterable[Any], kept: list[int] | None) -> None:
    """Have the references in *parts* mean the same columns where only those *kept* are left."""
    if kept is not None:
        places = {before: at for at, before in enumerate(kept)}
        for reference in _references(parts):
            reference["index"] = places[reference["index"]]
