"""What every screen has: header, tabs, key bar; asking questions; copying; saying why something can't be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.tui.app.messages import Answer
from upriver.tui.app.project_model import Board
from upriver.tui.app.widgets.header import Header
from upriver.tui.app.widgets.keybar import KeyBar
from upriver.tui.present.styles import Ink
from upriver.tui.present.views.copying import Copy

if TYPE_CHECKING:
    from upriver.tui.app.app import UpriverApp


class Asking:
    """Mixed into screens: questions that a worker answers. Each name has its method ``answer_<name>``."""

    def ask(self, question: str, work: Callable[[], object]) -> None:
        """Have *work* done; ``answer_<question>(value)`` or ``failed_<question>(error)`` is called with it."""
        app = cast("UpriverApp", cast(Widget, self).app)
        app.errands.ask(cast(Widget, self), question, work)

    def on_answer(self, message: Answer) -> None:
        """Hand an answer to its method."""
        if message.error is not None:
            handler = getattr(self, f"failed_{message.question}", None)
            if handler is None:
                cast("UpriverApp", cast(Widget, self).app).say(str(message.error), wrong=True)
            else:
                handler(message.error)
        else:
            getattr(self, f"answer_{message.question}")(message.value)


class Upon(Asking):
    """Mixed into screens: the app and what it knows, under their own types."""

    ready = False
    """Whether its widgets are there."""

    @property
    def upriver(self) -> UpriverApp:
        """The app."""
        return cast("UpriverApp", cast(Widget, self).app)

    @property
    def board(self) -> Board:
        """What the app knows."""
        return self.upriver.board

    @property
    def ink(self) -> Ink:
        """Styles of the current theme."""
        return self.upriver.ink

    def board_changed(self, changed: set[Key], *, order: bool) -> None:
        """The project was read again, or events arrived: *changed* keys differ, *order* says if rows moved."""

    def ticked(self) -> None:
        """A second has passed, or a tenth while a run is live."""

    def why_not(self, action: str) -> str | None:
        """Why *action* (as in the bindings) can't be done now; None when it can."""
        return None

    def refuse(self, action: str) -> bool:
        """Say why *action* can't be done, if so."""
        reason = self.why_not(action)
        if reason is not None:
            self.upriver.say(reason)
        return reason is not None

    def copy(self) -> Copy | None:
        """What is shown, for the clipboard; None when there is nothing."""
        return None

    def _copied(self, form: str) -> None:
        copy = self.copy()
        text = None if copy is None else getattr(copy, form)
        if not text:
            self.upriver.say("there is nothing to copy here")
            return
        self.upriver.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        what = {"markdown": "Markdown", "json": "JSON", "command": "the command"}[form]
        self.upriver.say(f"copied {what}" + (f", {lines} lines" if lines > 1 else f": {text}"))

    def action_copy_markdown(self) -> None:
        """Copy what is shown as Markdown."""
        self._copied("markdown")

    def action_copy_json(self) -> None:
        """Copy what is shown as JSON."""
        self._copied("json")

    def action_copy_command(self) -> None:
        """Copy the command that shows or does the same."""
        self._copied("command")


COPY_BINDINGS: list[BindingType] = [
    Binding("y", "copy_markdown", "copy", show=False, tooltip="Copy what is shown as Markdown"),
    Binding("J", "copy_json", "copy JSON", show=False, tooltip="Copy what is shown as JSON"),
    Binding("dollar_sign", "copy_command", "copy command", show=False, tooltip="Copy it as a command"),
]


class Frame(Upon, Screen[None]):
    """A full screen under one of the tabs."""

    TAB: ClassVar[str] = "Assets"
    AUTO_FOCUS: ClassVar[str | None] = "RowList"

    BINDINGS: ClassVar[list[BindingType]] = [
        *COPY_BINDINGS,
        *(Binding(str(n), f"app.tab({n})", name, show=False, tooltip=f"Go to {name}") for n, name in enumerate(
            ("Assets", "Graph", "Columns", "Runs", "Changes", "Cost"), start=1)),
        Binding("question_mark", "app.help", "keys", show=False, tooltip="All keys that work here"),
        Binding("colon", "app.command_palette", "command", show=False, tooltip="Find and run any command"),
        Binding("escape", "back", "back", show=False, tooltip="Back to where one came from"),
    ]  # fmt: skip

    def on_mount(self) -> None:
        """From now on there is something to keep up to date."""
        self.ready = True

    def compose(self) -> ComposeResult:
        """Header, what the screen shows, key bar."""
        yield Header(self.TAB)
        yield from self.body()
        yield KeyBar()

    def body(self) -> Iterable[Widget]:
        """The widgets between header and key bar."""
        return ()

    def ticked(self) -> None:
        """Keep the clock and the run in the header right."""
        self.query_one(Header).rewrite()

    def board_changed(self, changed: set[Key], *, order: bool) -> None:
        """Keep the counts right."""
        self.query_one(Header).rewrite()

    def keys_changed(self) -> None:
        """What can be done has changed."""
        self.query_one(KeyBar).rewrite()

    def action_back(self) -> None:
        """Leave this screen."""
        self.upriver.back()
