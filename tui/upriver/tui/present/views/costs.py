"""Orders of the costs of assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from upriver.materializer.runs.cost_answers import AssetCost

COST_ORDERS: Mapping[str, Callable[[AssetCost], float]] = {
    "total": lambda cost: cost.total,
    "usual": lambda cost: cost.seconds or 0.0,
    "built": lambda cost: cost.built,
    "failed": lambda cost: cost.failed,
    "reused": lambda cost: cost.reused,
    "saved": lambda cost: cost.saved,
    "rows": lambda cost: cost.rows or 0,
    "size": lambda cost: cost.bytes or 0,
    "memory": lambda cost: cost.peak_memory or 0,
}
"""By what they can be ordered: the most of it comes first."""


def sorted_costs(costs: Iterable[AssetCost], order: str) -> list[AssetCost]:
    """*costs* by one of :data:`COST_ORDERS`; what is equal in it stays in the order of the graph."""
    return sorted(costs, key=COST_ORDERS[order], reverse=True)
