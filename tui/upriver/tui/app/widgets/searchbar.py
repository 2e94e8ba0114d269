"""Search line widget, hidden until it is opened."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from upriver.tui.app.widgets.text_line import Written
from upriver.tui.present.styles import Line, Styles
from upriver.tui.present.words import plural


class SearchInput(Input):
    """Typed into after ``/``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "leave", "keep", show=False),
        Binding("escape", "clear_and_leave", "clear", show=False),
    ]

    def action_leave(self) -> None:
        """Keep it and go back."""
        self.post_message(SearchBar.Left())

    def action_clear_and_leave(self) -> None:
        """Forget it and go back."""
        self.value = ""
        bar = self.parent
        assert isinstance(bar, SearchBar)
        bar.display = False
        self.post_message(SearchBar.Left())


class SearchBar(Horizontal):
    """Opened with :meth:`open`; posts Input.Changed at every key, :class:`Left` at the end."""

    DEFAULT_CSS = """
    SearchBar { height: 1; display: none; background: $background; }
    SearchBar > #sign { width: 3; }
    SearchBar > #found { width: 24; }
    SearchBar > SearchInput { width: 1fr; height: 1; border: none; padding: 0; background: $background; }
    SearchBar > SearchInput:focus { border: none; }
    """

    class Left(Message):
        """Typing is over."""

    def __init__(self, placeholder: str = "search") -> None:
        super().__init__()
        self._placeholder = placeholder
        self._found = ""
        self._wrong = False

    def compose(self) -> ComposeResult:
        """Sign, input, what was found."""
        yield Written(lambda width, height, styles: [styles.line().gap().add("/", styles.key)], id="sign")
        yield SearchInput(placeholder=self._placeholder, compact=True, select_on_focus=True)
        yield Written(self._write_found, id="found")

    def open(self) -> None:
        """Show it and type."""
        self.display = True
        self.query_one(SearchInput).focus()

    def show_found(self, found: int | str, *, wrong: bool = False) -> None:
        """Show how many lines were found, or any other remark."""
        self._found = plural(found, "line") if isinstance(found, int) else found
        self._wrong = wrong
        self.query_one("#found", Written).rewrite()

    def _write_found(self, width: int, height: int, styles: Styles) -> list[Line]:
        return [
            styles.line().add(self._found + " ", styles.failed if self._wrong else styles.muted, width, ">")
        ]
