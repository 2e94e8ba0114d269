"""Middle of the main screen: list and detail, side by side or one over the other."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal

from upriver.tui.app.widgets.assets import AssetList
from upriver.tui.app.widgets.detail import Detail


class Body(Horizontal):
    """The middle of the main screen; the style sheet lays it out by the size of the terminal."""

    def compose(self) -> ComposeResult:
        """The two."""
        yield AssetList()
        yield Detail()
