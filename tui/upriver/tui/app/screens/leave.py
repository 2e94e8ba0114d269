"""Leave dialog: stops the build of this window or lets it go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.tui.app.screen_bases.dialog import Dialog
from upriver.tui.app.widgets.text import ReadOnly, blank, plain


class LeaveScreen(Dialog[None]):
    """Stop the build and leave, leave it running, or stay."""

    HEADLINE = "A build is going on"

    BINDINGS: ClassVar[list[BindingType]] = [
        # What is pressed without reading loses nothing.
        Binding("enter,l", "leave_running", "let it go on and leave", priority=True),
        Binding("s", "stop_and_leave", "stop it and leave"),
        Binding("escape", "close", "stay"),
    ]

    def body(self) -> Iterable[Widget]:
        """Two sentences."""
        text = ReadOnly(id="leave")
        text.styles.height = 4
        yield text

    def on_mount(self) -> None:
        """Write them."""
        self.query_one(ReadOnly).show(
            [
                blank(),
                plain("Stopped, it keeps what is finished and throws away what runs now."),
                plain(self.why_not("leave_running") or "Let go on, it is shown by the next window.", "muted"),
                blank(),
            ]
        )

    def ticked(self) -> None:
        """Nothing to ask any more once the build is over."""
        if not self.model.live:
            self.host.exit(0)

    def why_not(self, action: str) -> str | None:
        """Why it can't go on without this window."""
        if action == "leave_running" and not self.host.session.builds_detached:
            return "It is built by this process, and ends with it."
        return None

    def action_leave_running(self) -> None:
        """Leave; the build goes on in its own process."""
        if not self.refuse("leave_running"):
            self.host.leave_build_running()
            self.host.exit(0)

    def action_stop_and_leave(self) -> None:
        """Stop gently, and leave as soon as the build has ended; once more stops it at once."""
        self.host.stop_build(then_leave=True)
