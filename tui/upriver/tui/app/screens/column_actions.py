"""What can be done with the column under the cursor: another name for it, and a look at what would break without it."""

from __future__ import annotations

from typing import cast

from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import Impacts
from upriver.tui.app.screens.drop import dropped
from upriver.tui.app.screens.frame import Upon
from upriver.tui.present.styles import Ink, Line

REST = 0.2
"""Seconds that the cursor rests on a column before it is looked what dropping it would break."""

COLUMN_BINDINGS: list[BindingType] = [
    Binding(
        "R",
        "rename",
        "rename",
        tooltip="Another name for the column, after a look at every line that follows",
    ),
    Binding(
        "X", "drop", "if dropped", tooltip="What would break if the column were dropped, and at which line"
    ),
]


class ColumnActions(Upon):
    """Mixed into a screen that has a :attr:`chosen` column."""

    def __init__(self) -> None:
        super().__init__()
        self.drops: dict[tuple[Key, str], Impacts] = {}
        self._soon: Timer | None = None
        self._unknown: tuple[tuple[Key, str], str] | None = None

    @property
    def chosen(self) -> tuple[Key, str]:
        """Asset and column under the cursor; the column is empty where there is none."""
        return "", ""

    def below_changed(self) -> None:
        """What *impact_line* tells is known better now."""

    def column_renamed(self, asset: Key, old: str, new: str) -> None:
        """A column is called otherwise from now on."""

    def impact_line(self, ink: Ink) -> Line:
        """What another name would edit, and what dropping the column would break, as soon as that is known."""
        line = ink.line().gap(2)
        asset, column = self.chosen
        found = self.drops.get((asset, column))
        if self._unknown is not None and self._unknown[0] == (asset, column):
            return line.add(f"what dropping it would break is not known: {self._unknown[1]}", ink.muted)
        if found is None:
            return line.add("if you  X drop it: looking for what needs it …" if column else "", ink.muted)
        if not found:
            return line.add("nothing downstream reads it: it can be dropped (X) or renamed (R)", ink.fresh)
        return dropped(line.add("if you  R rename it: these follow   ", ink.muted), found, ink)

    def ask_about_drop(self) -> None:
        """Ask what dropping the column under the cursor would break, once the cursor rests."""
        asset, column = self.chosen
        if self._soon is not None:
            self._soon.stop()
        if column and (asset, column) not in self.drops:
            session = self.upriver.session

            def ask() -> None:
                self.ask("dropping", lambda: (asset, column, session.dropping(asset, column)))

            self._soon = cast(Widget, self).set_timer(REST, ask)

    def answer_dropping(self, found: object) -> None:
        """Say it below the drawing."""
        assert isinstance(found, tuple)
        self.drops[found[0], found[1]] = found[2]
        self.below_changed()

    def failed_dropping(self, error: Exception) -> None:
        """Say why it is not known. (Whoever asked about another column meanwhile gets that answer only.)"""
        self._unknown = self.chosen, str(error).split("\n")[0]
        self.below_changed()

    def why_not(self, action: str) -> str | None:
        """Why it can't be done with the column under the cursor."""
        asset, column = self.chosen
        if action in ("rename", "drop") and not column:
            return "there is no column under the cursor"
        reason = super().why_not(action)
        status = self.board.statuses.get(asset)
        if action == "rename" and reason is None and status is not None and status.engine == "source":
            return f"{asset} is a source: its columns are called so in its own data; rename where it is read"
        return reason

    def action_rename(self) -> None:
        """Give the column under the cursor another name."""
        if not self.refuse("rename"):
            from upriver.tui.app.screens.rename_column import RenameColumnScreen

            screen = RenameColumnScreen(*self.chosen)

            def left(_: None) -> None:
                if screen.became is not None:
                    self.column_renamed(screen.key, screen.column, screen.became)

            self.upriver.push_screen(screen, left)

    def action_drop(self) -> None:
        """Look what would break without it."""
        if not self.refuse("drop"):
            from upriver.tui.app.screens.drop import DropScreen

            self.upriver.push_screen(DropScreen(*self.chosen))
