"""JSON documents of upkeep and of environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from upriver.materializer.answers import EnvironmentEntry

if TYPE_CHECKING:
    from upriver.materializer.upkeep.fsck import Report
    from upriver.materializer.upkeep.gc import Collected


def fsck(report: Report, actions: Sequence[str]) -> dict[str, Any]:
    """``fsck``: what is wrong (after a repair: what still is), what was done, and what is harmless."""
    return {
        "ok": report.ok,
        "problems": [
            {
                "kind": problem.kind.value,
                "place": problem.place,
                "facts": list(problem.facts),
                "hint": problem.hint,
            }
            for problem in report.problems
        ],
        "actions": list(actions),
        "notes": list(report.notes),
        "artifacts": report.artifacts,
        "bytes": report.bytes,
    }


def gc(collected: Collected, *, dry_run: bool) -> dict[str, Any]:
    """``gc``: what was dropped or, in a dry run, would be; sizes in bytes."""
    return {
        "ok": True,
        "problems": [],
        "dry_run": dry_run,
        "materializations": list(collected.materializations),
        "artifacts": list(collected.artifacts),
        "leftovers": list(collected.leftovers),
        "freed": collected.freed,
        "kept": collected.kept,
    }


def environments(entries: Sequence[EnvironmentEntry]) -> dict[str, Any]:
    """``env list``. *running* are the ids of the runs that build it now."""
    return {
        "environments": [
            {
                "name": one.name,
                "default": one.default,
                "declared": one.declared,
                "assets": one.nodes,
                "running": list(one.running),
            }
            for one in entries
        ]
    }


def environment_removed(name: str, count: int) -> dict[str, Any]:
    """``env remove``. *assets* is how many it pointed at."""
    return {"name": name, "removed": True, "assets": count}
