"""Actions on captured output: search it, filter it by level, open it in an editor."""

from __future__ import annotations

from typing import cast

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from upriver.tui.app.screen_bases.screen import ProjectScreen
from upriver.tui.app.widgets.loglines import LogLines
from upriver.tui.app.widgets.searchbar import SearchBar
from upriver.tui.present.views.levels import SHOWN, Chosen, Level, next_level

OUTPUT_BINDINGS: list[BindingType] = [
    Binding("slash", "search", "search", tooltip="Search the output"),
    Binding(
        "L", "level", "level", tooltip="Leave out what is harmless: everything, stderr, warnings, errors"
    ),
    Binding("o", "open_output", "editor", tooltip="Open the output in $EDITOR, at this line"),
    Binding("n", "find(1)", "next", show=False, tooltip="The next place of what is searched"),
    Binding("N", "find(-1)", "previous", show=False, tooltip="The place before"),
]


class OutputScreen(ProjectScreen):
    """Mixin with the actions of a screen that has :class:`LogLines` and a :class:`SearchBar`."""

    level: Level = Level.ALL

    def _init_output(self) -> None:
        self.level = Level.ALL
        self._chosen = Chosen()

    @property
    def log_lines(self) -> LogLines:
        """The widget."""
        return cast(Widget, self).query_one(LogLines)

    @property
    def level_text(self) -> str:
        """What is left out, for a title; empty when nothing is."""
        return "" if self.level is Level.ALL else f"only {SHOWN[self.level]}"

    def show_output(self) -> None:
        """Show the lines that are wanted now."""
        raise NotImplementedError

    def output_name(self) -> str:
        """A name for a file of it."""
        raise NotImplementedError

    def action_level(self) -> None:
        """Leave out more, or everything is there again."""
        self.level = next_level(self.level)
        log = self.log_lines
        log.nothing = "nothing was printed" if self.level is Level.ALL else f"nothing of {SHOWN[self.level]}"
        self.show_output()
        log.refresh()

    def action_open_output(self) -> None:
        """Open the output in ``$EDITOR``."""
        log = self.log_lines
        if not log.count:
            self.host.say("there is no output to open")
            return
        text = "".join(line.text.rstrip("\r\n") + "\n" for line in log.lines)
        at = 1 + sum(line.text.rstrip("\r\n").count("\n") + 1 for line in log.lines[: log.cursor])
        self.host.edit_text(self.output_name(), text, at)

    def action_search(self) -> None:
        """Search."""
        cast(Widget, self).query_one(SearchBar).open()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Search while typing."""
        message.stop()
        log = self.log_lines
        log.following = log.following and not message.value
        cast(Widget, self).query_one(SearchBar).show_found(log.search(message.value))

    def on_search_bar_left(self, message: SearchBar.Left) -> None:
        """Back to the lines."""
        self.log_lines.focus()

    def action_find(self, step: int) -> None:
        """Go to the next place of what is searched."""
        self.log_lines.find(step)
