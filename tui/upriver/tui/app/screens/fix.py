"""Fix dialog: shows the line with a misspelled name before and after, then writes it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.lineage.refactoring.fix import Fix
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.dialog import Dialog
from upriver.tui.app.widgets.text import ReadOnly, Row, blank, code, plain
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.views.highlight import highlighted


class FixScreen(Dialog[None]):
    """What is shown of *found* is what is written: a file that is edited meanwhile refuses it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "write it", priority=True, tooltip="Write this line"),
        Binding("e", "edit", "edit", tooltip="Open the place in $EDITOR instead"),
        Binding("escape", "close", "leave it as it is"),
    ]

    def __init__(self, found: Fix) -> None:
        super().__init__()
        self.found = found
        self._writing = False

    def headline(self) -> str:
        """Which asset."""
        return f"Fix {self.found.asset}"

    def body(self) -> Iterable[Widget]:
        """The line before and after."""
        yield ReadOnly(id="fix")

    def on_mount(self) -> None:
        """Show it."""
        found = self.found
        language = "python" if found.place.path.endswith(".py") else "sql"
        rows: list[Row] = [blank(), *self._wrapped(found.problem, "failed")]
        rows += [plain(str(found.place), "primary"), blank()]
        for change in found.file.lines:
            for mark, text in (("-", change.before), ("+", change.after)):
                rows.append(code(highlighted(text, language)[0], change.line, mark))
        rows.append(blank())
        if found.remains:
            rows += self._wrapped(f"then there is still this: {found.remains}", "stale")
            rows.append(blank())
        text_rows = self.query_one(ReadOnly)
        text_rows.show(rows)
        text_rows.styles.height = min(len(rows), max(4, self.host.size.height - 8))

    def _wrapped(self, text: str, role: str) -> list[Row]:
        room = max(20, min(104, self.host.size.width * 9 // 10) - 6)
        return [plain(one, role) for line in text.split("\n") for one in textwrap.wrap(line, room) or [""]]

    def why_not(self, action: str) -> str | None:
        """Why it can't be written now."""
        return "it is being written" if action == "write" and self._writing else None

    def action_write(self) -> None:
        """Write the line."""
        if self.refuse("write"):
            return
        self._writing = True
        found, session = self.found, self.host.session
        self.ask(lambda: session.apply_fix(found), self._written, self._write_failed)

    def _written(self, _: None) -> None:
        """Done: the project is read again."""
        found = self.found
        self.host.say(f"{found.place}: {found.written} is {found.meant} now; m builds {found.asset}")
        self.host.read_again()
        self.dismiss(None)

    def _write_failed(self, error: Exception) -> None:
        """Nothing was written."""
        self.host.say(str(error), wrong=True)
        self.dismiss(None)

    def action_edit(self) -> None:
        """Edit by hand instead."""
        place = self.found.place
        self.dismiss(None)
        self.host.edit(place)

    def copy(self) -> Copy:
        """The line before and after."""
        found = self.found
        lines = [(f"{found.file.path}:{one.line}", one.before, one.after) for one in found.file.lines]
        return Copy(
            table(("place", "now", "then"), lines), as_json(found), command(*routes.ApplyFix(found).words)
        )
