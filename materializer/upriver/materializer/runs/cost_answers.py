"""Costs of assets, as values that every face renders."""

from __future__ import annotations

from upriver.assets.model import Key, Value


class AssetCost(Value, frozen=True):
    """What one asset costs. *seconds* is its usual duration, *total* all that it took in the runs looked at, failed
    attempts included; *saved* what it would have taken when it was *reused* instead. *peak_memory* is in bytes.
    """

    asset: Key
    seconds: float | None = None
    total: float = 0.0
    built: int = 0
    failed: int = 0
    reused: int = 0
    saved: float = 0.0
    rows: int | None = None
    bytes: int | None = None
    peak_memory: int | None = None


class Costs(Value, frozen=True):
    """What assets have cost in the last *runs* runs, of which the first began at *since*."""

    runs: int
    since: float | None
    assets: tuple[AssetCost, ...]

    @property
    def seconds(self) -> float:
        """What all of them took."""
        return sum(one.total for one in self.assets)

    @property
    def saved(self) -> float:
        """What reuse has spared."""
        return sum(one.saved for one in self.assets)
