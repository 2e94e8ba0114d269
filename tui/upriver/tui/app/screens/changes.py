"""Changes screen: what changed since the last build, and what that breaks or changes downstream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus, Impact
from upriver.materializer.model import Cause, Reason
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.app.widgets.text import Row, TextRows, blank, heading, plain
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.styles import Line, Styles, fit_key
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.views.order import reach
from upriver.tui.present.words import plural, reason_text

_ROOTS = (
    Cause.RECIPE,
    Cause.ENGINE,
    Cause.DATA,
    Cause.SCHEMA,
    Cause.ENVIRONMENT,
    Cause.VOLATILE,
    Cause.FAILED,
    Cause.FALLBACK,
    Cause.UNBOUND,
    Cause.BROKEN,
)


class ChangesScreen(AssetActions, TabScreen):
    """Tab 6."""

    TAB = "Changes"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "why", "why", show=False),
        *ASSET_BINDINGS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._impacts: tuple[Impact, ...] | None = None

    @property
    def subject(self) -> Key | None:
        """The asset under the cursor."""
        here = self.query_one(TextRows).here if self.is_mounted else None
        return None if here is None else here.partition("#")[0]

    def body(self) -> Iterable[Widget]:
        """One panel."""
        rows = TextRows(id="changes", classes="panel")
        rows.styles.height = "1fr"
        rows.border_title = self.host.title_text("Changes", "since each asset was built")
        yield rows

    def on_mount(self) -> None:
        """Ask."""
        self._show()
        self._ask()

    def _ask(self) -> None:
        session = self.host.session
        self.ask(session.impact, self._take_impacts, self._impacts_failed)

    def _take_impacts(self, impacts: tuple[Impact, ...]) -> None:
        self._impacts = impacts
        self._show()

    def _impacts_failed(self, error: Exception) -> None:
        """The changes are shown all the same."""
        self._impacts = ()
        self._show()
        self.host.say(str(error), wrong=True)

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Look again."""
        super().project_changed(changed, order=order)
        if changed:
            self._show()
            self._ask()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Other things may be possible with another asset."""
        self.keys_changed()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Explain."""
        self.action_why()

    def changed_assets(self) -> list[AssetStatus]:
        """Assets with a cause of their own, not only upstream."""
        return [
            status
            for status in self.model.statuses.values()
            if status.engine != "source" and any(_own(reason, status) for reason in status.reasons)
        ]

    def _show(self) -> None:
        found = self.changed_assets()
        rows: list[Row] = []
        if not found:
            rows += [plain("Nothing changed: every asset is as its code and its data say.", "fresh")]
        else:
            are, own = ("is", "its") if len(found) == 1 else ("are", "their")
            rows.append(
                heading("CHANGED", f"{plural(len(found), 'asset')} {are} stale by a cause of {own} own")
            )
            rows += [self._changed_row(status) for status in found]
        if self._impacts is None:
            rows += [blank(), plain("looking at what depends on it …", "muted")]
        breaks = [impact for impact in self._impacts or () if impact.effect == "breaks"]
        others = [impact for impact in self._impacts or () if impact.effect != "breaks"]
        if breaks:
            rows += [blank(), heading("BREAKS", "these read what is no longer there")]
            rows += [_impact_row(impact, number) for number, impact in enumerate(breaks)]
        if others:
            rows += [blank(), heading("CHANGES", "these columns will hold other values")]
            rows += [_impact_row(impact, number) for number, impact in enumerate(others, len(breaks))]
        self.query_one(TextRows).show(rows)
        self.keys_changed()

    def _changed_row(self, status: AssetStatus) -> Row:
        below = len(reach(self.model.statuses, status.asset, down=True))

        def write(width: int, styles: Styles) -> Line:
            mark = STATE[status.state]
            line = styles.line().gap().add(f"{mark.sign(styles.ascii)} ", styles.state(status.state))
            name = max(18, min(40, width // 3))
            line.add(fit_key(status.asset, name - 1), styles.text, name)
            own = next(reason for reason in status.reasons if _own(reason, status))
            line.add(reason_text(own, status.asset), styles.muted, max(0, width - line.width - 16))
            return line.add(f"{below} downstream ", styles.faint, 15, ">")

        return Row(write, status.asset)

    def copy(self) -> Copy:
        """Changes and impacts."""
        impacts = self._impacts or ()
        rows = [(i.asset, i.column, i.effect, reason_text(i.because, i.asset)) for i in impacts]
        changed = [(s.asset, reason_text(s.reasons[0], s.asset)) for s in self.changed_assets()]
        text = table(("changed", "because"), changed)
        if rows:
            text += "\n\n" + table(("asset", "column", "effect", "because"), rows)
        return Copy(text, as_json({"impacts": impacts}), command(*routes.Changes().words))


def _own(reason: Reason, status: AssetStatus) -> bool:
    """Whether the reason is the asset's own and not one that it has from upstream."""
    if reason.kind is Cause.FAILED:
        return reason.asset == status.asset
    return reason.kind in _ROOTS


def _impact_row(impact: Impact, number: int) -> Row:
    def write(width: int, styles: Styles) -> Line:
        breaks = impact.effect == "breaks"
        sign = styles.glyph("✗", "X") if breaks else "~"
        line = styles.line().gap().add(f"{sign} ", styles.failed if breaks else styles.stale)
        name = max(18, min(40, width // 3))
        what = impact.asset if impact.column is None else f"{impact.asset}.{impact.column}"
        line.add(fit_key(what, name - 1), styles.text, name)
        return line.add(reason_text(impact.because, impact.asset), styles.muted)

    return Row(write, f"{impact.asset}#{number}")
