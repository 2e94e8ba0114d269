"""Run screen: sum, assets by phase, output and timeline of one run, live or replayed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.events import Event
from upriver.materializer.model import Outcome, State
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import AssetActions
from upriver.tui.app.screen_bases.output import OUTPUT_BINDINGS, OutputScreen
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.loglines import LogLines
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.app.widgets.runrows import RunRows, bar
from upriver.tui.app.widgets.searchbar import SearchBar
from upriver.tui.app.widgets.text import ReadOnly, wrapped
from upriver.tui.app.widgets.text_line import Written
from upriver.tui.app.widgets.timeline import timeline
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, RUN
from upriver.tui.present.styles import Line, Styles
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.views.live import Part, Phase, RunPicture
from upriver.tui.present.views.places import failing_place
from upriver.tui.present.words import plural

_NOT_MADE = (Outcome.FAILED, Outcome.BROKEN, Outcome.BLOCKED, Outcome.CANCELLED)
_MOST_NAMED = 200


class RunScreen(OutputScreen, AssetActions, TabScreen):
    """*run* is an id, or None for the run that goes on."""

    TAB = "Runs"
    AUTO_FOCUS = "#parts"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+x", "cancel", "cancel", tooltip="Stop this build; what is finished is kept"),
        Binding("X", "cancel_asset", "cancel one", tooltip="Stop or leave out this asset; the rest goes on"),
        Binding("r", "retry", "retry", tooltip="Build again what failed or was blocked"),
        Binding("F", "fix", "fix", tooltip="Put a misspelled name right, after a look at the line"),
        Binding("e", "edit", "edit", tooltip="Open the failing line in $EDITOR"),
        Binding("w", "why", "why", tooltip="Why it was built, or failed"),
        *OUTPUT_BINDINGS,
        Binding("a", "all_output", "all", tooltip="The output of all assets, or of the one under the cursor"),
        Binding("t", "timeline", "timeline", tooltip="The slots over time"),
        Binding("s", "stream", "stream", tooltip="Print the run in the ordinary terminal; s again returns"),
        Binding("p", "preview", "preview", show=False),
    ]  # fmt: skip

    def __init__(self, run: str | None = None) -> None:
        super().__init__()
        self._run = run
        self._past: RunPicture | None = None
        self._shown = -1
        self._all = False
        self._timeline = False
        self._init_output()

    @property
    def picture(self) -> RunPicture | None:
        """The run that is shown."""
        live = self.model.run
        if self._past is None and live is not None and self._run in (None, live.run):
            return live
        return self._past

    @property
    def subject(self) -> Key | None:
        """The asset under the cursor."""
        return self.query_one(RunRows).here if self.is_mounted else None

    def body(self) -> Iterable[Widget]:
        """Sum, error, parts and output."""
        yield Written(self._write_sum, id="run-sum")
        yield ReadOnly(id="run-error", classes="panel")
        with Horizontal(id="run-body"):
            yield RunRows()
            yield LogLines(id="run-log")
        yield Written(self._write_timeline, id="run-timeline")
        yield SearchBar()

    def on_mount(self) -> None:
        """A past run is fetched."""
        live = self.model.run
        if self._run is None or (live is not None and live.run == self._run):
            self._refresh_parts()
            return
        session, run = self.host.session, self._run
        self.ask(lambda: session.events(run), self._take_events)

    def _take_events(self, events: tuple[Event, ...]) -> None:
        """Replay a past run."""
        self._past = RunPicture(self._run or "")
        self._past.take_all(events)
        if self._past.live:
            self._past.end_unseen(None, self.host.clock())
        self._refresh_parts()

    def ticked(self) -> None:
        """Events arrived or time went on."""
        super().ticked()
        picture = self.picture
        if picture is not None and (picture.live or picture.version != self._shown):
            self._refresh_parts()

    def _refresh_parts(self) -> None:
        picture = self.picture
        if picture is None:
            return
        self._shown = picture.version
        rows = self.query_one(RunRows)
        now = self.host.clock()
        rows.show(picture, self.model.statuses, now)
        rows.border_title = self.host.title_text(f"Run {picture.run}", " ".join(picture.select))
        self.query_one("#run-sum", Written).rewrite()
        self._show_error(picture)
        self._show_log(picture)
        if self._timeline:
            self.query_one("#run-timeline", Written).rewrite()
        self.keys_changed()

    def _show_error(self, picture: RunPicture) -> None:
        panel = self.query_one("#run-error", ReadOnly)
        part = self._failed_part(picture)
        panel.display = part is not None
        if part is None:
            return
        lines = wrapped(part.error or "it failed without a word", "failed", 1, max(40, self.size.width - 8))
        blocked = [p.asset for p in picture.parts.values() if p.outcome is Outcome.BLOCKED]
        panel.border_title = self.host.title_text(f"{part.asset} failed", f"{len(picture.failed)} in all")
        panel.border_subtitle = self.host.title_text("", f"blocks {len(blocked)}" if blocked else "")
        panel.styles.height = min(len(lines), 7) + 2
        panel.show(lines)

    def _failed_part(self, picture: RunPicture) -> Part | None:
        here = self.query_one(RunRows).here
        under = picture.parts.get(here) if here is not None else None
        if under is not None and under.outcome in (Outcome.FAILED, Outcome.BROKEN):
            return under
        return picture.failed[0] if picture.failed else None

    def show_output(self) -> None:
        """Show the lines that are wanted now."""
        if self.picture is not None:
            self._show_log(self.picture)

    def _show_log(self, picture: RunPicture) -> None:
        log = self.query_one(LogLines)
        here = None if self._all else self.query_one(RunRows).here
        log.with_asset = here is None
        log.show(self._chosen.of(picture.log, here, self.level))
        state = "following" if log.following and picture.live else plural(log.count, "line")
        log.border_subtitle = self.host.title_text("", self.level_text)
        log.border_title = self.host.title_text(f"Output of {here or 'all'}", state)

    # -- lines ---------------------------------------------------------------------------------------

    def _write_sum(self, width: int, height: int, styles: Styles) -> list[Line]:
        picture = self.picture
        if picture is None:
            return [styles.line().gap().add("reading the run …", styles.muted)]
        now = self.host.clock()
        mark = RUN[picture.status]
        line = (
            styles.line().gap().add(f"{mark.sign(styles.ascii)} RUN {picture.run}", styles.mark(mark)).gap(2)
        )
        line.add(f"{picture.done}/{len(picture.parts)}", styles.bold).gap(2)
        for outcome, number in picture.counts.items():
            if number:
                sign = OUTCOME[outcome]
                line.add(f"{sign.sign(styles.ascii)} {number}", styles.mark(sign)).gap(2)
        right = styles.line().add(figures.clock_span(picture.elapsed(now)), styles.text)
        left = picture.left(now, self.model.statuses) if picture.live else None
        if left is not None:
            right.add(f"  {styles.glyph('≈', '~')} {figures.clock_span(left)} left", styles.muted)
        elif not picture.live:
            right.add(f"  {mark.word}", styles.mark(mark))
        first = line.right(right.gap(), width)
        share = picture.share_done(now)
        facts = styles.line().add(f" {share:4.0%}", styles.muted).gap(2)
        facts.add(f"rows {figures.count(picture.rows)}  wrote {figures.size(picture.bytes)}", styles.muted)
        if picture.memory:
            facts.add(f"  takes {figures.size(picture.memory)}", styles.muted)
        if picture.saved:
            facts.add(
                f"  reuse saved {styles.glyph('≈', '~')}{figures.duration(picture.saved)}", styles.fresh
            )
        filled, rest = bar(share, max(10, min(width * 3 // 5, width - facts.width - 2)), styles.ascii)
        second = styles.line().gap().add(filled, styles.accent).add(rest, styles.faint).append(facts)
        return [first, second]

    def _write_timeline(self, width: int, height: int, styles: Styles) -> list[Line]:
        picture = self.picture
        return [] if picture is None else timeline(picture, self.host.clock(), width, height, styles)

    # -- actions -------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """Why *action* can't be done now."""
        picture = self.picture
        if action == "stream":
            return None if picture is not None and picture.run else "the run has not begun yet"
        if action == "fix":
            failed = picture is not None and self._failed_part(picture) is not None
            return None if failed else "nothing has failed"
        if action in ("cancel", "cancel_asset"):
            if picture is None or not picture.live:
                return "the run is over"
            if action == "cancel":
                return None
            if not picture.mine:
                return "another process builds: only the whole run can be stopped from here"
            part = picture.parts.get(self.subject or "")
            if part is None:
                return "there is no asset under the cursor"
            return f"{part.asset} is over" if part.phase is Phase.DONE else None
        if action == "edit" and picture is not None and picture.failed:
            return None
        return super().why_not(action)

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Show the output of the asset under the cursor."""
        picture = self.picture
        if isinstance(message.rows, RunRows) and picture is not None:
            self.query_one(LogLines).following = True
            self._show_log(picture)
            self._show_error(picture)
            self.keys_changed()

    def action_cancel(self) -> None:
        """Stop the build; one of another process is asked about first."""
        picture = self.picture
        if self.refuse("cancel") or picture is None:
            return
        if picture.mine:
            self.host.stop_build()
        else:
            self.host.open(routes.StopRun(picture.run))

    def action_cancel_asset(self) -> None:
        """Stop this asset, or leave it out."""
        if not self.refuse("cancel_asset") and self.subject is not None:
            self.host.drop_from_build(self.subject)

    def action_all_output(self) -> None:
        """The output of all, or of one."""
        self._all = not self._all
        if self.picture is not None:
            self._show_log(self.picture)

    def action_timeline(self) -> None:
        """Show or hide the slots over time."""
        self._timeline = not self._timeline
        panel = self.query_one("#run-timeline", Written)
        picture = self.picture
        panel.styles.height = min(8, picture.jobs if picture else 2) if self._timeline else 0
        panel.rewrite()

    def action_stream(self) -> None:
        """Print the run in the ordinary terminal, until a key leads back."""
        picture = self.picture
        if self.refuse("stream") or picture is None:
            return
        from upriver.tui.app.terminal_stream import stream_run

        stream_run(self.host, picture.run, live=picture.live)
        self.host.redraw()

    def action_fix(self) -> None:
        """Fix what is under the cursor if that failed, else what failed first."""
        picture = self.picture
        if picture is not None and not self.refuse("fix"):
            part = self._failed_part(picture)
            assert part is not None
            self.ask_for_fix(part.asset)

    def action_retry(self) -> None:
        """Build again what failed or was blocked in this run, mended meanwhile or not."""
        picture = self.picture
        again = [] if picture is None else [p.asset for p in picture.parts.values() if p.outcome in _NOT_MADE]
        here = self.model.statuses
        again = [key for key in again if key in here and here[key].state is not State.FRESH]
        if not again or len(again) > _MOST_NAMED:
            super().action_retry()
        elif not self.refuse("retry") and self.host.build(tuple(again)):
            self.host.say(f"building {plural(len(again), 'asset')} again that this run has not made")

    def action_edit(self) -> None:
        """Open the failing line."""
        picture = self.picture
        part = None if picture is None else self._failed_part(picture)
        status = None if part is None else self.model.statuses.get(part.asset)
        here = self.subject_status
        if part is None or status is None or (here is not None and here.asset != part.asset and here.error):
            super().action_edit()
            return
        place = failing_place(msgspec.structs.replace(status, error=part.error)) or status.place
        if place is not None:
            self.host.edit(place)

    def output_name(self) -> str:
        """A name for a file of the output."""
        picture = self.picture
        here = None if self._all else self.subject
        return f"{picture.run if picture else 'run'}-{here or 'all'}.log"

    def copy(self) -> Copy | None:
        """The run."""
        picture = self.picture
        if picture is None:
            return None
        rows = [
            (p.asset, p.outcome.value if p.outcome else p.phase.value, round(p.seconds, 2), p.rows, p.error)
            for p in picture.parts.values()
        ]
        parts = [{"asset": r[0], "outcome": r[1], "seconds": r[2], "rows": r[3], "error": r[4]} for r in rows]
        return Copy(
            table(("asset", "outcome", "seconds", "rows", "error"), rows),
            as_json({"run_id": picture.run, "status": picture.status, "assets": parts}),
            command(*routes.RunLog(picture.run).words),
        )
