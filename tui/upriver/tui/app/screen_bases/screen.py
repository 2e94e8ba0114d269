"""Base classes of all screens: background jobs, access to the project, copying, the frame of header and key bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.tui.app.host import Host, host_of
from upriver.tui.app.messages import Answer
from upriver.tui.app.project_model import ProjectModel
from upriver.tui.app.widgets.header import Header
from upriver.tui.app.widgets.keybar import KeyBar
from upriver.tui.present.styles import Styles
from upriver.tui.present.views.copying import Copy

T = TypeVar("T")


class AsyncScreen:
    """Mixin that runs session calls in the background and takes their answers in its message loop."""

    @property
    def host(self) -> Host:
        """The app."""
        return host_of(cast(Widget, self))

    def ask(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run *work* on a thread; *then* gets its value, *failed* its error (by default it is shown in the corner).

        A later question with the same *then* replaces this one.
        """
        self.host.jobs.ask(cast(Widget, self), work, then, failed or self._say_error)

    def on_answer(self, message: Answer) -> None:
        """Hand over the answer of a job."""
        message.deliver()

    def _say_error(self, error: Exception) -> None:
        self.host.say(str(error), wrong=True)


class ProjectScreen(AsyncScreen):
    """Mixin that gives a screen typed access to the app and the project model, and keeps it up to date."""

    ready = False
    """Whether its widgets are there."""

    @property
    def model(self) -> ProjectModel:
        """The project as it was read last."""
        return self.host.model

    @property
    def text_styles(self) -> Styles:
        """Styles of the current theme."""
        return self.host.text_styles

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
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
            self.host.say(reason)
        return reason is not None

    def copy(self) -> Copy | None:
        """What is shown, for the clipboard; None when there is nothing."""
        return None

    def _copied(self, form: str) -> None:
        copy = self.copy()
        text = None if copy is None else getattr(copy, form)
        if not text:
            self.host.say("there is nothing to copy here")
            return
        self.host.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        what = {"markdown": "Markdown", "json": "JSON", "command": "the command"}[form]
        self.host.say(f"copied {what}" + (f", {lines} lines" if lines > 1 else f": {text}"))

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


class TabScreen(ProjectScreen, Screen[None]):
    """A full screen under one of the tabs."""

    TAB: ClassVar[str] = "Assets"
    AUTO_FOCUS: ClassVar[str | None] = "RowList"

    BINDINGS: ClassVar[list[BindingType]] = [
        *COPY_BINDINGS,
        *(Binding(str(n), f"app.tab({n})", name, show=False, tooltip=f"Go to {name}") for n, name in enumerate(
            ("Assets", "Graph", "Columns", "Runs", "Checks", "Goals", "Incidents", "Changes", "Cost"), start=1)),
        Binding("question_mark", "app.help", "keys", show=False, tooltip="All keys that work here"),
        Binding("colon", "app.command_palette", "command", show=False, tooltip="Find and run any command"),
        Binding("escape", "back", "back", show=False, tooltip="Back to where one came from"),
    ]  # fmt: skip

    def on_mount(self) -> None:
        """The widgets are there: changes can be shown."""
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

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Keep the counts right."""
        self.query_one(Header).rewrite()

    def keys_changed(self) -> None:
        """What can be done has changed."""
        self.query_one(KeyBar).rewrite()

    def action_back(self) -> None:
        """Leave this screen."""
        self.host.back()
