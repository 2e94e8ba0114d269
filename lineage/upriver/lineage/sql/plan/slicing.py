"""Slicing: which rows of each upstream a slice of a query's result needs, read off the bound plan.

The condition "the key is *p*" is carried from the top of the plan to its scans. What it passes on its way has to give
the same rows for *p* from the rows of *p* alone: projections and filters, groupings and windows whose groups lie within
a slice, the side of a join that its rows come from (the *carrier*), unions. At the other side of a join the condition
goes on where an equality tells that only rows of *p* can match; else every slice reads all of that side. Whatever else
stands in the way makes the query one that is computed as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from upriver.assets.model import Key, Schema
from upriver.lineage.model import SliceRead, Slicing
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.plan.context import PlanContext
from upriver.lineage.sql.plan.flow import NOWHERE, Node
from upriver.lineage.sql.plan.key_expressions import (
    equated,
    is_determined,
    is_exact,
    key_sql,
    moved,
    ranged,
    references,
    shifted,
    type_of,
)
from upriver.lineage.sql.plan.shape import JOIN_NODES

Keys: TypeAlias = "tuple[Node | None, ...]"
"""For each dimension the expression over a node's columns; None where nothing is known of it."""

_EQUAL = frozenset({"COMPARE_EQUAL", "COMPARE_NOT_DISTINCT_FROM"})
_FROM_LEFT = frozenset({"INNER", "LEFT", "SEMI", "ANTI", "MARK", "SINGLE"})
_FROM_RIGHT = frozenset({"INNER", "RIGHT"})
_RESTRICTS_OTHER = frozenset({"INNER", "LEFT", "RIGHT", "SEMI", "ANTI", "SINGLE"})
"""A null among all rows of the other side decides a MARK (``NOT IN``): that one reads them all."""
_DEEPEST = 400


class CannotSliceError(Exception):
    """The plan can't be computed slice by slice; the text names the operator."""


def slicing_of(context: PlanContext, root: Node, schema: Schema, columns: Sequence[str]) -> Slicing:
    """How the query behind *root* is cut by its output *columns*, all of which are there."""
    places = {column.name.casefold(): at for at, column in enumerate(schema)}
    at = [places[name.casefold()] for name in columns]
    types = tuple(schema[place].type for place in at)
    if context.volatile and any(one.period == "build" for one in context.volatile):
        return Slicing(types, whole=f"{next(iter(context.volatile)).function}() differs at every build")
    walk = _Walk(context, root)
    try:
        keys = tuple(walk.output(root, place) for place in at)
        walk.push(root, keys, carrier=True, depth=0)
        return walk.found(types)
    except CannotSliceError as error:
        return Slicing(types, whole=str(error))
    except (LookupError, TypeError, ValueError) as error:
        return Slicing(types, whole=f"a part of the plan that is not understood ({error!r})")


class _Walk:
    def __init__(self, context: PlanContext, root: Node) -> None:
        self._context = context
        self._ctes: dict[int, Node] = {}
        self._scans: dict[int, tuple[Node, Key]] = {}
        self._asked: defaultdict[int, list[Keys]] = defaultdict(list)
        self._carriers: list[tuple[int, Keys]] = []
        waiting = [root]
        while waiting:
            node = waiting.pop()
            waiting += node["children"]
            if node["type"] == "LOGICAL_MATERIALIZED_CTE":
                self._ctes[node["table_index"]] = node["children"][0]
            if node["type"] == "LOGICAL_GET" and (key := context.scanned_key(node)) is not None:
                self._scans[id(node)] = (node, key)

    def output(self, root: Node, place: int) -> Node:
        """A reference to an output column of the whole plan."""
        node = root
        while node["type"] in (
            "LOGICAL_MATERIALIZED_CTE",
            "LOGICAL_ORDER_BY",
            "LOGICAL_DISTINCT",
            "LOGICAL_FILTER",
        ):
            if node.get("projections") or node.get("projection_map"):
                break
            node = node["children"][-1 if node["type"] == "LOGICAL_MATERIALIZED_CTE" else 0]
        type_ = type_of(node["expressions"][place]) if node["type"] == "LOGICAL_PROJECTION" else _ANY
        return {"expression_class": "BOUND_REF", "index": place, "return_type": type_}

    # -- what was found ----------------------------------------------------------------------------------
    def found(self, types: tuple[str, ...]) -> Slicing:
        """All scans of an upstream together: a dimension restricts it where it does in all of them."""
        by_key: dict[Key, list[SliceRead]] = {}
        for number, (node, key) in self._scans.items():
            asked = self._asked.get(number) or [(None,) * len(types)]
            by_key.setdefault(key, []).extend(self._read(node, key, keys) for keys in asked)
        reads = tuple(_together(key, several, len(types)) for key, several in sorted(by_key.items()))
        carriers = []
        for number, keys in self._carriers:
            node, key = self._scans[number]
            one = self._read(node, key, keys)
            if None in one.expressions:
                raise CannotSliceError(f"the key is made of {key} in a way that is not followed")
            carriers.append(one)
        if not carriers:
            raise CannotSliceError("no table tells which slices there are")
        return Slicing(types, reads, tuple(dict.fromkeys(carriers)))

    def _read(self, node: Node, key: Key, keys: Keys) -> SliceRead:
        names, indexes = node["names"], [column["index"] for column in node["column_indexes"]]

        def name_of(place: int) -> str:
            if indexes[place] == NOWHERE:
                raise CannotSliceError("the number of a row")
            return str(names[indexes[place]])

        texts, columns = [], []
        for one in keys:
            text = None
            if one is not None and self._context.is_steady(one):
                text = key_sql(one, lambda place: quote(name_of(place)))
            texts.append(text)
            columns.append(ranged(one, name_of) if one is not None and text is not None else None)
        return SliceRead(key, tuple(texts), tuple(columns))

    # -- the way down ------------------------------------------------------------------------------------
    def push(self, node: Node, keys: Keys, *, carrier: bool, depth: int) -> None:
        """Carry *keys* through *node*. Raises CannotSliceError where that would change the result."""
        if depth > _DEEPEST:
            raise CannotSliceError("a query nested too deep")
        if all(one is None for one in keys):
            self.whole(node)
            return
        if any(one is not None and not list(references(one)) for one in keys):
            raise CannotSliceError("a constant as the key")
        children = node["children"]
        kind: str = node["type"]
        if node.get("projection_map") and kind != "LOGICAL_FILTER":
            raise CannotSliceError("a node that drops columns")

        def below(child: Node, moved_keys: Keys, *, carries: bool = carrier) -> None:
            self.push(child, moved_keys, carrier=carries, depth=depth + 1)

        def within_first(operator: str) -> Keys:
            width = self._context.widths.of(children[0])
            return _each(
                keys,
                lambda one: shifted(one, lambda c: c if width is not None and c < width else None),
                operator,
            )

        match kind:
            case "LOGICAL_GET" if id(node) in self._scans:
                self._asked[id(node)].append(keys)
                if carrier:
                    self._carriers.append((id(node), keys))
            case "LOGICAL_PROJECTION":
                below(children[0], _each(keys, lambda one: moved(node["expressions"], one), "an expression"))
            case "LOGICAL_FILTER":
                kept = node["projection_map"]
                below(
                    children[0],
                    _each(keys, lambda one: shifted(one, lambda c: kept[c] if kept else c), "filter"),
                )
            case "LOGICAL_ORDER_BY":
                placed = node["projections"]
                below(
                    children[0],
                    _each(keys, lambda one: shifted(one, lambda c: placed[c] if placed else c), "sort"),
                )
            case "LOGICAL_AGGREGATE_AND_GROUP_BY":
                groups = node["groups"]
                if node["grouping_sets"] not in ([], [list(range(len(groups)))]):
                    raise CannotSliceError("ROLLUP, CUBE or GROUPING SETS")
                if not groups:
                    raise CannotSliceError("an aggregate over all rows")
                below(
                    children[0],
                    _each(
                        keys, lambda one: moved(groups, one), "an aggregate that does not group by the key"
                    ),
                )
            case "LOGICAL_WINDOW":
                inner = within_first("a key made by a window function")
                for window in node["expressions"]:
                    if not _determined(inner, window["partitions"] or []):
                        raise CannotSliceError("a window that is not partitioned by the key")
                below(children[0], inner)
            case "LOGICAL_DISTINCT":
                if node["distinct_type"] != "DISTINCT" and not _chosen_within(node, keys):
                    raise CannotSliceError("DISTINCT ON other columns than the key")
                below(children[0], keys)
            case "LOGICAL_UNNEST":
                below(children[0], within_first("a key from a list"))
            case "LOGICAL_UNION":
                for child in children:
                    below(child, keys)
            case "LOGICAL_EXCEPT" | "LOGICAL_INTERSECT":
                below(children[0], keys)
                self._aside(children[1], keys, depth)
            case "LOGICAL_MATERIALIZED_CTE":
                below(children[1], keys)
            case "LOGICAL_CTE_REF" if node["cte_index"] in self._ctes:
                below(self._ctes[node["cte_index"]], keys)
            case _ if kind in JOIN_NODES:
                self._join(node, keys, carrier=carrier, depth=depth)
            case _:
                raise CannotSliceError(_operator(kind))

    def _join(self, node: Node, keys: Keys, *, carrier: bool, depth: int) -> None:
        kind: str = node.get("join_type") or "INNER"
        columns = self._context.widths.join_columns(node)
        if columns is None or node["type"] == "LOGICAL_POSITIONAL_JOIN":
            raise CannotSliceError("a positional join")
        lefts, rights = columns
        left, right = node["children"]
        on_left = _side(keys, lambda c: lefts[c] if c < len(lefts) else None)
        on_right = _side(
            keys, lambda c: rights[c - len(lefts)] if 0 <= c - len(lefts) < len(rights) else None
        )
        conditions = node.get("conditions") or []
        pairs = [(one["left"], one["right"]) for one in conditions if one["comparison"] in _EQUAL]
        if on_left is not None and kind in _FROM_LEFT:
            ours, theirs, mine, other = left, right, on_left, [(a, b) for a, b in pairs]
        elif on_right is not None and kind in _FROM_RIGHT and node["type"] != "LOGICAL_ASOF_JOIN":
            ours, theirs, mine, other = right, left, on_right, [(b, a) for a, b in pairs]
        else:
            outer = kind in ("LEFT", "RIGHT", "FULL", "OUTER")
            raise CannotSliceError(
                "an outer join whose other side has the key" if outer else "a key from both sides of a join"
            )
        self.push(ours, mine, carrier=carrier, depth=depth + 1)
        restricts = kind in _RESTRICTS_OTHER and node["type"] != "LOGICAL_ASOF_JOIN"
        matched = tuple(None if one is None or not restricts else equated(one, other) for one in mine)
        self._aside(theirs, matched, depth)

    def _aside(self, node: Node, keys: Keys, depth: int) -> None:
        """Carry *keys* into what only decides about rows of the carrier; where that can't be, all of it is read."""
        before = {number: list(asked) for number, asked in self._asked.items()}
        try:
            self.push(node, keys, carrier=False, depth=depth + 1)
        except CannotSliceError:
            self._asked = defaultdict(list, before)
            self.whole(node)

    def whole(self, node: Node) -> None:
        """Every slice reads all rows of what is scanned in *node*."""
        waiting, seen = [node], set()
        while waiting:
            one = waiting.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            waiting += one["children"]
            if one["type"] == "LOGICAL_CTE_REF" and one["cte_index"] in self._ctes:
                waiting.append(self._ctes[one["cte_index"]])
            if id(one) in self._scans:
                self._asked[id(one)].append(())


_ANY: Node = {"id": "VARCHAR", "type_info": None}


def _together(key: Key, several: Sequence[SliceRead], width: int) -> SliceRead:
    expressions: list[str | None] = []
    for at in range(width):
        found = {one.expressions[at] if len(one.expressions) > at else None for one in several}
        expressions.append(found.pop() if len(found) == 1 else None)
    first = several[0].ranged
    columns = tuple(
        first[at] if expressions[at] is not None and len(first) > at else None for at in range(width)
    )
    return SliceRead(key, tuple(expressions), columns)


def _each(keys: Keys, change: object, operator: str) -> Keys:
    assert callable(change)
    result = []
    for one in keys:
        changed = None if one is None else change(one)
        if one is not None and changed is None:
            raise CannotSliceError(operator)
        if changed is not None and not all(is_exact(type_of(part)) for part in references(changed)):
            raise CannotSliceError("a key whose equal values may differ")
        result.append(changed)
    return tuple(result)


def _side(keys: Keys, place: object) -> Keys | None:
    assert callable(place)
    result = [None if one is None else shifted(one, place) for one in keys]
    if any(one is not None and other is None for one, other in zip(keys, result, strict=True)):
        return None
    return tuple(result)


def _determined(keys: Keys, by: Sequence[Node]) -> bool:
    return all(one is None or is_determined(one, by) for one in keys)


def _chosen_within(node: Node, keys: Keys) -> bool:
    """Whether DISTINCT ON chooses among rows of one slice. Below it, one column may stand twice."""
    targets: Sequence[Node] = node["distinct_targets"]
    (child,) = node["children"]
    if child["type"] != "LOGICAL_PROJECTION":
        return _determined(keys, targets)
    made = [moved(child["expressions"], one) for one in targets]
    inner = tuple(None if one is None else moved(child["expressions"], one) for one in keys)
    lost = any(one is not None and other is None for one, other in zip(keys, inner, strict=True))
    return not lost and _determined(inner, [one for one in made if one is not None])


_OPERATORS: Mapping[str, str] = {
    "LOGICAL_LIMIT": "LIMIT",
    "LOGICAL_SAMPLE": "a sample",
    "LOGICAL_PIVOT": "PIVOT",
    "LOGICAL_RECURSIVE_CTE": "WITH RECURSIVE",
    "LOGICAL_CTE_REF": "WITH RECURSIVE",
    "LOGICAL_GET": "a table function",
    "LOGICAL_DUMMY_SCAN": "rows that the query spells out",
    "LOGICAL_EXPRESSION_GET": "rows that the query spells out",
    "LOGICAL_CHUNK_GET": "rows that the query spells out",
    "LOGICAL_EMPTY_RESULT": "rows that the query spells out",
}


def _operator(kind: str) -> str:
    return _OPERATORS.get(kind, kind.removeprefix("LOGICAL_").replace("_", " ").lower())
