"""Ticker widget: the newest events of the run that goes on, or how the last one ended, on one line."""

from __future__ import annotations

from datetime import datetime

from upriver.materializer.model import Outcome, State
from upriver.tui.app.host import Host, host_of
from upriver.tui.app.widgets.text_line import Lines
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, RUN, STATE
from upriver.tui.present.styles import Line, Styles, fit


class Ticker(Lines):
    """Newest on the right."""

    DEFAULT_CSS = """
    Ticker { height: 1; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__(id="ticker")

    def write(self, width: int, height: int, styles: Styles) -> list[Line]:
        """As many events as there is room for."""
        host = host_of(self)
        run = host.model.run
        line = styles.line().gap()
        if run is None or not run.parts:
            return [line.add(self._quiet(host), styles.faint)]
        if not run.live:
            mark = RUN[run.status]
            line.add(mark.sign(styles.ascii), styles.mark(mark)).gap()
            return [line.add(run.summary(), styles.muted).add("   4 shows it", styles.faint)]
        pieces = []
        for part in run.finished_order[-8:]:
            assert part.outcome is not None
            if part.outcome is Outcome.FRESH:
                continue
            mark = OUTCOME[part.outcome]
            piece = (
                styles.line()
                .add(mark.sign(styles.ascii), styles.mark(mark))
                .gap()
                .add(part.asset, styles.text)
            )
            what = (
                fit((part.error or "").split("\n")[0], 40) if part.error else figures.duration(part.seconds)
            )
            pieces.append(piece.add(f" {what}", styles.muted).gap(3))
        for part in run.running.values():
            mark = STATE[State.RUNNING]
            piece = (
                styles.line().add(mark.sign(styles.ascii), styles.running).gap().add(part.asset, styles.text)
            )
            pieces.append(piece.add(f" {styles.glyph('·', '-')}{part.worker}", styles.muted).gap(3))
        chosen: list[Line] = []
        room = width - 1
        for piece in reversed(pieces):
            if piece.width > room:
                break
            room -= piece.width
            chosen.insert(0, piece)
        for piece in chosen:
            line.append(piece)
        return [line]

    @staticmethod
    def _quiet(host: Host) -> str:
        """What to say while nothing runs."""
        statuses = host.model.statuses.values()
        if statuses and not any(status.materialized_at for status in statuses if status.engine != "source"):
            return "nothing is built yet: M builds everything, after a look at the plan"
        newest = host.model.recent.newest
        if newest is None:
            return "nothing was built yet" if host.model.loaded else ""
        when = datetime.fromtimestamp(newest.started).strftime("%d %b %H:%M")
        return f"last run {newest.id}: {newest.status.value}, {when}"
