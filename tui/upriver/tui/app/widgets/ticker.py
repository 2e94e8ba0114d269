"""One line of what has just happened: the newest events of the run that goes on, or how the last one ended."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from upriver.materializer.model import Outcome, State
from upriver.tui.app.widgets.line import Lines
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, RUN, STATE
from upriver.tui.present.styles import Ink, Line, fit

if TYPE_CHECKING:
    from upriver.tui.app.app import UpriverApp


class Ticker(Lines):
    """Newest on the right."""

    DEFAULT_CSS = """
    Ticker { height: 1; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__(id="ticker")

    def write(self, width: int, height: int, ink: Ink) -> list[Line]:
        """As many events as there is room for."""
        app = cast("UpriverApp", self.app)
        run = app.board.run
        line = ink.line().gap()
        if run is None or not run.parts:
            return [line.add(self._quiet(app), ink.faint)]
        if not run.live:
            mark = RUN[run.status]
            line.add(mark.sign(ink.ascii), ink.mark(mark)).gap()
            return [line.add(run.summary(), ink.muted).add("   4 shows it", ink.faint)]
        pieces = []
        for part in run.finished_order[-8:]:
            assert part.outcome is not None
            if part.outcome is Outcome.FRESH:
                continue
            mark = OUTCOME[part.outcome]
            piece = ink.line().add(mark.sign(ink.ascii), ink.mark(mark)).gap().add(part.asset, ink.text)
            what = (
                fit((part.error or "").split("\n")[0], 40) if part.error else figures.duration(part.seconds)
            )
            pieces.append(piece.add(f" {what}", ink.muted).gap(3))
        for part in run.running.values():
            mark = STATE[State.RUNNING]
            piece = ink.line().add(mark.sign(ink.ascii), ink.running).gap().add(part.asset, ink.text)
            pieces.append(piece.add(f" {ink.glyph('·', '-')}{part.worker}", ink.muted).gap(3))
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
    def _quiet(app: UpriverApp) -> str:
        """What to say while nothing runs."""
        statuses = app.board.statuses.values()
        if statuses and not any(status.materialized_at for status in statuses if status.engine != "source"):
            return "nothing is built yet: M builds everything, after a look at the plan"
        newest = app.board.recent.newest
        if newest is None:
            return "nothing was built yet" if app.board.loaded else ""
        when = datetime.fromtimestamp(newest.started).strftime("%d %b %H:%M")
        return f"last run {newest.id}: {newest.status.value}, {when}"
