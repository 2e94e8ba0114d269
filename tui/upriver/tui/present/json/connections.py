"""JSON documents of connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from upriver.materializer.ports.system import ConnectionEntry, SystemObject


def connections(entries: Sequence[ConnectionEntry]) -> dict[str, Any]:
    """``connection list`` and ``connection test``."""
    return {
        "connections": [
            {
                "name": one.name,
                "url": one.url or None,
                "sources": list(one.sources),
                "answer": one.answer,
                "error": one.error,
            }
            for one in entries
        ]
    }


def browsed(name: str, objects: Sequence[SystemObject]) -> dict[str, Any]:
    """``connection browse``."""
    return {
        "name": name,
        "objects": [{"name": one.name, "kind": one.kind, "rows": one.rows} for one in objects],
    }
