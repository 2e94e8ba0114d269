"""Run list widget: the assets of a run by phase: running, waiting, done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus
from upriver.materializer.model import Outcome, State
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, STATE, WAITING
from upriver.tui.present.styles import Line, Styles, fit, fit_key
from upriver.tui.present.views.live import Part, Phase, RunPicture
from upriver.tui.present.words import first_line, reason_text

Entry: TypeAlias = Part | str

BAR = 13
ON_PATH = "◂"
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, width: int, ascii: bool) -> tuple[str, str]:
    """A filled and an empty part, together *width* cells."""
    share = min(1.0, max(0.0, share))
    full = int(share * width)
    if ascii:
        return "#" * full, "." * (width - full)
    part = _EIGHTHS[int((share * width - full) * 8)] if full < width else ""
    filled = "█" * full + part.strip()
    return filled, "░" * (width - len(filled))


class RunRows(RowList):
    """Shows the parts of a :class:`RunPicture`, errors first, then by phase."""

    def __init__(self) -> None:
        super().__init__(id="parts", classes="panel")
        self.picture = RunPicture("")
        self.statuses: Mapping[Key, AssetStatus] = {}
        self.now = 0.0
        self._entries: Sequence[Entry] = ()
        self.moved_by_hand = False

    @property
    def count(self) -> int:
        """Number of rows, section headings included."""
        return len(self._entries)

    @property
    def here(self) -> Key | None:
        """The asset under the cursor."""
        if not 0 <= self.cursor < len(self._entries):
            return None
        entry = self._entries[self.cursor]
        return None if isinstance(entry, str) else entry.asset

    def selectable(self, index: int) -> bool:
        """Headings are not."""
        return not isinstance(self._entries[index], str)

    def show(self, picture: RunPicture, statuses: Mapping[Key, AssetStatus], now: float) -> None:
        """Show *picture* as it is at *now*; the cursor stays on its asset."""
        here, offset = self.here, self.cursor - self.scroll_offset.y
        self.picture, self.statuses, self.now = picture, statuses, now
        self._entries = self._sections()
        place = None
        if here is not None:
            found = (i for i, e in enumerate(self._entries) if not isinstance(e, str) and e.asset == here)
            place = next(found, None)
        if not self.moved_by_hand and picture.live:
            # Until a key moves it, the cursor is on what runs (or on what failed, which comes first).
            place = 1 if len(self._entries) > 1 else None
        if place is not None:
            self.cursor = place
        self.rows_changed()
        if self.here != here:
            self.post_message(self.Moved(self, self.cursor))
        if place is not None and self.scroll_offset.y:
            self.scroll_to(y=max(0, place - offset), animate=False)

    def move_to(self, index: int, *, offset: int | None = None, quiet: bool = False) -> None:
        """A key has moved the cursor."""
        self.moved_by_hand = True
        super().move_to(index, offset=offset, quiet=quiet)

    def _sections(self) -> list[Entry]:
        run = self.picture
        entries: list[Entry] = []
        if run.failed:
            entries += ["Failed", *run.failed]
        if run.running:
            entries += ["Running", *run.running.values()]
        if waiting := run.waiting():
            path = run.critical(self.now, self.statuses)
            sign = f"   {ON_PATH} critical path" if any(part.asset in path for part in waiting) else ""
            entries += [f"Waiting {len(waiting)}{sign}", *waiting]
        done = [
            p
            for p in reversed(run.finished_order)
            if p.outcome not in (Outcome.FAILED, Outcome.BROKEN, Outcome.FRESH)
        ]
        if done:
            entries += [f"Done {len(done)}", *done]
        fresh = [part for part in run.finished_order if part.outcome is Outcome.FRESH]
        if fresh:
            entries += [f"Fresh {len(fresh)}: nothing that they read had changed", *fresh]
        return entries

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One asset of the run, or the heading of a section."""
        entry = self._entries[index]
        if isinstance(entry, str):
            rule = styles.glyph("─", "-")
            line = styles.line().add(f"{rule} ", styles.faint).add(entry, styles.bold).gap()
            return line.add(rule * (width - line.width), styles.faint)
        name = max(14, min(34, width * 2 // 5))
        line = styles.line().gap()
        match entry.phase:
            case Phase.RUNNING:
                return self._write_running(line, entry, name, width, styles)
            case Phase.WAITING:
                return self._write_waiting(line, entry, name, width, styles)
            case Phase.DONE:
                return self._write_done(line, entry, name, width, styles)

    def _write_running(self, line: Line, part: Part, name: int, width: int, styles: Styles) -> Line:
        line.add(STATE[State.RUNNING].sign(styles.ascii), styles.running).gap()
        line.add(fit_key(part.asset, name - 1), styles.text, name)
        if part.retry_at is not None and part.retry_at > self.now:
            wait = figures.duration(part.retry_at - self.now)
            return line.add(f"attempt {part.attempt} failed, again in {wait}", styles.stale)
        spent = max(0.0, self.now - (part.started or self.now))
        share = part.fraction
        if share is None and part.expected:
            share = min(0.98, spent / part.expected)
        if share is not None and width >= 56:
            filled, rest = bar(share, BAR, styles.ascii)
            line.add(filled, styles.running).add(rest, styles.faint).gap()
        usual = f" / {figures.duration(part.expected)}" if part.expected else ""
        line.add(figures.duration(spent), styles.text, 6, ">").add(usual, styles.muted, 9)
        if part.memory:
            line.add(figures.size(part.memory), styles.muted, 8, ">")
        if part.attempt > 1:
            line.add(f"  attempt {part.attempt}", styles.stale)
        return line

    def _write_waiting(self, line: Line, part: Part, name: int, width: int, styles: Styles) -> Line:
        line.add(WAITING.sign(styles.ascii), styles.muted).gap().add(
            fit_key(part.asset, name - 1), styles.muted, name
        )
        above = self.picture.waits_for(part.asset, self.statuses)
        usual = f"{styles.glyph('≈', '~')}{figures.duration(part.expected)} " if part.expected else ""
        on_path = part.asset in self.picture.critical(self.now, self.statuses)
        critical = f"{styles.glyph(ON_PATH, '<')} " if on_path else ""
        right = styles.line().add(critical, styles.accent).add(usual, styles.muted)
        if above:
            first = above[0]
            line.add("on ", styles.faint)
            line.add(fit(first.asset, max(8, width - line.width - right.width - 5)), styles.muted)
            if len(above) > 1:
                line.add(f" +{len(above) - 1}", styles.faint)
        else:
            line.add("for a free slot", styles.faint)
        return line.right(right, width)

    def _write_done(self, line: Line, part: Part, name: int, width: int, styles: Styles) -> Line:
        assert part.outcome is not None
        mark = OUTCOME[part.outcome]
        line.add(mark.sign(styles.ascii), styles.mark(mark)).gap()
        line.add(
            fit_key(part.asset, name - 1),
            styles.text if part.outcome is Outcome.BUILT else styles.muted,
            name,
        )
        match part.outcome:
            case Outcome.BUILT:
                usual = f" / {figures.duration(part.expected)}" if part.expected else ""
                line.add(figures.duration(part.seconds), styles.text, 6, ">").add(usual, styles.muted, 9)
                line.add(figures.count(part.rows), styles.muted, 6, ">").gap()
                if part.changed and part.rows_before is not None and part.rows is not None:
                    line.add(figures.change(part.rows_before, part.rows), styles.muted, 8).gap()
                line.add("" if part.changed else " same content", styles.faint)
                if part.checks and line.width + 13 <= width:
                    style = styles.muted if part.passed == part.checks else styles.stale
                    line.gap().add(f"checks {part.passed}/{part.checks}", style)
            case Outcome.FAILED | Outcome.BROKEN:
                text = first_line(part.error or "")
                line.add(fit(text, max(0, width - line.width)), styles.failed)
            case Outcome.BLOCKED:
                bad = self.picture.waits_for(part.asset, self.statuses)
                line.add(f"by {bad[0].asset}" if bad else _because(part), styles.muted)
            case Outcome.REUSED:
                line.add(f"reused: {_because(part) or 'same code, same inputs'}", styles.muted)
            case Outcome.FRESH | Outcome.CANCELLED:
                line.add(mark.word, styles.faint)
        return line

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """Before the first event."""
        return styles.line().gap().add("getting ready …", styles.muted) if y == 0 else styles.line()


def _because(part: Part) -> str:
    return reason_text(part.reasons[0], part.asset) if part.reasons else ""
