"""Problems widget: declaration errors with place and excerpt, shown above the list while there are any."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.binding import Binding, BindingType

from upriver.assets.errors import Diagnosis
from upriver.tui.app.host import host_of
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present.styles import Line, Styles


class Problems(RowList):
    """The first line of each diagnosis is selectable; ``e`` or enter opens its place."""

    DEFAULT_CSS = """
    Problems { height: auto; max-height: 60%; display: none; border: round $error; }
    Problems.-some { display: block; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e,enter", "edit", "edit", show=False, tooltip="Open the place in $EDITOR"),
    ]

    def __init__(self) -> None:
        super().__init__(id="problems")
        self._diagnoses: tuple[Diagnosis, ...] = ()
        self._lines: list[tuple[int, str, str]] = []

    @property
    def count(self) -> int:
        """Number of lines."""
        return len(self._lines)

    def show(self, diagnoses: tuple[Diagnosis, ...]) -> None:
        """Show *diagnoses*; nothing when there are none."""
        if diagnoses == self._diagnoses:
            return
        self._diagnoses = diagnoses
        self._lines = self._wrapped(self.app.size.width - 6)
        self.set_class(bool(diagnoses), "-some")
        if not diagnoses:
            if self.has_focus:
                self.screen.query_one("AssetList").focus()
            self.rows_changed()
            return
        number = len(diagnoses)
        title = f"{number} declaration error{'s' if number != 1 else ''}"
        host = host_of(self)
        self.border_title = host.title_text(title, "e opens the place; a saved file is read again at once")
        self.styles.height = min(len(self._lines), 8 if host.model.statuses else 60) + 2
        self.rows_changed()

    def _wrapped(self, width: int) -> list[tuple[int, str, str]]:
        """Number of the diagnosis, text and style of each line; sentences are wrapped, excerpts are not."""
        lines: list[tuple[int, str, str]] = []
        for number, diagnosis in enumerate(self._diagnoses):
            place = f"{diagnosis.place} " if diagnosis.place is not None else ""
            sentence = textwrap.wrap(place + diagnosis.message, max(30, width)) or [""]
            lines.append((number, sentence[0].removeprefix(place), "failed"))
            lines += [(number, "  " + text, "failed") for text in sentence[1:]]
            for text in str(diagnosis).split("\n")[1:]:
                hint = text.strip().startswith("hint:")
                lines.append((number, text, "accent" if hint else "muted"))
        return lines

    def selectable(self, index: int) -> bool:
        """Only the line with the place."""
        return index == 0 or self._lines[index][0] != self._lines[index - 1][0]

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One line of a diagnosis."""
        number, text, style = self._lines[index]
        line = styles.line().gap()
        place = self._diagnoses[number].place
        if self.selectable(index) and place is not None:
            line.add(str(place), styles.primary).gap()
        return line.add(text, getattr(styles, style))

    def action_edit(self) -> None:
        """Open the place of the diagnosis in ``$EDITOR``."""
        diagnosis = self._diagnoses[self._lines[self.cursor][0]]
        host = host_of(self)
        if diagnosis.place is None:
            host.say("this one has no place in a file")
        else:
            host.edit(diagnosis.place)
