"""The last reading of the project, kept so that the next start has a list before the project is read again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from upriver.materializer.answers import AssetStatus


class CachedStatuses(msgspec.Struct, frozen=True):
    """What is kept: the project's name, its environment, and the statuses as they were."""

    name: str
    environment: str
    statuses: tuple[AssetStatus, ...]


def cached_path(root: Path) -> Path:
    """Where the reading of the project at *root* is kept."""
    return root / ".upriver" / "cache" / "ui-statuses.msgpack"


def keep(root: Path, kept: CachedStatuses) -> None:
    """Keep it. A failure to do so is of no interest to anybody."""
    path = cached_path(root)
    if not root.is_dir():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(msgspec.msgpack.encode(kept))
        fresh.replace(path)
    except OSError:
        return


def load_statuses(root: Path, environment: str) -> CachedStatuses | None:
    """What was kept for *environment*; None when there is nothing or it can't be read."""
    try:
        kept = msgspec.msgpack.decode(cached_path(root).read_bytes(), type=CachedStatuses)
    except (OSError, msgspec.DecodeError):
        return None
    return kept if kept.environment == environment else None
