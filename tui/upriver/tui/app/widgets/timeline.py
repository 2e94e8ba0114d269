"""Timeline of a run: its slots over time, and what each was busy with."""

from __future__ import annotations

from upriver.materializer.model import Outcome
from upriver.tui.present.styles import Line, Styles, fit
from upriver.tui.present.views.live import Part, Phase, RunPicture


def timeline(picture: RunPicture, now: float, width: int, height: int, styles: Styles) -> list[Line]:
    """A line a slot: bars from start to end of each asset, its name in the bar where there is room."""
    if picture.started is None or height <= 0:
        return []
    room = width - 6
    span = max(0.001, picture.elapsed(now))
    lanes: dict[int, list[Part]] = {}
    for part in picture.parts.values():
        if part.started is not None and part.worker:
            lanes.setdefault(part.worker, []).append(part)
    lines = []
    for worker in sorted(lanes)[:height]:
        line = styles.line().gap().add(f"w{worker}", styles.muted, 4)
        at = 0
        for part in sorted(lanes[worker], key=lambda part: part.started or 0.0):
            assert part.started is not None
            end = now if part.phase is Phase.RUNNING else part.started + part.seconds
            first = max(at, int((part.started - picture.started) / span * room))
            last = min(room, max(first + 1, int((end - picture.started) / span * room)))
            if last <= first:
                continue
            line.gap(first - at)
            cells = last - first
            text = fit(part.asset.rpartition(".")[2], cells - 1) if cells > 3 else ""
            bad = part.outcome in (Outcome.FAILED, Outcome.BROKEN, Outcome.CANCELLED)
            style = styles.failed if bad else styles.running if part.phase is Phase.RUNNING else styles.fresh
            block = styles.glyph("▌", "[")
            rest = cells - 1 - len(text)
            line.add(block, style).add(text, styles.text).add(styles.glyph("─", "-") * rest, style)
            at = last
        lines.append(line)
    return lines
