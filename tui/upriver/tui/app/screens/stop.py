"""Stop dialog: asks before a build of another process is stopped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.errors import UpriverError
from upriver.tui.app.screen_bases.dialog import Dialog
from upriver.tui.app.widgets.text import ReadOnly, blank, plain


class StopScreen(Dialog[None]):
    """Stop the run *run* of another process, or let it go on."""

    HEADLINE = "Another process builds"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,s", "stop_run", "stop it there", priority=True),
        Binding("escape", "close", "let it go on"),
    ]

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run

    def body(self) -> Iterable[Widget]:
        """Two sentences."""
        text = ReadOnly(id="stop")
        text.styles.height = 4
        yield text

    def on_mount(self) -> None:
        """Write them."""
        self.query_one(ReadOnly).show(
            [
                blank(),
                plain(f"Run {self.run} was started in another shell or program."),
                plain("What it has finished is kept; what runs now is thrown away.", "muted"),
                blank(),
            ]
        )

    def ticked(self) -> None:
        """Nothing to ask any more once the run is over."""
        if not self.model.live:
            self.action_close()

    def action_stop_run(self) -> None:
        """Ask the process that builds to stop."""
        try:
            self.host.session.stop_run(self.run)
        except (UpriverError, OSError) as error:
            self.host.say(str(error), wrong=True)
        else:
            self.host.say(f"run {self.run} was asked to stop: what is finished is kept")
        self.action_close()
