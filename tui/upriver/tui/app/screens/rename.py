"""Rename dialog of an asset."""

from __future__ import annotations

from upriver.assets.model import Key
from upriver.lineage.refactoring.rename.values import Renaming
from upriver.tui.app.screen_bases.rename_dialog import RenameDialog


class RenameScreen(RenameDialog[Renaming]):
    """About *key*. What is shown is what is written: a file that is edited meanwhile refuses it."""

    THING = "key"

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key

    @property
    def named(self) -> str:
        """Its key now."""
        return self.key

    def headline(self) -> str:
        """Which asset."""
        return f"Rename {self.key}"

    def look(self, new: str) -> None:
        """Ask what *new* would change."""
        old, session = self.key, self.host.session
        self.ask(lambda: (new, session.renaming(old, new)), self.take, self.refused)

    def write(self, found: Renaming) -> None:
        """Write it. In a worker thread."""
        self.host.session.rename(found)

    def words(self, found: Renaming) -> tuple[str, ...]:
        """The command that does the same."""
        return "rename", found.old, found.new
