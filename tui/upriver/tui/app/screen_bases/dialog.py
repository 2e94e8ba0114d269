"""Base class of dialogs: one panel over the screen below, with its keys in the lower border."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from upriver.tui.app.screen_bases.screen import COPY_BINDINGS, ProjectScreen
from upriver.tui.app.widgets.keybar import KeyBar

Result = TypeVar("Result")


class Dialog(ProjectScreen, ModalScreen[Result], Generic[Result]):
    """*HEADLINE* is in the upper border; the panel grows with what it holds."""

    HEADLINE: ClassVar[str] = ""
    AUTO_FOCUS: ClassVar[str | None] = "RowList"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
        *COPY_BINDINGS,
    ]

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 70%; }
    Dialog > #dialog {
        width: 90%; max-width: 104; height: auto; max-height: 92%;
        background: $surface; border: round $primary;
        border-title-color: $foreground; border-title-style: bold;
    }
    Dialog > #dialog > RowList { height: auto; max-height: 100%; }
    Dialog > #dialog > KeyBar { background: $surface; }
    """

    def on_mount(self) -> None:
        """The widgets are there: changes can be shown."""
        self.ready = True

    def compose(self) -> ComposeResult:
        """The panel."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self.host.title_text(self.headline())
            yield from self.body()
            yield KeyBar()

    def headline(self) -> str:
        """The title in the border."""
        return self.HEADLINE

    def body(self) -> Iterable[Widget]:
        """What is in the panel."""
        return ()

    def keys_changed(self) -> None:
        """What can be done has changed."""
        self.query_one(KeyBar).rewrite()

    def action_close(self) -> None:
        """Leave without a result."""
        self.dismiss(None)
