"""Filter line widget: an input, the number of assets that it leaves, the order of the list."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from upriver.tui.app.widgets.text_line import Lines
from upriver.tui.present.styles import Line, Styles


class FilterInput(Input):
    """Typed into after ``/``; the list follows each key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_and_leave", "clear", show=False),
        Binding("enter,down,tab", "leave", "to the list", show=False),
    ]

    class Left(Message):
        """Back to the list."""

    def action_clear_and_leave(self) -> None:
        """Show everything again."""
        self.value = ""
        self.post_message(self.Left())

    def action_leave(self) -> None:
        """Keep the filter and go to the list."""
        self.post_message(self.Left())


class FilterBar(Horizontal):
    """The line under the tabs."""

    DEFAULT_CSS = """
    FilterBar { height: 1; background: $background; }
    FilterBar > #slash { width: 3; }
    FilterBar > FilterInput {
        width: 1fr; height: 1; border: none; padding: 0; background: $background; color: $foreground;
    }
    FilterBar > FilterInput:focus { border: none; background-tint: $foreground 0%; }
    FilterBar > #tally { width: 46; }
    """

    def __init__(self) -> None:
        super().__init__(id="filter")
        self.tally = ""
        self.problem: str | None = None

    def compose(self) -> ComposeResult:
        """Slash, input, tally."""
        yield _Slash(id="slash")
        yield FilterInput(placeholder="filter", id="filter-input", compact=True, select_on_focus=False)
        yield _Tally(id="tally")

    @property
    def input(self) -> FilterInput:
        """The input."""
        return self.query_one(FilterInput)

    def show_tally(self, tally: str, problem: str | None) -> None:
        """Show how many there are, or what is wrong with the filter."""
        self.tally, self.problem = tally, problem
        self.query_one(_Tally).rewrite()


class _Slash(Lines):
    def write(self, width: int, height: int, styles: Styles) -> list[Line]:
        return [styles.line().gap().add("/", styles.key)]


class _Tally(Lines):
    def write(self, width: int, height: int, styles: Styles) -> list[Line]:
        bar = self.parent
        assert isinstance(bar, FilterBar)
        text, style = (bar.tally, styles.muted) if bar.problem is None else (bar.problem, styles.stale)
        return [styles.line().add(text + " ", style, width, ">")]
