"""Consent to run a project's Python: asked once for each folder, as editors do.

Declaring is running: to know what a project declares, its modules are imported. In a folder that was neither built nor
created here, and whose modules were not allowed to run, commands that only read ask before they do. ``build``
consents by itself: it runs recipes. The folders are listed in one file of the user, and not in the project: a project
can't consent for itself.
"""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

from upriver.tui.cli.arguments import WrongUsage

RUN_NOTHING = frozenset({"allow", "completion", "fsck", "gc", "init", "schema", "version"})
"""The commands that import no module of a project."""

CONSENTING = frozenset({"build", "test", "watch"})
"""The commands that are there to run what a project holds: to call one is to consent."""

ALLOW = "UPRIVER_ALLOW"


class Consents:
    """The folders whose Python may run, in a file of the user."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        kept = environ.get("XDG_STATE_HOME")
        base = Path(kept) if kept else Path(environ.get("HOME") or "~").expanduser() / ".local/state"
        self.path = base / "upriver" / "allowed"

    def holds(self, root: Path) -> bool:
        """Whether *root* is listed."""
        try:
            return _entry(root) in self.path.read_bytes().split(b"\n")
        except OSError:
            return False

    def add(self, root: Path) -> bool:
        """List *root*; whether it is listed now. A home that can't be written to is no reason to stop."""
        if self.holds(root):
            return True
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(_entry(root) + b"\n")
        return self.holds(root)


def _entry(root: Path) -> bytes:
    return os.fsencode(root.resolve()).replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def ensure_consent(
    command: str,
    options: Namespace,
    root: Callable[[], Path],
    environ: Mapping[str, str],
    ask: Callable[[str], bool] | None,
) -> None:
    """See that *command* may run the Python of the project at *root*; *ask* is None where there is no terminal.

    Raises WrongUsage when it may not.
    """
    if command in RUN_NOTHING:
        return
    consents = Consents(environ)
    if command in CONSENTING and not getattr(options, "dry_run", False):
        consents.add(root())
        return
    if environ.get(ALLOW) == "1":
        return
    folder = root()
    if consents.holds(folder) or not (modules := _modules(folder)):
        return
    what = f"{modules[0]} and {len(modules) - 1} more" if len(modules) > 1 else modules[0]
    said = f"the project in {folder} has Python modules ({what}), and to look at it is to run them"
    if ask is not None and ask(f"{said[0].upper()}{said[1:]}. It was not built here before. Run them?"):
        consents.add(folder)
        return
    raise WrongUsage(
        f"{said}; it was not built here before",
        f"read them, then `upriver allow` lets them run; {ALLOW}=1 does for one command",
    )


def _modules(root: Path) -> list[str]:
    """The Python files that a look at the project imports, relative to it."""
    from upriver.assets.project.files import discover

    files = discover(root)
    return [one.path for one in (*files.python, *files.helpers)]
