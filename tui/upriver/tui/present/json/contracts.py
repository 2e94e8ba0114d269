"""Contracts as JSON documents."""

from __future__ import annotations

from typing import Any

from upriver.lineage.refactoring.freeze import Freezing


def freezing(value: Freezing, *, dry_run: bool) -> dict[str, Any]:
    """``contract freeze``."""
    return {
        "asset": value.asset,
        "file": value.file.path,
        "closed": value.closed,
        "done": not dry_run and bool(value.diff),
        "columns": [{"column": one.name, "type": one.type} for one in value.schema],
        "diff": list(value.diff),
    }
