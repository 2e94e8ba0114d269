"""Walk over a Polars plan: finds bottom up what flows into each column, top down where the order of rows matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from upriver.assets.model import Key
from upriver.lineage.model import Volatility
from upriver.lineage.polars.flow import NOTHING, Flow, Influences, Relation, flow_of, merged
from upriver.lineage.polars.ordering import Shape, ambiguous, depends_on_order, shape
from upriver.lineage.polars.tree import Expression, Named, PlanNode

KeyOf: TypeAlias = Callable[[object], Key | None]
"""The upstream that a scan reads, by its IO source; None when the source is not one of Upriver's."""

_NATIVE = frozenset({"reshape", "binary expr", "categorical expr"})
"""Expressions that Polars does not show, and that surely hold no Python function."""

_NATIVE_OUTSIDE = frozenset({"list.eval", "element", "StructEval", "field", "row_encode", "business"})
"""Those that hold one only if an expression that they are made of does."""


@dataclass
class Walk:
    """One walk over one plan.

    Afterwards *looked_at* is what joins compare, whether or not it bears on the result, *ordered* are the upstreams
    whose order of rows matters, *opaque* the causes of what is not understood, each with the upstreams below it,
    *unknown* the kinds of expressions that are not.
    """

    key_of: KeyOf
    looked_at: Influences = frozenset()
    ordered: set[Key] = field(default_factory=set)
    opaque: dict[str, set[Key]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    volatile: set[Volatility] = field(default_factory=set)

    def relation(self, node: PlanNode, order_matters: bool) -> Relation:
        """What flows into the columns of *node*, of whose rows the order matters or not."""
        inner = _reads_order(node, order_matters)
        below = [self.relation(child, inner) for child in node.inputs]
        for named in (*node.expressions, *node.keys, *node.right_keys):
            self._note(named.expression)
        match node.op:
            case "scan":
                return self._scan(node, order_matters)
            case "frame":
                return Relation(dict.fromkeys(node.schema, NOTHING))
            case "project" | "cache":
                return Relation({n: below[0].column(n) for n in node.schema}, below[0].rows, below[0].order)
            case "select" | "with_columns":
                return _computed(node, below[0])
            case "filter":
                return _narrowed(below[0], _deciding(node.expressions, below[0], "filter"))
            case "sort":
                order = _deciding(node.expressions, below[0], "order")
                rows = order | below[0].order if node.options["slice"] is not None else frozenset()
                return Relation(below[0].columns, below[0].rows | rows, below[0].order | order)
            case "slice":
                return _narrowed(below[0], below[0].order)
            case "distinct":
                return _distinct(node, below[0])
            case "group_by":
                return _grouped(node, below[0])
            case "join":
                self.looked_at |= _keys(node, below[0], below[1])
                return _joined(node, below[0], below[1])
            case "union" | "merge_sorted":
                return _stacked(node, below)
            case "hconcat":
                columns = {name: flow for part in below for name, flow in part.columns.items()}
                return Relation(columns, _all(r.rows for r in below), _all(r.order for r in below))
            case "map":
                mapped = _mapped(node, below[0])
                if mapped is not None:
                    return mapped
        return self._unknown(node, below)

    def _scan(self, node: PlanNode, order_matters: bool) -> Relation:
        key = self.key_of(node.options["source"])
        if key is None:
            self.opaque.setdefault("it reads a source of its own (register_io_source)", set())
            return Relation(dict.fromkeys(node.schema, NOTHING))
        if order_matters:
            self.ordered.add(key)
        rows: Influences = frozenset({((key, None), "rows")})
        return Relation({name: Flow(frozenset({(key, name)})) for name in node.schema}, rows)

    def _unknown(self, node: PlanNode, below: list[Relation]) -> Relation:
        below_it = {key for child in node.inputs for key in scanned(child, self.key_of)}
        cause = f"it reads {', '.join(node.options['paths'])} by itself" if node.op == "file" else node.cause
        if node.op == "map":
            cause = f"plan function {node.options['name']}"
        self.opaque.setdefault(cause, set()).update(below_it)
        flow = merged([relation.whole() for relation in below], "opaque")
        return Relation(dict.fromkeys(node.schema, flow), flow.influence, flow.influence)

    def _note(self, expression: Expression) -> None:
        """Remark on what *expression* holds that is not understood, or that changes by itself."""
        if expression.op == "unknown" and (expression.options or expression.name not in _NATIVE_OUTSIDE):
            self.unknown.add(expression.name)
        if expression.op == "function" and _is_random(expression):
            self.volatile.add(Volatility(expression.name, "build"))
        for inner in (*expression.inputs, *(decider for _, decider in expression.deciders)):
            self._note(inner)

    @property
    def may_run_python(self) -> bool:
        """Whether the plan may call back into the recipe, whose functions may read more than the plan shows."""
        return bool(self.opaque) or not self.unknown <= _NATIVE


def _is_random(function: Expression) -> bool:
    """Whether a function draws random numbers without a seed."""
    options = function.options
    match function.name:
        case "sample":
            return options[3] is None
        case "shuffle":
            return options[0] is None
        case "rank":
            return str(options[0]) == "random" and options[2] is None
    return function.name == "ListFunction.Sample"


def scanned(node: PlanNode, key_of: KeyOf) -> Iterator[Key]:
    """The upstreams that the plan under *node* scans."""
    if node.op == "scan" and (key := key_of(node.options["source"])) is not None:
        yield key
    for child in node.inputs:
        yield from scanned(child, key_of)


# -- which columns --------------------------------------------------------------------------------


def _all(influences: Iterator[Influences]) -> Influences:
    return frozenset().union(*influences)


def _flow(expression: Expression, below: Relation) -> Flow:
    """What flows into *expression*, the order of the rows included when it takes a place in it."""
    flow = flow_of(expression, below)
    return flow.decided_by(below.order) if shape(expression) is Shape.ORDERED else flow


def _flows(expressions: tuple[Named, ...], below: Relation) -> dict[str, Flow]:
    return {named.name: _flow(named.expression, below) for named in expressions}


def _deciding(expressions: tuple[Named, ...], below: Relation, how: str) -> Influences:
    return _all(flow.deciding(how) for flow in _flows(expressions, below).values())


def _narrowed(below: Relation, rows: Influences) -> Relation:
    return Relation(below.columns, below.rows | rows, below.order)


def _computed(node: PlanNode, below: Relation) -> Relation:
    made = _flows(node.expressions, below)
    kept = below.columns if node.op == "with_columns" else {}
    return Relation({name: made.get(name) or kept[name] for name in node.schema}, below.rows, below.order)


def _distinct(node: PlanNode, below: Relation) -> Relation:
    subset = node.options["subset"] or list(below.columns)
    rows = _all(below.column(name).deciding("distinct") for name in subset)
    placed = below.order if node.options["keep"] in ("first", "last") else frozenset()
    return _narrowed(below, rows | placed)


def _grouped(node: PlanNode, below: Relation) -> Relation:
    keys = _flows(node.keys, below)
    index = node.options["index"]
    if index is not None:
        keys[index] = below.column(index).at_least("expression")
    rows = below.rows | _all(flow.deciding("group") for flow in keys.values())
    made = {name: flow.at_least("aggregate") for name, flow in _flows(node.expressions, below).items()}
    # The bounds of a window, where asked for, are made from the index.
    bound = keys[index] if index is not None else NOTHING
    columns = {name: keys.get(name) or made.get(name) or bound for name in node.schema}
    return Relation(columns, rows, below.order if node.options["maintain_order"] else frozenset())


def _keys(node: PlanNode, left: Relation, right: Relation) -> Influences:
    """What a join compares."""
    flows = (*_flows(node.keys, left).values(), *_flows(node.right_keys, right).values())
    on = _all(flow.deciding("join") for flow in flows)
    for relation, names in zip((left, right), node.options["by"], strict=True):
        on |= _all(relation.column(name).deciding("join") for name in names)
    return on


def _joined(node: PlanNode, left: Relation, right: Relation) -> Relation:
    options = node.options
    left_keys, right_keys = _flows(node.keys, left), _flows(node.right_keys, right)
    on = _keys(node, left, right)
    rows = left.rows | right.rows | on
    if options["how"] == "AsOf" or options["slice"] is not None:
        rows |= left.order | right.order
    order = left.order | right.order
    if options["slice"] is None and (options["how"] == "AsOf" or _finds_at_most_one(node)):
        # Every row of the left is kept once: what is found for it decides no more than the columns of the right.
        right = Relation({n: f.decided_by(rows) for n, f in right.columns.items()}, right.rows, right.order)
        rows, order = left.rows, left.order
    both = [
        merged([one, other], "copy")
        for one, other in zip(left_keys.values(), right_keys.values(), strict=False)
    ]
    paired = dict(zip(left_keys, both, strict=False)) if options["coalesce"] else {}
    suffix = str(options["suffix"])
    columns: dict[str, Flow] = {}
    for name in node.schema:
        if name in paired and options["how"] in ("Full", "Right"):
            own = right.columns.get(name) if options["how"] == "Right" else None
            columns[name] = own or paired[name]
        else:
            column = left.columns.get(name) or right.columns.get(name)
            columns[name] = column or right.columns.get(name.removesuffix(suffix)) or paired[name]
    return Relation(columns, rows, order)


def _finds_at_most_one(join: PlanNode) -> bool:
    """Whether each row of the left stays one row, because no two rows of the right have the same key."""
    on = {n.expression.name for n in join.right_keys if n.expression.op == "column"}
    return join.options["how"] == "Left" and any(key <= on for key in _unique(join.inputs[1], strictly=True))


def _stacked(node: PlanNode, below: list[Relation]) -> Relation:
    rows, order = _all(r.rows for r in below), _all(r.order for r in below)
    columns: dict[str, Flow] = {}
    for position, name in enumerate(node.schema):
        parts = [r.columns.get(name) or list(r.columns.values())[position] for r in below]
        how = parts[0].how if len(parts) == 1 else "copy"
        columns[name] = merged(parts, how)
    if node.op == "merge_sorted":
        keys = node.options["key"]
        order |= _all(r.column(name).deciding("order") for r in below for name in keys)
    if node.options.get("slice") is not None:
        rows |= order
    return Relation(columns, rows, order)


def _mapped(node: PlanNode, below: Relation) -> Relation | None:
    name, arguments = node.options["name"], node.options["arguments"]
    columns, rows = dict(below.columns), below.rows
    match name:
        case "explode":
            for column in arguments[0]:
                columns[column] = columns[column].at_least("unnest")
                rows |= columns[column].deciding("unnest")
        case "unnest":
            whole = merged([columns[c] for c in arguments[0]], "expression")
            fields = {n: flow for c in arguments[0] for n, flow in columns[c].fields}
            columns = {
                n: columns[n] if n in columns and n not in arguments[0] else fields.get(n, whole)
                for n in node.schema
            }
        case "unpivot":
            index, on, variable, value = arguments
            columns = {n: columns[n] for n in index or ()}
            used = on if on else [n for n in below.columns if n not in columns]
            columns |= {variable: NOTHING, value: merged([below.column(n) for n in used], "copy")}
        case "row_index":
            columns = {arguments[0]: Flow(below.counted(), "window", below.order), **columns}
        case "rechunk" | "hint_sorted":
            pass
        case _:
            return None
    if set(columns) < set(node.schema):
        return None
    return Relation({n: columns[n] for n in node.schema}, rows, below.order)


# -- whose order ----------------------------------------------------------------------------------


def _reads_order(node: PlanNode, order_matters: bool) -> bool:
    """Whether the order of the rows given to *node* matters, when that of the rows it gives matters or not."""
    match node.op:
        case "project" | "cache" | "union":
            return order_matters or node.options.get("slice") is not None
        case "select":
            kept = any(shape(n.expression) is not Shape.ONE for n in node.expressions)
            return depends_on_order(node.expressions) or (order_matters and kept)
        case "with_columns":
            return order_matters or depends_on_order(node.expressions, beside_rows=True)
        case "filter":
            return order_matters or depends_on_order(node.expressions, beside_rows=True)
        case "sort":
            kept = order_matters or node.options["slice"] is not None
            return (kept and not _is_total(node)) or depends_on_order(node.expressions, beside_rows=True)
        case "group_by":
            # What is not one value for the group comes as a list in the order of its rows.
            listed = any(shape(n.expression) is not Shape.ONE for n in node.expressions)
            placed = depends_on_order(node.keys, beside_rows=True) or node.options["index"] is not None
            placed |= any(ambiguous(node.schema.get(n.name)) for n in node.keys)
            return order_matters or listed or placed or node.options["slice"] is not None
        case "join":
            keys = (*node.keys, *node.right_keys)
            steady = node.options["how"] in ("Inner", "Left", "Right", "Full", "Semi", "Anti", "Cross")
            placed = depends_on_order(keys, beside_rows=True)
            return order_matters or not steady or placed or node.options["slice"] is not None
        case "distinct":
            some = node.options["subset"]
            every = some is None or set(node.schema) <= set(some)
            alike = every and not any(map(ambiguous, node.schema.values()))
            steady = alike or node.options["keep"] == "none"
            return order_matters or not steady or node.options["slice"] is not None
        case "map":
            return order_matters or node.options["name"] not in ("explode", "unnest", "unpivot", "rechunk")
    return True


def _is_total(node: PlanNode) -> bool:
    """Whether a sort leaves no ties but between rows that are the same."""
    by = {n.expression.name for n in node.expressions if n.expression.op == "column"}
    return any(unique <= by for unique in _unique(node.inputs[0]))


def _unique(node: PlanNode, *, strictly: bool = False) -> list[frozenset[str]]:
    """Sets of columns in which no two different rows of *node* are the same; *strictly*: no two rows at all."""
    every = frozenset(node.schema)
    # Rows that are the same may be written differently: which of them comes first, shows.
    found = [] if strictly or any(map(ambiguous, node.schema.values())) else [every]
    match node.op:
        case "group_by" if node.options["index"] is None:
            found.append(frozenset(n.name for n in node.keys))
        case "distinct":
            found += [frozenset(node.options["subset"] or every), *_unique(node.inputs[0], strictly=strictly)]
        case "filter" | "sort" | "slice" | "cache" | "project":
            found += [unique for unique in _unique(node.inputs[0], strictly=strictly) if unique <= every]
        case "with_columns":
            made = {n.name for n in node.expressions}
            found += [unique for unique in _unique(node.inputs[0], strictly=strictly) if not unique & made]
        case "select" if all(shape(n.expression) in (Shape.ROWS, Shape.ONE) for n in node.expressions):
            names = {n.expression.name: n.name for n in node.expressions if n.expression.op == "column"}
            for unique in _unique(node.inputs[0], strictly=strictly):
                if unique <= names.keys():
                    found.append(frozenset(names[name] for name in unique))
    return found
