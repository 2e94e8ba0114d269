"""Drop dialog: lists what would break if a column were dropped, and at which line. Changes nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import Impact, Impacts
from upriver.materializer.model import State
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.dialog import Dialog
from upriver.tui.app.widgets.text import Row, TextRows, blank, plain
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.styles import Line, Styles, fit
from upriver.tui.present.text.impact import BREAKS
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.words import plural


class DropScreen(Dialog[None]):
    """About *column* of *key*. The cursor walks the places; enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "open", priority=True, tooltip="Open the place under the cursor in $EDITOR"),
        Binding("e", "edit", "open", show=False, tooltip="Open the place under the cursor in $EDITOR"),
    ]

    def __init__(self, key: Key, column: str) -> None:
        super().__init__()
        self.key, self.column = key, column
        self._found: Impacts | None = None

    def headline(self) -> str:
        """Which column."""
        return f"If {self.key}.{self.column} were dropped"

    def body(self) -> Iterable[Widget]:
        """What would come of it."""
        yield TextRows(id="drop")

    def on_mount(self) -> None:
        """Ask."""
        key, column, session = self.key, self.column, self.host.session
        self._show([blank(), plain("looking for what needs it …", "muted")])
        self.ask(lambda: session.dropping(key, column), self._take, self._failed)

    def _take(self, found: Impacts) -> None:
        """Show it, what breaks first."""
        self._found = tuple(sorted(found, key=lambda one: one.effect != BREAKS))
        self._show(list(self._rows(self._found)))
        self.keys_changed()

    def _failed(self, error: Exception) -> None:
        """Say what is in the way."""
        self._show([blank(), *(plain(line, "stale") for line in str(error).split("\n"))])

    def _rows(self, found: Impacts) -> Iterable[Row]:
        yield blank()
        breaking = sum(one.effect == BREAKS for one in found)
        if not found:
            yield plain("nothing downstream reads it: it can be dropped", "fresh")
            return
        yield plain(
            f"{plural(breaking, 'asset')} would break, {plural(len(found) - breaking, 'place')} would change",
            "bold",
        )
        yield blank()
        room = max(20, min(104, self.host.size.width * 9 // 10) - 8)
        for number, one in enumerate(found):
            yield Row(partial(_written, one), str(number))
            for text in textwrap.wrap(one.because.detail, room):
                yield plain(text, "muted", 5)

    def _show(self, rows: list[Row]) -> None:
        shown = self.query_one(TextRows)
        shown.show(rows)
        shown.styles.height = min(len(rows) + 1, max(4, self.host.size.height - 8))

    @property
    def _here(self) -> Impact | None:
        here = self.query_one(TextRows).here if self.ready else None
        return None if here is None or self._found is None else self._found[int(here)]

    def why_not(self, action: str) -> str | None:
        """Why no place can be opened now."""
        if action != "edit":
            return None
        here = self._here
        return "there is no place under the cursor" if here is None or here.place is None else None

    def action_edit(self) -> None:
        """Open the place under the cursor."""
        here = self._here
        if not self.refuse("edit") and here is not None and here.place is not None:
            self.host.edit(here.place)

    def copy(self) -> Copy | None:
        """The places, and what would come of it."""
        if self._found is None:
            return None
        rows = [
            (one.effect, _name(one), "" if one.place is None else str(one.place), one.because.detail)
            for one in self._found
        ]
        return Copy(
            table(("effect", "asset or column", "at", "because"), rows),
            as_json(self._found),
            command(*routes.Drop(self.key, self.column).words),
        )


def _name(one: Impact) -> str:
    return one.asset if one.column is None else f"{one.asset}.{one.column}"


def _written(one: Impact, width: int, styles: Styles) -> Line:
    state = State.FAILED if one.effect == BREAKS else State.STALE
    line = styles.line().gap().add(STATE[state].sign(styles.ascii), styles.state(state)).gap()
    line.add(_name(one), styles.primary).gap(2)
    return line.add(
        fit("" if one.place is None else str(one.place), max(0, width - line.width)), styles.muted
    )
