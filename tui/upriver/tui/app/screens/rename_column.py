"""Rename dialog of a column."""

from __future__ import annotations

from textual.timer import Timer

from upriver.assets.model import Key
from upriver.lineage.refactoring.rename.values import ColumnRenaming
from upriver.tui.app.screen_bases.rename_dialog import RenameDialog

_PAUSE = 0.25
"""Seconds without a key after which the project is looked through."""


class RenameColumnScreen(RenameDialog[ColumnRenaming]):
    """About *column* of *key*. What is shown was proven on a copy of the project, and is what is written."""

    THING = "name"

    def __init__(self, key: Key, column: str) -> None:
        super().__init__()
        self.key = key
        self.column = column
        self._soon: Timer | None = None

    @property
    def named(self) -> str:
        """The name of the column now."""
        return self.column

    def headline(self) -> str:
        """Which column."""
        return f"Rename {self.key}.{self.column}"

    def look(self, new: str) -> None:
        """Ask what *new* would change, once nothing more is typed: all its readers are bound for the answer."""
        key, column, session = self.key, self.column, self.host.session

        def ask() -> None:
            self.ask(lambda: (new, session.column_renaming(key, column, new)), self.take, self.refused)

        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(_PAUSE, ask)

    def write(self, found: ColumnRenaming) -> None:
        """Write it. In a worker thread."""
        self.host.session.rename_column(found)

    def words(self, found: ColumnRenaming) -> tuple[str, ...]:
        """The command that does the same."""
        whole = f"{self.key}.{found.old}"
        if whole in self.model.statuses:  # that is a key too, and means it
            return "rename", self.key, found.new, "--column", found.old
        return "rename", whole, found.new
