"""Saved views: filters that are chosen by a key and stored in the project's state folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from upriver.tui.app.screen_bases.dialog import Dialog
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.app.widgets.text import Row, TextRows
from upriver.tui.present.styles import Line, Styles
from upriver.tui.present.views.filtering import problem

BUILT_IN: Mapping[str, str] = {
    "all": "",
    "needs attention": "!state:fresh",
    "failed and blocked": "state:failed state:blocked",
    "stale": "state:stale state:pending",
    "never built": "state:missing",
    "being built": "state:running",
    "sources": "kind:source",
    "Python": "kind:python",
}


def views_file(root: Path) -> Path:
    """File of the saved views of the project at *root*."""
    return root / ".upriver" / "ui-views.json"


def load_views(root: Path) -> dict[str, str]:
    """Saved views, filter by name; none when the file is missing or damaged."""
    try:
        return msgspec.json.decode(views_file(root).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def save_views(root: Path, views: Mapping[str, str]) -> None:
    """Keep *views*. Raises OSError."""
    path = views_file(root)
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(views), indent=2))
    fresh.replace(path)


class SavedViewsScreen(Dialog[str | None]):
    """Dialog whose result is the chosen filter. *current* is the one in use, offered for saving."""

    HEADLINE = "Views"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "show"),
        Binding("s", "name", "save the current filter"),
        Binding("d", "delete", "delete"),
    ]

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current
        self._saved: dict[str, str] = {}

    def body(self) -> Iterable[Widget]:
        """The list, and an input for a name."""
        yield TextRows(id="views")
        name = Input(placeholder="name of the view", id="view-name", compact=True)
        name.display = False
        yield name

    def on_mount(self) -> None:
        """Read the saved ones."""
        self._saved = load_views(self.host.session.root)
        self._show()

    def _show(self) -> None:
        rows = [_view_row(name, text, saved=False) for name, text in BUILT_IN.items()]
        rows += [_view_row(name, text, saved=True) for name, text in self._saved.items()]
        self.query_one(TextRows).show(rows)
        self.query_one(TextRows).styles.height = min(len(rows), max(4, self.host.size.height - 8))

    @property
    def here(self) -> tuple[str, bool] | None:
        """Name of the view under the cursor, and whether it is a saved one."""
        key = self.query_one(TextRows).here
        return None if key is None else (key[1:], key[0] == "s")

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Show the view."""
        self.action_choose()

    def action_choose(self) -> None:
        """Show the view under the cursor."""
        if self.here is not None:
            name, saved = self.here
            self.dismiss(self._saved[name] if saved else BUILT_IN[name])

    def why_not(self, action: str) -> str | None:
        """Why *action* can't be done."""
        if action == "name" and not self._current:
            return "there is no filter to save: type one with /"
        if action == "name" and (wrong := problem(self._current)) is not None:
            return f"this is no filter: {wrong}"
        if action == "delete" and (self.here is None or not self.here[1]):
            return "this view is built in"
        return None

    def action_name(self) -> None:
        """Ask for a name."""
        if not self.refuse("name"):
            name = self.query_one(Input)
            name.display = True
            name.focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Save under the name."""
        name = message.value.strip()
        if not name:
            return
        self._save({**self._saved, name: self._current})
        self.query_one(Input).display = False
        self.query_one(TextRows).focus()

    def action_delete(self) -> None:
        """Forget the view under the cursor."""
        if not self.refuse("delete") and self.here is not None:
            name = self.here[0]
            self._save({key: text for key, text in self._saved.items() if key != name})

    def _save(self, views: dict[str, str]) -> None:
        try:
            save_views(self.host.session.root, views)
        except OSError as error:
            self.host.say(f"the view can't be saved: {error.strerror}", wrong=True)
            return
        self._saved = views
        self._show()


def _view_row(name: str, text: str, *, saved: bool) -> Row:
    def write(width: int, styles: Styles) -> Line:
        line = styles.line().gap().add(name, styles.accent if saved else styles.text, 24).gap()
        return line.add(text or "everything", styles.muted)

    return Row(write, ("s" if saved else "b") + name)
