"""Reach: which files a source may be read from, wherever patterns and links lead.

A query that names files reads nothing outside of the project; what lies elsewhere is declared, so that a person has
said so. What Upriver keeps for itself (secrets, artifacts of others' assets) is no source's content.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from upriver.assets.errors import UpriverError
from upriver.assets.model import Place, Value

_OWN = ".upriver"


class Reach(Value, frozen=True):
    """Where the files of one source may lie. *derived*: it was found in a query at *place*, in no source."""

    key: str
    derived: bool
    place: Place

    def check(self, root: Path, paths: Iterable[str]) -> None:
        """Raise UpriverError when one of *paths* (below *root*, or absolute) leads where the source may not read."""
        for _ in self.real_paths(root, paths):
            pass

    def real_paths(self, root: Path, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Each of *paths*, absolute, with the one that links lead to. Raises UpriverError as :meth:`check` does."""
        real_root = os.path.realpath(root)
        # The folder of the project may itself be a link to another disk.
        own = (f"{real_root}/{_OWN}/", f"{os.path.realpath(f'{real_root}/{_OWN}')}/")
        folders: dict[str, str] = {}
        for path in paths:
            whole = os.path.join(real_root, path)  # noqa: PTH118 -- there may be many
            folder, _, name = whole.rpartition("/")
            if folder not in folders:
                folders[folder] = os.path.realpath(folder)
            real = f"{folders[folder]}/{name}"
            if os.path.islink(real):  # noqa: PTH114 -- there may be many
                real = os.path.realpath(real)
            if real.startswith(own):
                raise UpriverError(
                    f"source {self.key}: {path} leads into {_OWN}, which nothing reads but Upriver ({self.place})\n"
                    "  hint: read an asset by its name; keep what is to be read elsewhere in the project"
                )
            if self.derived and not real.startswith(f"{real_root}/"):
                raise UpriverError(
                    f"source {self.key}: {path} leads out of the project, to {real} ({self.place})\n"
                    f"  hint: declare it in a Python module, source('raw.name', {path!r}), and read raw.name"
                )
            yield whole, real
