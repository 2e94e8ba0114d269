"""A small believable project: a shop with orders, payments and a report that fails. Its data: shop.json."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import msgspec

from upriver.assets.model import Key, Place
from upriver.lineage.model import EdgeKind
from upriver.materializer.model import Reasons, State

NOW = 1_760_000_000.0
"""The moment at which the project is looked at (2025-10-09, 08:53:20 UTC)."""

ReadSpec: TypeAlias = tuple[Key, str, str, str | None]
"""Where a column comes from: upstream, its column, how, expression."""


class ColumnSpec(msgspec.Struct, frozen=True):
    """A column and where it comes from."""

    name: str
    type: str
    reads: tuple[ReadSpec, ...] = ()


class AssetSpec(msgspec.Struct, frozen=True):
    """One asset of a fake project. *age* is the time since it was built, *seconds* its usual duration."""

    key: Key
    engine: str
    state: State
    upstreams: tuple[Key, ...] = ()
    age: float | None = None
    seconds: float | None = None
    rows: int | None = None
    columns: tuple[ColumnSpec, ...] = ()
    reasons: Reasons = ()
    kind: str = "table"
    owner: str | None = None
    tags: tuple[str, ...] = ()
    description: str = ""
    text: tuple[str, ...] = ()
    error: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Where it is declared."""
        if self.engine == "source":
            return Place("assets/sources.py", 12)
        ending = "sql" if self.engine == "sql" else "py"
        return Place(f"assets/{self.key.replace('.', '/')}.{ending}", 1)


def influence(how: str) -> EdgeKind:
    """What kind of edge *how* makes."""
    decides = how in ("filter", "join", "group", "order", "distinct", "limit")
    return EdgeKind.INFLUENCE if decides else EdgeKind.VALUE


def shop() -> tuple[AssetSpec, ...]:
    """The project, upstream first."""
    text = Path(__file__).with_name("shop.json").read_bytes()
    return msgspec.json.decode(text, type=tuple[AssetSpec, ...])
