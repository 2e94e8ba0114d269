"""Another name for a column: every file and line that follows is seen while one types, then written."""

from __future__ import annotations

from textual.timer import Timer

from upriver.assets.model import Key
from upriver.lineage.refactoring.rename.values import ColumnRenaming, Renaming
from upriver.tui.app.screens.rename import RenameScreen

_PAUSE = 0.25
"""Seconds without a key after which the project is looked through."""


class RenameColumnScreen(RenameScreen):
    """About *column* of *key*. What is shown was proven on a copy of the project, and is what is written."""

    THING = "name"

    def __init__(self, key: Key, column: str) -> None:
        super().__init__(key)
        self.column = column
        self.became: str | None = None
        self._soon: Timer | None = None

    @property
    def named(self) -> str:
        """What the column is called."""
        return self.column

    def headline(self) -> str:
        """Which column."""
        return f"Rename {self.key}.{self.column}"

    def look(self, new: str) -> None:
        """Ask what *new* would change, once nothing more is typed: all its readers are bound for the answer."""
        key, column, session = self.key, self.column, self.upriver.session

        def ask() -> None:
            self.ask("renaming", lambda: (new, session.column_renaming(key, column, new)))

        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(_PAUSE, ask)

    def write(self, found: Renaming | ColumnRenaming) -> None:
        """Write it. In a worker."""
        assert isinstance(found, ColumnRenaming)
        self.upriver.session.rename_column(found)

    def answer_written(self, found: object) -> None:
        """Done."""
        assert isinstance(found, ColumnRenaming)
        self.became = found.new
        super().answer_written(found)

    def words(self, found: Renaming | ColumnRenaming) -> tuple[str, ...]:
        """The command that does the same."""
        whole = f"{self.key}.{found.old}"
        if whole in self.board.statuses:  # that is a key too, and means it
            return "rename", self.key, found.new, "--column", found.old
        return "rename", whole, found.new
