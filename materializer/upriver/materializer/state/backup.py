"""The copy of the state that is made before a newer program changes the form of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import apsw

from upriver.materializer.storage.durable_files import OsFiles


def back_up(connection: apsw.Connection, path: Path, version: int) -> Path:
    """Copy the database at *path*, of *version*, to a file beside it, which is on disk then; returns its path.

    A copy that is there is never replaced: it may be all that is left of what it holds. Raises OSError and
    apsw.Error, and leaves nothing behind then.
    """
    files = OsFiles()
    first = path.with_name(f"{path.name}.v{version}.backup")
    draft = first.with_name(first.name + ".part")
    files.remove(draft)
    try:
        connection.execute("vacuum into ?", (str(draft),)).fetchall()
        files.sync(draft)
        copied = files.digest(draft)
        for number in itertools.count(1):
            backup = first if number == 1 else first.with_name(f"{first.name}.{number}")
            info = files.info(backup)
            if info is None:
                files.link(draft, backup)
                break
            if info.kind == "file" and files.digest(backup) == copied:
                break  # of an upgrade that ended before it had begun
        files.sync_folder(first.parent.resolve())
    finally:
        files.remove(draft)
    return backup
