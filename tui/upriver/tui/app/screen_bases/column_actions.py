"""Actions on the column under the cursor: rename it, see what would break without it."""

from __future__ import annotations

from typing import cast

from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import Impacts
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.screen import ProjectScreen
from upriver.tui.app.widgets.impact_line import write_drop
from upriver.tui.present.styles import Line, Styles

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


class ColumnActions(ProjectScreen):
    """Mixin with the actions of a screen that has a :attr:`chosen` column."""

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
        """Draw :meth:`impact_line` again: more is known now."""

    def column_renamed(self, asset: Key, old: str, new: str) -> None:
        """A column is called otherwise from now on."""

    def impact_line(self, styles: Styles) -> Line:
        """What another name would edit, and what dropping the column would break, as soon as that is known."""
        line = styles.line().gap(2)
        asset, column = self.chosen
        found = self.drops.get((asset, column))
        if self._unknown is not None and self._unknown[0] == (asset, column):
            return line.add(f"what dropping it would break is not known: {self._unknown[1]}", styles.muted)
        if found is None:
            return line.add("if you  X drop it: looking for what needs it …" if column else "", styles.muted)
        if not found:
            return line.add("nothing downstream reads it: it can be dropped (X) or renamed (R)", styles.fresh)
        return write_drop(line.add("if you  R rename it: these follow   ", styles.muted), found, styles)

    def ask_about_drop(self) -> None:
        """Ask what dropping the column under the cursor would break, once the cursor rests."""
        asset, column = self.chosen
        if self._soon is not None:
            self._soon.stop()
        if column and (asset, column) not in self.drops:
            session = self.host.session

            def ask() -> None:
                self.ask(
                    lambda: ((asset, column), session.dropping(asset, column)),
                    self._take_drop,
                    self._drop_unknown,
                )

            self._soon = cast(Widget, self).set_timer(REST, ask)

    def _take_drop(self, found: tuple[tuple[Key, str], Impacts]) -> None:
        """Show it below the drawing."""
        column, impacts = found
        self.drops[column] = impacts
        self.below_changed()

    def _drop_unknown(self, error: Exception) -> None:
        """Show why it is not known. (A question about another column meanwhile replaces this one.)"""
        self._unknown = self.chosen, str(error).split("\n")[0]
        self.below_changed()

    def why_not(self, action: str) -> str | None:
        """Why it can't be done with the column under the cursor."""
        asset, column = self.chosen
        if action in ("rename", "drop") and not column:
            return "there is no column under the cursor"
        reason = super().why_not(action)
        status = self.model.statuses.get(asset)
        if action == "rename" and reason is None and status is not None and status.engine == "source":
            return f"{asset} is a source: its columns are called so in its own data; rename where it is read"
        return reason

    def action_rename(self) -> None:
        """Give the column under the cursor another name."""
        if not self.refuse("rename"):
            asset, column = self.chosen

            def left(name: str | None) -> None:
                if name is not None:
                    self.column_renamed(asset, column, name)

            self.host.open(routes.RenameColumn(asset, column), left)

    def action_drop(self) -> None:
        """Look what would break without it."""
        if not self.refuse("drop"):
            self.host.open(routes.Drop(*self.chosen))
