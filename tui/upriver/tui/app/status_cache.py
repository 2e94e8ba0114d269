"""Cache of the last statuses: the next start shows a list before the project is read again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from upriver.materializer.answers import AssetStatus


class CachedStatuses(msgspec.Struct, frozen=True):
    """Cached statuses of a project with its name and environment."""

    name: str
    environment: str
    statuses: tuple[AssetStatus, ...]


def cached_path(root: Path) -> Path:
    """File of the cached statuses of the project at *root*."""
    return root / ".upriver" / "cache" / "ui-statuses.msgpack"


def save_statuses(root: Path, cached: CachedStatuses) -> None:
    """Write *statuses* to the cache. A failure is ignored: the cache only saves a second at the next start."""
    path = cached_path(root)
    if not root.is_dir():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(msgspec.msgpack.encode(cached))
        fresh.replace(path)
    except OSError:
        return


def load_statuses(root: Path, environment: str) -> CachedStatuses | None:
    """Cached statuses of *environment*; None when there are none or they can't be read."""
    try:
        cached = msgspec.msgpack.decode(cached_path(root).read_bytes(), type=CachedStatuses)
    except (OSError, msgspec.DecodeError):
        return None
    return cached if cached.environment == environment else None
