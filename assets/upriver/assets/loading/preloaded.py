"""Modules that were imported before this process was forked: none of a project, and over a thousand of them.

To look at each of them in a new process takes longer than the fork: what a process writes to (and Python counts each
look at an object in the object) is copied first. So it is told of them as a whole what there is to know.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from types import ModuleType

from upriver.assets.model import Value


class Preloaded(Value, frozen=True):
    """What is known of them: *names* on the first level, *files* where they really are, *folders* in which all of
    these lie; *last* is the name of the last of them.
    """

    names: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    last: str | None = None

    def has(self, names: Iterable[str], root: str, own: Callable[[str], bool]) -> bool:
        """Whether one has one of *names*, or may be from the project at *root*, whose folders *own* knows."""
        return not self.names.isdisjoint(names) or any(
            own(folder) or f"{root}/".startswith(f"{folder}/") for folder in self.folders
        )


_preloaded = Preloaded()
_last: ModuleType | None = None


def preloaded() -> Preloaded:
    """What was imported before; nothing in a process that was not forked."""
    return _preloaded


def note_preloaded() -> None:
    """Take what is imported now for what is. For a fork parent, once it has imported everything."""
    global _preloaded, _last  # noqa: PLW0603 -- facts of the process
    given = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    told = (file for file in given if isinstance(file, str) and os.path.isabs(file))  # noqa: PTH117 -- strings throughout
    files = {path for file in told for path in (file, os.path.realpath(file))}
    folders: list[str] = []
    for folder in sorted({os.path.dirname(file) for file in files}):  # noqa: PTH120 -- as above
        if not folders or not f"{folder}/".startswith(f"{folders[-1]}/"):
            folders.append(folder)
    names = frozenset(name.partition(".")[0] for name in sys.modules)
    last, _last = next(reversed(sys.modules.items()))
    _preloaded = Preloaded(names, tuple(folders), frozenset(files), last)


def imported_since() -> Iterator[tuple[str, ModuleType]]:
    """The modules that were imported since, by name, the last first."""
    found = reversed(sys.modules)
    if (
        sys.modules.get(_preloaded.last or "") is _last
    ):  # else it was imported anew, and says nothing of the others
        found = takewhile(lambda name: name != _preloaded.last, found)
    return ((name, sys.modules[name]) for name in list(found))
