"""Asset list widget: freshness, last run, lineage gutter, age, usual duration, rows, the last eight runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.message import Message

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus
from upriver.materializer.model import Outcome, State
from upriver.tui.app.host import Host, host_of
from upriver.tui.app.widgets.listcolumns import Columns, Filled
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, STATE, WAITING
from upriver.tui.present.styles import Line, Styles, fit_key
from upriver.tui.present.views.checks import CHECK
from upriver.tui.present.views.live import Phase
from upriver.tui.present.views.order import gutter
from upriver.tui.present.views.recent import Past

_ASCII_GUTTER = str.maketrans({"●": "o", "├": "|", "─": "-", "╰": "`", "│": "|", "‥": ":"})
_TEXT_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.,-~=+*#"


class AssetList(RowList):
    """Rows of :meth:`show`, each an asset."""

    HEADINGS: ClassVar[int] = 1

    class Scrolled(Message):
        """Other rows are in view."""

    def __init__(self) -> None:
        super().__init__(id="assets")
        self.keys: Sequence[Key] = ()
        self.marked: set[Key] = set()
        self.labels: dict[int, str] = {}
        self._place: dict[Key, int] | None = None
        self._shown: set[Key] | None = None
        self._columns: tuple[int, Columns] | None = None

    @property
    def host(self) -> Host:
        """The app."""
        return host_of(self)

    @property
    def count(self) -> int:
        """Number of assets shown."""
        return len(self.keys)

    @property
    def here(self) -> Key | None:
        """The asset under the cursor."""
        return self.keys[self.cursor] if 0 <= self.cursor < len(self.keys) else None

    def place_of(self, key: Key) -> int | None:
        """The row of *key*, or None when it is not shown."""
        if self._place is None:
            self._place = {known: index for index, known in enumerate(self.keys)}
        return self._place.get(key)

    def columns(self, width: int) -> Columns:
        """The columns at *width*. Only where names would be cut do the others give up what they do not need."""
        if self._columns is None or self._columns[0] != width:
            found = Columns(width)
            longest = max(map(len, self.keys), default=0)
            if longest > found.name - 1:
                found = Columns(width, longest, self._filled())
            self._columns = (width, found)
        return self._columns[1]

    def _filled(self) -> Filled:
        model = self.host.model
        shown = [status for key in self.keys if (status := model.statuses.get(key)) is not None]
        depth: dict[Key, int] = {}
        for key in model.order.keys:  # parents stand before what hangs under them
            parent = model.order.parents.get(key)
            depth[key] = 0 if parent is None else depth.get(parent, -1) + 1
        return Filled(
            max(depth.values(), default=0),
            any(status.seconds is not None for status in shown),
            any(status.rows is not None for status in shown),
            max(0, *(len(model.recent.of(key)) for key in self.keys), 0),
        )

    def _columns_may_differ(self) -> None:
        """Figures came or went: look again which columns there are, and repaint all if others."""
        if self._columns is None or self._columns[1].whole:
            return  # figures come, they hardly ever go
        (width, before), self._columns = self._columns, None
        if self.columns(width).name != before.name:
            self._strips.clear()
            self.refresh()

    @property
    def everything(self) -> bool:
        """Whether nothing is filtered out."""
        return self._shown is None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in view."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Scrolled())

    def show(self, keys: Sequence[Key], *, everything: bool) -> None:
        """Show *keys*; the cursor stays on its asset, and that on its line of the screen."""
        here, offset = self.here, self.cursor - self.scroll_offset.y
        self.keys = keys
        self._place = None
        self._shown = None if everything else set(keys)
        self._columns = None
        self.rows_changed()
        if here is not None:
            place = self.place_of(here)
            if place is not None:
                self.move_to(place, offset=offset, quiet=True)
            else:
                self.move_to(min(self.cursor, len(keys) - 1))
        if self.here != here:
            self.post_message(self.Moved(self, self.cursor))

    def changed(self, keys: set[Key]) -> None:
        """The statuses of *keys* are different: repaint those in view, forget the others."""
        self._columns_may_differ()
        if len(keys) > 200:
            self._strips.clear()
            self.refresh()
            return
        self.row_changed(*(place for key in keys if (place := self.place_of(key)) is not None))

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Names of the columns."""
        cols = self.columns(width)
        line = styles.line().gap().add("S R C", styles.faint).gap()
        if cols.gutter:
            line.add("lineage" if cols.gutter >= 7 else "", styles.faint, cols.gutter).gap()
        line.add("asset", styles.faint, cols.name).add("age", styles.faint, 7, ">")
        if cols.usual:
            line.add("usual", styles.faint, 8, ">")
        if cols.rows:
            line.add("rows", styles.faint, 7, ">")
        if cols.spark:
            line.gap(2).add(f"last {cols.spark}" if cols.spark >= 6 else "last", styles.faint, cols.spark)
        return line

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One asset."""
        key = self.keys[index]
        status = self.host.model.statuses.get(key)
        cols = self.columns(width)
        line = styles.line()
        label = self.labels.get(index)
        line.add("*" if key in self.marked else " ", styles.accent)
        if status is None:
            return line.gap(6 + cols.gutter).add(key, styles.faint)
        mark = STATE[status.state]
        line.add(mark.sign(styles.ascii), styles.state(status.state)).gap()
        self._write_run_sign(line, status, styles)
        line.gap()
        self._write_check_sign(line, key, styles)
        line.gap()
        if cols.gutter:
            self._write_gutter(line, index, cols.gutter, styles)
        if label is not None:
            line.add(label, styles.match).gap()
            self._write_key(line, key, status, cols.name - len(label) - 1, styles)
        else:
            self._write_key(line, key, status, cols.name, styles)
        self._write_figures(line, status, cols, styles)
        return line

    def _write_run_sign(self, line: Line, status: AssetStatus, styles: Styles) -> None:
        run = self.host.model.run
        part = run.parts.get(status.asset) if run is not None and run.live else None
        if part is not None and part.phase is Phase.WAITING:
            line.add(WAITING.sign(styles.ascii), styles.muted)
        elif part is not None and part.phase is Phase.RUNNING:
            line.add(STATE[State.RUNNING].sign(styles.ascii), styles.running)
        elif part is not None and part.outcome not in (None, Outcome.FRESH):
            mark = OUTCOME[part.outcome]
            line.add(mark.sign(styles.ascii), styles.mark(mark))
        elif past := self.host.model.recent.of(status.asset):
            mark = OUTCOME[past[-1].outcome]
            line.add(mark.sign(styles.ascii), styles.mark(mark))
        else:
            line.add(styles.glyph("·", "."), styles.faint)

    def _write_check_sign(self, line: Line, key: Key, styles: Styles) -> None:
        outcome = self.host.model.checks.get(key)
        if outcome is None:
            line.add(styles.glyph("·", "."), styles.faint)
        else:
            line.add(CHECK[outcome].sign(styles.ascii), styles.mark(CHECK[outcome]))

    def _write_gutter(self, line: Line, index: int, width: int, styles: Styles) -> None:
        shown = None if self._shown is None else self._shown.__contains__
        drawn = gutter(self.keys, index, self.host.model.order, shown, width=width)
        line.add(drawn.translate(_ASCII_GUTTER) if styles.ascii else drawn, styles.faint, width).gap()

    def _write_key(self, line: Line, key: Key, status: AssetStatus, width: int, styles: Styles) -> None:
        text = fit_key(key, width - 1)
        room, dot, name = text.rpartition(".")
        source = status.engine == "source"
        line.add(room + dot, styles.muted)
        line.add(name, styles.text if not source else styles.primary, width - len(room + dot))

    def _write_figures(self, line: Line, status: AssetStatus, cols: Columns, styles: Styles) -> None:
        now = self.host.clock()
        if status.state is State.RUNNING and status.running_since is not None:
            line.add(figures.clock_span(now - status.running_since), styles.running, 7, ">")
        else:
            built = status.materialized_at
            line.add(figures.age(None if built is None else now - built), styles.muted, 7, ">")
        if cols.usual:
            line.add(figures.duration(status.seconds), styles.muted, 8, ">")
        if cols.rows:
            line.add(figures.count(status.rows), styles.muted, 7, ">")
        if cols.spark:
            line.gap(2)
            self._write_spark(line, self.host.model.recent.of(status.asset), cols.spark, styles)

    @staticmethod
    def _write_spark(line: Line, past: Sequence[Past], room: int, styles: Styles) -> None:
        """Durations against their own middle, and a sign for each run that made nothing."""
        line.gap(room - len(past))
        known = sorted(one.seconds for one in past if one.outcome is Outcome.BUILT)
        middle = known[len(known) // 2] if known else 0.0
        bars = _ASCII_BARS if styles.ascii else _TEXT_BARS
        style, text = Style.null(), ""
        for one in past:
            if one.outcome is Outcome.BUILT:
                level = int(one.seconds / middle * 2.5) if middle else 0
                sign, wanted = bars[min(7, level)], styles.muted
            else:
                mark = OUTCOME[one.outcome]
                sign, wanted = mark.sign(styles.ascii), styles.mark(mark)
            if wanted != style and text:
                line.add(text, style)
                text = ""
            style = wanted
            text += sign
        line.add(text, style)

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """What is shown instead of rows."""
        lines = self._empty_lines()
        top = max(0, (self.page - len(lines)) // 3)
        if not 0 <= y - top < len(lines):
            return styles.line()
        text, style = lines[y - top]
        return styles.line().add(text, getattr(styles, style), width, "^")

    def _empty_lines(self) -> list[tuple[str, str]]:
        """What the list shows when there is nothing to list: text and style."""
        model = self.host.model
        typed = self.host.filter_text
        if not model.loaded:
            return [("reading the project …", "muted")]
        if model.diagnoses:
            return [("No asset can be shown until the declarations above are mended.", "muted"),
                    ("They are read again as soon as a file is saved.", "faint")]  # fmt: skip
        if model.error is not None:
            return [
                (model.error.split("\n")[0], "failed"),
                ("It is tried again as soon as something changes.", "faint"),
            ]
        if typed:
            return [
                (f"Nothing matches {typed!r}.", "muted"),
                ("esc clears the filter", "faint"),
            ]
        return [
            ("This project has no assets yet.", "bold"),
            ("", "muted"),
            ("Put a query into assets/first.sql:", "muted"),
            ("select 42 as answer", "accent"),
            ("", "muted"),
            ("It is shown here as soon as the file is saved.", "faint"),
        ]
