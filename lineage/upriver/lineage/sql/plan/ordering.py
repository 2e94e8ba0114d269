"""Order dependence: whether an aggregate, a window or a sort gives another result for its rows in another order."""

from __future__ import annotations

from upriver.lineage.sql.plan.flow import Node, Relation

# fmt: off
_ORDER_FREE = frozenset({
    "count", "count_star", "count_if", "countif", "min", "max", "bool_and", "bool_or", "bit_and",
    "bit_or", "bit_xor", "approx_count_distinct", "median", "quantile", "quantile_cont",
    "quantile_disc", "mad", "histogram", "histogram_exact", "bitstring_agg", "regr_count",
})
# fmt: on
_COUNTING = frozenset(
    {
        "count",
        "count_star",
        "count_if",
        "countif",
        "bool_and",
        "bool_or",
        "approx_count_distinct",
        "regr_count",
    }
)
"""Those that give none of the values that they are given."""
_ORDER_FREE_WHEN_EXACT = frozenset({"sum", "sum_no_overflow", "avg", "mean", "decimal_average"})
# fmt: off
_ROUNDED = frozenset({
    *_ORDER_FREE_WHEN_EXACT,
    "fsum", "kahan_sum", "sumkahan", "favg", "product", "geomean", "geometric_mean", "stddev", "stddev_pop",
    "stddev_samp", "variance", "var_pop", "var_samp", "sem", "skewness", "kurtosis", "kurtosis_pop", "entropy", "corr",
    "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx",
    "regr_sxy", "regr_syy",
})
# fmt: on
_RANKS = frozenset({"WINDOW_RANK", "WINDOW_RANK_DENSE", "WINDOW_PERCENT_RANK", "WINDOW_CUME_DIST"})
_INEXACT = frozenset({"FLOAT", "DOUBLE"})
_TWICE_WRITTEN = _INEXACT | {"INTERVAL", "VARIANT"}


def references(expressions: list[Node]) -> frozenset[int]:
    """The columns that stand alone among *expressions*."""
    return frozenset(e["index"] for e in expressions if e["expression_class"] == "BOUND_REF")


def sort_keys(orders: list[Node]) -> frozenset[int]:
    """The columns that a list of ORDER BY items sorts by."""
    return references([order["expression"] for order in orders])


def ambiguous(type_: Node) -> bool:
    """Whether values of a type can be equal and yet differ, so that DISTINCT or GROUP BY keeps any one of them: zeros
    of both signs, a month and thirty days, texts that a collation takes for the same.
    """
    waiting = [type_]
    while waiting:
        part = waiting.pop()
        info = part["type_info"] or {}
        if part["id"] in _TWICE_WRITTEN or (part["id"] == "VARCHAR" and info):
            return True
        inner = [info["child_type"]] if "child_type" in info else []
        inner += [child.get("second", child) for child in info.get("child_types") or ()]
        waiting += [child for child in inner if isinstance(child, dict) and "id" in child]
    return False


def ambiguous_values(expressions: list[Node]) -> bool:
    """Whether one of *expressions* has values that can be equal and yet differ."""
    return any("return_type" in one and ambiguous(one["return_type"]) for one in expressions)


def _inner_orders(expression: Node) -> list[Node]:
    orders: list[Node] = (expression.get("order_bys") or {}).get("orders") or []
    return orders


def aggregate_reads_order(aggregate: Node, groups: frozenset[int], below: Relation) -> bool:
    """Whether *aggregate* over rows of *below*, grouped by columns *groups*, depends on their order."""
    name = aggregate["qname"]["path"][-1]
    arguments = aggregate["children"]
    if name in _COUNTING:
        return False
    if name in _ORDER_FREE:
        return ambiguous_values(arguments)
    if name in _ORDER_FREE_WHEN_EXACT:
        return any(a["return_type"]["id"] in _INEXACT for a in arguments if "return_type" in a)
    keys = sort_keys(_inner_orders(aggregate)) | groups
    columns = references(arguments)
    constants = sum(a["expression_class"] == "BOUND_CONSTANT" for a in arguments)
    if len(columns) + constants == len(arguments) and columns <= keys and not ambiguous_values(arguments):
        return aggregate.get("aggregate_type") == "DISTINCT" and not _inner_orders(aggregate)
    return not any(unique <= keys for unique in below.unique)


def may_only_round(aggregate: Node) -> bool:
    """Whether another order of the rows can change no more than the last bits of *aggregate*."""
    return aggregate["qname"]["path"][-1] in _ROUNDED


def window_reads_order(window: Node, below: Relation, alone: bool) -> bool:
    """Whether *window* over rows of *below* depends on their order.

    Where rows are equal, it does not matter which of them has which number, unless the window is not *alone*
    with its sort order: then it matters which number goes with which.
    """
    kind = window["type"]
    if kind in _RANKS:
        return False
    keys = references(window.get("partitions") or []) | sort_keys(window.get("orders") or [])
    total = below.covers(keys) if alone else any(unique <= keys for unique in below.unique)
    if ambiguous_values([order["expression"] for order in window.get("orders") or []]):
        total = any(unique <= keys for unique in below.unique)
    if total and not (window.get("arg_orders") or []):
        return False
    return numbers_rows(window) or aggregate_reads_order({**window, "order_bys": None}, frozenset(), below)


def share_one_order(windows: list[Node]) -> bool:
    """Whether all windows that tell equal rows apart do so in one pass over one sort order."""
    return len({sort_order(window) for window in windows if numbers_rows(window)}) < 2


def sort_order(window: Node) -> tuple[tuple[object, ...], ...]:
    """Equal for windows with the same partitions and the same sort order."""
    partitions = tuple(e.get("index", id(e)) for e in window.get("partitions") or [])
    orders = window.get("orders") or []
    keys = tuple((o["expression"].get("index", id(o)), o["type"], o["null_order"]) for o in orders)
    return partitions, keys


def numbers_rows(window: Node) -> bool:
    """Whether *window* tells rows apart that its ORDER BY does not."""
    if window["type"] != "WINDOW_AGGREGATE":
        return window["type"] not in _RANKS
    return any(str(window.get(edge, "")).endswith("_ROWS") for edge in ("start", "end"))
