"""Jump mode: labels every row in view; typing a label moves the cursor there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from upriver.tui.app.widgets.assets import AssetList

LETTERS = "asdfjklghqwertyuiopzxcvbnm"


def labels(count: int) -> list[str]:
    """*count* labels, as short as that many allow, all of one length."""
    length = 1 if count <= len(LETTERS) else 2
    made: Iterator[str] = ("".join(letters) for letters in product(LETTERS, repeat=length))
    return [label for label, _ in zip(made, range(count), strict=False)]


class JumpScreen(ModalScreen[None]):
    """Nothing is drawn but the labels in the list; any other key leaves."""

    DEFAULT_CSS = """
    JumpScreen { background: transparent; }
    """

    def __init__(self, assets: AssetList) -> None:
        super().__init__()
        self._assets = assets
        self._typed = ""
        top = assets.scroll_offset.y
        shown = range(top, min(top + assets.page, assets.count))
        self._rows = dict(zip(labels(len(shown)), shown, strict=True))

    def compose(self) -> ComposeResult:
        """Nothing."""
        return iter(())

    def on_mount(self) -> None:
        """Show the labels."""
        self._assets.labels = {row: label for label, row in self._rows.items()}
        self._assets.rows_changed()

    def on_unmount(self) -> None:
        """Take them away."""
        self._assets.labels = {}
        self._assets.rows_changed()

    def on_key(self, event: events.Key) -> None:
        """Go on with a label, or leave."""
        event.stop()
        self._typed += event.character or " "
        if self._typed in self._rows:
            row = self._rows[self._typed]
            self.dismiss(None)
            self._assets.move_to(row)
        elif not any(label.startswith(self._typed) for label in self._rows):
            self.dismiss(None)
