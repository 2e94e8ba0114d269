"""Quarantine: files that a repair has set aside, in a folder of their own. Nothing is ever deleted there."""

from __future__ import annotations

import time
from pathlib import Path

from upriver.assets.errors import StoreError
from upriver.materializer.storage.durable_files import FilePort, disk_error

QUARANTINE = "quarantine"


def set_aside(folder: Path, path: Path, files: FilePort) -> Path:
    """Move the file at *path* into the quarantine of *folder* (``.upriver``); where it is then. Raises StoreError."""
    place = folder / QUARANTINE
    try:
        files.make_folder(place)
        info = files.info(place)
        if info is None or info.kind != "folder":
            raise StoreError(f"{place} is a link or a file, not a folder\n  hint: move it away")
        stamp, number = time.strftime("%Y%m%d-%H%M%S"), 0
        while files.info(target := place / f"{stamp}-{number}-{path.name}") is not None:
            number += 1
        files.replace(path, target)
        files.sync_folder(place)
        files.sync_folder(path.parent)
    except OSError as error:
        raise disk_error("set aside", path, error) from error
    return target
