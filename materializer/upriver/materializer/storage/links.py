"""Links in a project's ``.upriver``: none is followed there, since what one leads to may be another project's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from upriver.assets.errors import StoreError

_PLACES = ("", "building", "cache", "runs", "store", "store/journal", "store/staging", "tmp")
"""The folders in which Upriver keeps something by a name, below ``.upriver``."""

_THEIRS = frozenset({"secrets"})
"""What a person keeps there: it is only read, and may well be a mount's link."""


def refuse_links(folder: Path) -> None:
    """Raise StoreError when anything that Upriver keeps in *folder* (``.upriver``) is a link.

    *folder* itself may be one: to where there is more room.
    """
    for path in _links(folder):
        raise StoreError(
            f"{path} is a link to {path.readlink()}, and no link is followed there\n"
            "  Nothing was changed.\n"
            f"  hint: remove the link, or put in its place what it leads to; {folder} as a whole may be a link"
        )


def _links(folder: Path) -> Iterator[Path]:
    root = str(folder)
    for place in _PLACES:
        try:
            entries = sorted(os.scandir(os.path.join(root, place)), key=lambda entry: entry.name)  # noqa: PTH118 -- at every command
        except OSError:  # not there, or closed to us: that is told by what needs it
            continue
        for entry in entries:
            if entry.is_symlink() and (place or entry.name not in _THEIRS):
                yield folder / place / entry.name
