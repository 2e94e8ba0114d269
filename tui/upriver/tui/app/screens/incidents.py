"""Incidents screen: what is wrong, one line a cause, and below it all that is known of the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.ports import Change, Incident, IncidentState
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.app.widgets.text import ReadOnly, Row, blank, heading, plain, wrapped
from upriver.tui.present import figures
from upriver.tui.present.spans import shown
from upriver.tui.present.styles import Line, Styles, fit, fit_key
from upriver.tui.present.text.goals import moment
from upriver.tui.present.text.incidents import KINDS, heals, suffering, where
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.words import plural


class IncidentsScreen(AssetActions, TabScreen):
    """Tab 8."""

    TAB = "Incidents"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "why", "why", tooltip="The chain of causes behind the root"),
        Binding("a", "acknowledge", "acknowledge", tooltip="Note that a person knows of it"),
        Binding("t", "everything", "over", tooltip="Show also what is over"),
        Binding("y", "copy_markdown", "copy"),
        *(one for one in ASSET_BINDINGS if not (isinstance(one, Binding) and one.key == "w")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._everything = False
        self._found: tuple[Incident, ...] | None = None

    @property
    def subject(self) -> Key | None:
        """The root of the incident under the cursor, where that is an asset or a source."""
        one = self.query_one(IncidentList).here if self.is_mounted else None
        return one.cause.asset if one is not None and one.cause.asset in self.model.statuses else None

    def body(self) -> Iterable[Widget]:
        """The list, and what is known of one."""
        yield IncidentList()
        detail = ReadOnly(id="incident", classes="panel")
        detail.styles.height = "2fr"
        yield detail

    def on_mount(self) -> None:
        """Ask."""
        self._show()
        self._ask()

    def _ask(self) -> None:
        session, everything = self.host.session, self._everything
        self.ask(lambda: session.incidents(everything=everything), self._take_incidents)

    def _take_incidents(self, found: tuple[Incident, ...]) -> None:
        self._found = found
        self._show()

    def _show(self) -> None:
        rows, found = self.query_one(IncidentList), self._found
        if found is not None:
            rows.show(found, self.host.clock())
        is_open = sum(one.open for one in found or ())
        detail = (
            "looking …"
            if found is None
            else f"{is_open} open" + (" · with those that are over" if self._everything else "")
        )
        rows.border_title = self.host.title_text("Incidents", detail)
        self._show_detail()
        self.keys_changed()

    def _show_detail(self) -> None:
        one, panel = self.query_one(IncidentList).here, self.query_one("#incident", ReadOnly)
        panel.border_title = self.host.title_text("" if one is None else f"{one.id} · {where(one)}")
        panel.show([] if one is None else _rows(one, self.host.clock()))

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Something may have opened or recovered."""
        super().project_changed(changed, order=order)
        if not self.model.live:
            self._ask()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Tell of another one."""
        self._show_detail()
        self.keys_changed()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Explain its root."""
        self.action_why()

    def why_not(self, action: str) -> str | None:
        """An incident is acknowledged once."""
        if action == "acknowledge":
            one = self.query_one(IncidentList).here
            if one is None:
                return "there is no incident to acknowledge"
            if one.state is not IncidentState.OPENED:
                return f"it is {one.state.value} already"
        return super().why_not(action)

    def action_acknowledge(self) -> None:
        """Note that a person knows of it."""
        one = self.query_one(IncidentList).here
        if self.refuse("acknowledge") or one is None:
            return
        session, id_ = self.host.session, one.id
        self.ask(lambda: session.acknowledge(id_), self._take_acknowledged)

    def _take_acknowledged(self, one: Incident) -> None:
        self._found = tuple(one if other.id == one.id else other for other in self._found or ())
        self.host.say(f"acknowledged {one.id}; `upriver incidents ack {one.id} --note …` adds a note")
        self._show()

    def action_everything(self) -> None:
        """Show what is over as well, or not."""
        self._everything = not self._everything
        self._ask()

    def copy(self) -> Copy | None:
        """The list."""
        if self._found is None:
            return None
        rows = [
            (one.id, one.state.value, where(one), KINDS[one.cause.kind], suffering(one), one.cause.message)
            for one in self._found
        ]
        head = ("id", "state", "where", "what", "affects", "message")
        words = (*routes.Incidents().words, *(["--all"] if self._everything else []))
        return Copy(table(head, rows), as_json(self._found), command(*words))


class IncidentList(RowList):
    """An incident a row."""

    HEADINGS = 1

    def __init__(self) -> None:
        super().__init__(id="incidents", classes="panel")
        self.incidents: tuple[Incident, ...] = ()
        self.known = False
        self.now = 0.0
        self.styles.height = "1fr"

    @property
    def count(self) -> int:
        """Number of incidents."""
        return len(self.incidents)

    @property
    def here(self) -> Incident | None:
        """What is under the cursor."""
        return self.incidents[self.cursor] if 0 <= self.cursor < len(self.incidents) else None

    def show(self, found: tuple[Incident, ...], now: float) -> None:
        """Show *found*; the cursor stays on its incident."""
        here = self.here
        self.incidents, self.now, self.known = found, now, True
        if here is not None:
            self.cursor = next((i for i, one in enumerate(found) if one.id == here.id), 0)
        self.rows_changed()

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Names of the columns."""
        line = (
            styles.line().gap().add("state", styles.faint, 13).add("where", styles.faint, self._room(width))
        )
        line.add("what", styles.faint, 13).add("since", styles.faint, 7, ">").gap(2)
        if width >= 100:
            line.add("affects", styles.faint, 23)
        return line.add("message", styles.faint)

    def _room(self, width: int) -> int:
        return max(16, min(36, width // 4))

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One incident."""
        one = self.incidents[index]
        role = {
            IncidentState.OPENED: styles.failed,
            IncidentState.ACKNOWLEDGED: styles.stale,
            IncidentState.RECOVERED: styles.faint,
        }[one.state]
        room = self._room(width)
        line = styles.line().gap().add(one.state.value, role, 13)
        line.add(fit_key(where(one), room - 1), styles.text if one.open else styles.muted, room)
        line.add(KINDS[one.cause.kind], styles.muted, 13)
        line.add(figures.age(self.now - one.cause.since), styles.muted, 7, ">").gap(2)
        if width >= 100:
            line.add(fit(suffering(one), 22), styles.muted, 23)
        return line.add(fit(shown(one.cause.message.partition("\n")[0]), width - line.width - 1), styles.text)

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """Nothing is wrong, or it is not known yet."""
        text = "nothing is wrong" if self.known else "looking …"
        return styles.line().gap().add(text, styles.muted) if y == 1 else styles.line()


def _rows(one: Incident, now: float) -> list[Row]:
    cause, affected = one.cause, one.cause.affected
    rows = [
        row
        for text in cause.message.split("\n")
        for row in wrapped(shown(text), "failed" if one.open else "muted")
    ]
    times = "" if one.occurrence == 1 else f" · {one.occurrence} times so far"
    rows.append(plain(f"since {moment(cause.since, now)} ({figures.age(now - cause.since)}){times}", "muted"))
    if one.acknowledged is not None:
        note = f": {one.note}" if one.note else ""
        rows.append(plain(f"acknowledged {moment(one.acknowledged, now)}{note}", "muted"))
    rows.append(plain(heals(one, now), "muted"))
    if cause.last_good is not None:
        kept = "is served" if cause.last_good.served else "is not what is served"
        rows.append(
            plain(
                f"last good {moment(cause.last_good.at, now)}, run {cause.last_good.run}: it {kept}", "muted"
            )
        )
    columns: dict[str, list[str]] = {}
    for key, column in affected.columns:
        columns.setdefault(key, []).append(column)
    rows += [blank(), heading("Affects", plural(len(affected.assets), "asset"))]
    for key in affected.assets:
        rows.append(plain(f"{key}  {', '.join(columns.get(key, ()))}".rstrip(), "text", 2))
    for name, items in (("goals", affected.goals), ("owners", affected.owners)):
        if items:
            rows.append(plain(f"{name}: {', '.join(items)}", "muted", 2))
    if cause.changes:
        rows += [blank(), heading("Changed since the last good")]
        for change in cause.changes:
            rows += _change(change)
    return rows


def _change(change: Change) -> list[Row]:
    if change.what == "data":
        columns = f" ({', '.join(change.columns)})" if change.columns else ""
        return [plain(f"data  {change.asset}{columns}  {change.detail}", "text", 2)]
    place = f"  {change.place.path}:{change.place.line}" if change.place else ""
    roles = {"+": "fresh", "-": "failed"}
    return [
        plain(f"code  {change.detail}{place}", "text", 2),
        *(plain(shown(text.rstrip()), roles.get(text[:1], "muted"), 4) for text in change.lines),
    ]
