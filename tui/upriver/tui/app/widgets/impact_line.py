"""Summary line of what dropping a column would break."""

from __future__ import annotations

from upriver.materializer.answers import Impact, Impacts
from upriver.tui.present.styles import Line, Styles
from upriver.tui.present.text.impact import BREAKS


def write_drop(line: Line, found: Impacts, styles: Styles) -> Line:
    """Add *found* to a line: the places that would break, by file and line, then how many would change."""
    breaking = [one for one in found if one.effect == BREAKS]
    changing = len(found) - len(breaking)
    line.add("X drop it: ", styles.muted)
    if breaking:
        line.add(f"breaks {len(breaking)}: ", styles.failed).add(
            ", ".join(map(_short, breaking)), styles.failed
        )
    if changing:
        line.add(f"{'; ' if breaking else ''}changes {changing}", styles.stale)
    return line


def _short(one: Impact) -> str:
    return one.asset.rpartition(".")[2] + ("" if one.place is None else f":{one.place.line}")
