"""Filter of the asset list: applies what is typed, and shows what is left or what could not be read."""

from __future__ import annotations

from textual.widgets import Input

from upriver.assets.errors import UsageError
from upriver.assets.model import Key
from upriver.materializer.model import State
from upriver.tui.app.screen_bases.screen import ProjectScreen
from upriver.tui.app.widgets.assets import AssetList
from upriver.tui.app.widgets.filterbar import FilterBar, FilterInput
from upriver.tui.present.views.filtering import Unanswered, matching, problem
from upriver.tui.present.views.order import Sort
from upriver.tui.present.words import plural

_TROUBLE = (State.BROKEN, State.FAILED, State.BLOCKED, State.STALE, State.PENDING)


class ListFilter(ProjectScreen):
    """Mixin that narrows the list of a screen by a filter."""

    def __init__(self) -> None:
        super().__init__()
        self.with_column: dict[str, tuple[Key, ...]] = {}

    @property
    def assets(self) -> AssetList:
        """The list."""
        raise NotImplementedError

    @property
    def filter_bar(self) -> FilterBar:
        """The filter line."""
        raise NotImplementedError

    def action_filter(self) -> None:
        """Type a filter."""
        self.filter_bar.input.focus()

    def on_filter_input_left(self, message: FilterInput.Left) -> None:
        """Back to the list."""
        message.stop()
        self.assets.focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow with every key."""
        message.stop()
        self.refilter()

    def set_filter(self, text: str) -> None:
        """Filter by *text*, as if it had been typed."""
        self.filter_bar.input.value = text

    def refilter(self) -> None:
        """Show what the filter lets through."""
        text = self.filter_bar.input.value
        model = self.model
        try:
            keys = matching(text, model.order.keys, model.statuses, self.with_column)
        except UsageError:
            self.tally(problem(text))
            return
        except Unanswered as unanswered:
            session, columns = self.host.session, unanswered.columns
            self.ask(lambda: {name: session.keys((f"col:{name}",)) for name in columns}, self._take_columns)
            return
        self.assets.show(keys, everything=len(keys) == len(model.order.keys))
        self.tally()

    def _take_columns(self, found: dict[str, tuple[Key, ...]]) -> None:
        """Filter again, now that it is known which assets have the column."""
        self.with_column.update(found)
        self.refilter()

    def on_asset_list_scrolled(self, message: AssetList.Scrolled) -> None:
        """Say what of the trouble is out of view above."""
        message.stop()
        model, assets = self.model, self.assets
        trouble = sum(model.counts[s] for s in _TROUBLE)
        hidden = min(assets.scroll_offset.y, trouble) if model.order.sort is Sort.ATTENTION else 0
        hint = f"{hidden:,} above need attention, n goes there" if hidden and assets.everything else ""
        assets.border_subtitle = self.host.title_text("", hint) if hint else None

    def tally(self, wrong: str | None = None) -> None:
        """Say how many are shown and how they are ordered, or what is *wrong* with the filter."""
        shown, total = self.assets.count, len(self.model.order.keys)
        number = f"{shown:,} of {total:,}" if shown != total else plural(total, "asset")
        sign = self.text_styles.glyph("↓", "")
        self.filter_bar.show_tally(f"{number}   {self.model.order.sort.value} {sign}", wrong)
