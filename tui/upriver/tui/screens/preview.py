"""The rows of an asset: any number of them, sorted and filtered by the engine; each column in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from upriver.assets.model import Key
from upriver.materializer.views import ColumnProfile, Profile, Table
from upriver.tui import figures
from upriver.tui.glyphs import sparkline
from upriver.tui.ink import Ink, Line, fit
from upriver.tui.picture.copying import Copy, as_json, command, table
from upriver.tui.screens.frame import Frame
from upriver.tui.widgets.line import Written
from upriver.tui.widgets.searchbar import SearchBar
from upriver.tui.widgets.table import PAGE, TableView, cell_text


class PreviewScreen(Frame):
    """*key*'s current rows."""

    AUTO_FOCUS = "#table"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "sort", tooltip="Sort by the column: up, down, not at all"),
        Binding("slash", "where", "where", tooltip="Filter by a SQL condition"),
        Binding("i", "profile", "profile", tooltip="Show or hide the column in numbers"),
        Binding("y", "copy_markdown", "copy", tooltip="Copy the rows in view as Markdown"),
        Binding("Y", "copy_cell", "copy cell", tooltip="Copy the value under the cursor"),
        Binding("c", "columns", "columns", tooltip="Where the column comes from"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._where: str | None = None
        self._profile: Profile | None = None
        self._profile_shown = True

    def body(self) -> Iterable[Widget]:
        """Table and profile, filter line."""
        with Horizontal(id="preview-body"):
            yield TableView()
            yield Written(self._write_profile, id="profile", classes="panel")
        yield SearchBar("a condition, such as amount > 100 and status = 'paid'")

    @property
    def rows(self) -> TableView:
        """The table."""
        return self.query_one(TableView)

    def on_mount(self) -> None:
        """Ask for the first rows and the profile."""
        self._title()
        self._ask_rows(0, PAGE)
        key, session = self.key, self.upriver.session
        self.ask("profile", lambda: session.profile(key))

    def _title(self) -> None:
        rows = self.rows
        number = f"{rows.total:,} rows" if rows.columns else ""
        where = f"where {self._where}" if self._where else ""
        self.rows.border_title = self.upriver.title_text(self.key, f"{number}  {where}".strip())

    def _ask_rows(self, offset: int, limit: int) -> None:
        key, session, where, order = self.key, self.upriver.session, self._where, self.rows.order
        orders = () if order is None else (order,)

        def fetch() -> tuple[int, Table]:
            return offset, session.preview(key, limit=limit, offset=offset, order_by=orders, where=where)

        self.ask("rows", fetch)

    def on_table_view_wanted(self, message: TableView.Wanted) -> None:
        """Fetch what has come into view."""
        self._ask_rows(message.offset, message.limit)

    def answer_rows(self, found: object) -> None:
        """Show rows."""
        assert isinstance(found, tuple)
        offset, rows = found
        self.rows.take(rows, offset)
        self.query_one(SearchBar).tell(f"{self.rows.total:,} rows")
        self._title()
        self.query_one("#profile", Written).rewrite()

    def failed_rows(self, error: Exception) -> None:
        """Say what is wrong: with the condition while one types, else with the asset."""
        text = str(error).split("\n")[0]
        if self._where:
            self.query_one(SearchBar).tell(fit(text.removeprefix("Binder Error: "), 23), wrong=True)
            self.upriver.say(text, wrong=True)
        else:
            self.rows.nothing = text
            self.rows.refresh()

    def answer_profile(self, profile: object) -> None:
        """Show the numbers."""
        assert isinstance(profile, Profile)
        self._profile = profile
        self.query_one("#profile", Written).rewrite()

    def failed_profile(self, error: Exception) -> None:
        """There are none; the table says why."""

    def on_table_view_column_moved(self, message: TableView.ColumnMoved) -> None:
        """Show the numbers of another column."""
        self.query_one("#profile", Written).rewrite()

    def _write_profile(self, width: int, height: int, ink: Ink) -> list[Line]:
        name = self.rows.here
        profile = self._profile
        if name is None or profile is None:
            return [ink.line().add("counting …" if name else "", ink.muted)]
        column = next((c for c in profile.columns if c.name == name), None)
        lines = [ink.line().add(fit(name, width), ink.key)]
        if column is not None:
            lines += _profile_lines(column, profile.rows, width, ink)
        facts = f"{profile.rows:,} rows, {figures.size(profile.bytes)}"
        return [*lines, ink.line(), ink.line().add(facts, ink.muted)]

    # -- actions -------------------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the column: up, down, not at all."""
        rows = self.rows
        if rows.here is None:
            return
        if rows.order is None or rows.order[0] != rows.here:
            rows.order = (rows.here, False)
        else:
            rows.order = None if rows.order[1] else (rows.here, True)
        rows.clear()
        self._ask_rows(0, PAGE)

    def action_where(self) -> None:
        """Type a condition."""
        self.query_one(SearchBar).open()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Filter."""
        message.stop()

    def on_search_bar_left(self, message: SearchBar.Left) -> None:
        """Filter by what was typed, and go to the rows."""
        text = self.query_one(Input).value.strip() or None
        if text != self._where:
            self._where = text
            self.rows.clear()
            self._ask_rows(0, PAGE)
        self.rows.focus()

    def action_profile(self) -> None:
        """Show or hide the numbers."""
        self._profile_shown = not self._profile_shown
        self.query_one("#profile").display = self._profile_shown

    def action_columns(self) -> None:
        """Explore the column."""
        self.upriver.go(3, self.key, self.rows.here)

    def action_copy_cell(self) -> None:
        """Copy the value under the cursor."""
        rows = self.rows
        value = rows.value_here()
        text = cell_text(value)
        self.upriver.copy_to_clipboard(text)
        self.upriver.say(f"copied {fit(text, 60)}")

    def copy(self) -> Copy:
        """The rows in view."""
        rows = self.rows
        shown = rows.rows_in_view()
        values = [dict(zip(rows.columns, row, strict=True)) for row in shown]
        words = ["show", self.key]
        return Copy(table(rows.columns, shown), as_json(values), command(*words))


def _profile_lines(column: ColumnProfile, rows: int, width: int, ink: Ink) -> list[Line]:
    share = column.nulls / rows if rows else 0.0
    facts = [
        ("type", column.type.lower()),
        ("nulls", f"{column.nulls:,} ({share:.1%})" if column.nulls else "none"),
        ("distinct", f"{column.distinct:,}" + (" (unique)" if rows and column.distinct >= rows else "")),
        ("lowest", column.low),
        ("middle", column.middle),
        ("highest", column.high),
    ]
    lines = []
    for name, value in facts:
        if value is not None:
            lines.append(ink.line().add(name, ink.faint, 9).add(fit(value, width - 9), ink.text))
    if column.histogram:
        lines += [ink.line(), ink.line().add(sparkline(column.histogram, ink.ascii), ink.primary)]
    return lines
