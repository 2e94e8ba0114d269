"""Identities: the key of an asset, the key of a partition, and the node that is decided, built and recorded."""

from __future__ import annotations

from typing import TypeAlias

from upriver.assets.model import Key, Value

__all__ = ["Key", "Node", "PartitionKey"]

PartitionKey: TypeAlias = str
"""The name of one partition of an asset, such as ``2024-05-01``; never empty."""


class Node(Value, frozen=True):
    """An asset, or one partition of it: the unit that is decided, built, recorded, claimed and shown.

    *partition* is None for the whole of an asset that has no partitions. Nodes sort by asset, the whole before
    its partitions.
    """

    asset: Key
    partition: PartitionKey | None = None

    def __str__(self) -> str:
        """The canonical text: ``marts.sales`` or ``marts.sales[2024-05-01]``."""
        return self.asset if self.partition is None else f"{self.asset}[{self.partition}]"

    def __lt__(self, other: Node) -> bool:
        return (self.asset, self.partition or "") < (other.asset, other.partition or "")

    @staticmethod
    def parse(text: str) -> Node:
        """The node behind a canonical text. Raises ValueError for what is none.

        A key holds no bracket, so a partition may hold any.
        """
        asset, bracket, rest = text.partition("[")
        if not bracket and asset:
            return Node(asset)
        if not asset or len(rest) < 2 or not rest.endswith("]"):
            raise ValueError(f"{text!r} is not the text of a node: a key, or a key and [a partition]")
        return Node(asset, rest[:-1])
