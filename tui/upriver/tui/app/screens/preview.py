"""Preview screen: any number of rows of an asset, sorted and filtered by the engine, and each column in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from upriver.assets.model import Key
from upriver.materializer.answers import SIGN, Comparison, Profile, Table
from upriver.tui.app import routes
from upriver.tui.app.routes import Side
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.searchbar import SearchBar
from upriver.tui.app.widgets.table import PAGE, TableView, cell_text
from upriver.tui.app.widgets.text_line import Written
from upriver.tui.present import figures
from upriver.tui.present.styles import Line, Styles, fit
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.views.profile import column_lines


class PreviewScreen(TabScreen):
    """*key*'s rows: those of now, those that it held *before* (a materialization's id), those that differ."""

    AUTO_FOCUS = "#table"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "sort", tooltip="Sort by the column: up, down, not at all"),
        Binding("slash", "where", "where", tooltip="Filter by a SQL condition"),
        Binding("b", "side", "before/after", tooltip="What it held before, then the rows that differ, then now"),
        Binding("i", "profile", "profile", tooltip="Show or hide the column in numbers"),
        Binding("y", "copy_markdown", "copy", tooltip="Copy the rows in view as Markdown"),
        Binding("Y", "copy_cell", "copy cell", tooltip="Copy the value under the cursor"),
        Binding("c", "columns", "columns", tooltip="Where the column comes from"),
    ]  # fmt: skip

    def __init__(self, key: Key, *, before: str = "before", side: Side = Side.NOW) -> None:
        super().__init__()
        self.key = key
        self.side = side
        self._before = before
        self._compared: Comparison | None = None
        self._where: str | None = None
        self._profile: Profile | None = None
        self._profile_then: Profile | None = None
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
        key, session = self.key, self.host.session
        if self.side is Side.NOW:
            self._ask_rows(0, PAGE)
        else:
            self._ask_comparison()
        self.ask(lambda: session.profile(key), self._take_profile, self._no_profile)

    def _title(self) -> None:
        rows, then = self.rows, self._compared
        words = [f"{rows.total:,} rows" if rows.columns else ""]
        if then is not None and self.side is not Side.NOW:
            ago = figures.age(self.host.clock() - then.before_at)
            as_of = f"run {then.before_run}, {ago} ago"
            words.append(as_of if self.side is Side.BEFORE else f"changed since {as_of}")
        if self._where:
            words.append(f"where {self._where}")
        rows.border_title = self.host.title_text(self.key, "  ".join(filter(None, words)))
        rows.border_subtitle = (
            self.host.title_text("", _summed(then, self.text_styles)) if then is not None else None
        )

    def _ask_rows(self, offset: int, limit: int) -> None:
        key, session, where, order = self.key, self.host.session, self._where, self.rows.order
        orders = () if order is None else (order,)
        before = self._compared.before if self._compared is not None else None
        at = before if self.side is Side.BEFORE else None
        against = before if self.side is Side.CHANGES else None

        def fetch() -> tuple[int, Table]:
            return offset, session.preview(
                key, limit=limit, offset=offset, order_by=orders, where=where, at=at, against=against
            )

        self.ask(fetch, self._take_rows, self._rows_failed)

    def on_table_view_wanted(self, message: TableView.Wanted) -> None:
        """Fetch what has come into view."""
        self._ask_rows(message.offset, message.limit)

    def _take_rows(self, found: tuple[int, Table]) -> None:
        offset, rows = found
        self.rows.take(rows, offset)
        self.query_one(SearchBar).show_found(f"{self.rows.total:,} rows")
        self._title()
        self.query_one("#profile", Written).rewrite()

    def _rows_failed(self, error: Exception) -> None:
        """Say what is wrong: with the condition while one types, else with the asset."""
        text = str(error).split("\n")[0]
        if self._where:
            self.query_one(SearchBar).show_found(fit(text.removeprefix("Binder Error: "), 23), wrong=True)
            self.host.say(text, wrong=True)
        else:
            self.rows.nothing = text
            self.rows.refresh()

    def _take_profile(self, profile: Profile) -> None:
        self._profile = profile
        self.query_one("#profile", Written).rewrite()

    def _ask_comparison(self) -> None:
        key, session, before = self.key, self.host.session, self._before

        def compare() -> tuple[Comparison, Profile]:
            compared = session.compare(key, before)
            return compared, session.profile(key, at=compared.before)

        self.ask(compare, self._take_comparison, self._comparison_failed)

    def _take_comparison(self, found: tuple[Comparison, Profile]) -> None:
        self._compared, self._profile_then = found
        self._show_side()

    def _comparison_failed(self, error: Exception) -> None:
        """There is nothing to compare with: the rows of now stay."""
        text = str(error).split("\n")[0]
        if not self.rows.columns:
            self._ask_rows(0, PAGE)
        self.side = Side.NOW
        self.host.say(text)

    def _show_side(self) -> None:
        rows = self.rows
        # The cursor stays in its column: the rows that differ have one more, their sign, in front.
        rows.column += (self.side is Side.CHANGES) - (rows.columns[:1] == (SIGN,))
        rows.order = None
        rows.clear()
        self._ask_rows(0, PAGE)
        self._title()
        self.query_one("#profile", Written).rewrite()

    def _no_profile(self, error: Exception) -> None:
        """There are none; the table says why."""

    def on_table_view_column_moved(self, message: TableView.ColumnMoved) -> None:
        """Show the numbers of another column."""
        self.query_one("#profile", Written).rewrite()

    def _write_profile(self, width: int, height: int, styles: Styles) -> list[Line]:
        name = self.rows.here
        profile = self._profile
        if name is None or profile is None:
            return [styles.line().add("counting …" if name else "", styles.muted)]
        lines = [styles.line().add(fit(name, width), styles.key)]
        lines += column_lines(name, profile, self._profile_then, width, styles)
        facts = f"{profile.rows:,} rows, {figures.size(profile.bytes)}"
        return [*lines, styles.line(), styles.line().add(facts, styles.muted)]

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

    def action_side(self) -> None:
        """Show what it held before, then the rows that differ, then those of now."""
        sides = list(Side)
        self.side = sides[(sides.index(self.side) + 1) % len(sides)]
        if self._compared is None:
            self._ask_comparison()
        else:
            self._show_side()

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
        here = self.rows.here
        self.host.go(3, self.key, None if here == SIGN else here)

    def action_copy_cell(self) -> None:
        """Copy the value under the cursor."""
        rows = self.rows
        value = rows.value_here()
        text = cell_text(value)
        self.host.copy_to_clipboard(text)
        self.host.say(f"copied {fit(text, 60)}")

    def copy(self) -> Copy:
        """The rows in view."""
        rows = self.rows
        shown = rows.rows_in_view()
        values = [dict(zip(rows.columns, row, strict=True)) for row in shown]
        words = [*routes.Preview(self.key).words]
        if self.side is not Side.NOW and self._compared is not None:
            words += ["--at" if self.side is Side.BEFORE else "--changes", self._compared.before_run]
        return Copy(table(rows.columns, shown), as_json(values), command(*words))


def _summed(compared: Comparison, styles: Styles) -> str:
    minus, arrow = styles.glyph("−", "-"), styles.glyph("→", "->")
    words = [f"+{compared.added:,} {minus}{compared.removed:,} rows"]
    words += [f"+{name}" for name in compared.new_columns] + [f"{minus}{n}" for n in compared.lost_columns]
    words += [f"{name}: {then} {arrow} {now}" for name, then, now in compared.retyped_columns]
    return ", ".join(words)
