"""The pane beside the list: one asset in the order in which one asks about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus, LineageView, Table
from upriver.materializer.model import State
from upriver.tui.app.widgets.line import Lines
from upriver.tui.present import figures
from upriver.tui.present.glyphs import STATE, how_sign
from upriver.tui.present.styles import Ink, Line, cells, fit
from upriver.tui.present.views.order import reach
from upriver.tui.present.words import reason_text

if TYPE_CHECKING:
    from upriver.tui.app.app import UpriverApp

PREVIEW_ROWS = 4
ERROR_LINES = 6
"""Lines of an error after its first; the screens of w and l show all."""


@dataclass(frozen=True)
class Extra:
    """What is fetched for the asset under the cursor once it rests there."""

    key: Key
    lineage: LineageView | None = None
    preview: Table | None = None


class Detail(Lines):
    """Follows the cursor of the list; what takes time to learn is filled in when it is known."""

    SELECTABLE = True

    DEFAULT_CSS = """
    Detail { height: 1fr; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__(id="detail")
        self._extra: dict[Key, Extra] = {}

    @property
    def upriver(self) -> UpriverApp:
        """The app."""
        return cast("UpriverApp", self.app)

    def learn(self, extra: Extra) -> None:
        """Take in what was fetched."""
        if len(self._extra) > 64:
            self._extra.pop(next(iter(self._extra)))
        self._extra[extra.key] = extra

    def forget(self, keys: set[Key]) -> None:
        """These assets changed: what was fetched about them is old."""
        for key in keys:
            self._extra.pop(key, None)

    def knows(self, key: Key) -> bool:
        """Whether there is nothing to fetch."""
        return key in self._extra

    def write(self, width: int, height: int, ink: Ink) -> list[Line]:
        """Sections by importance, as many as fit."""
        key = self.upriver.main.here
        status = None if key is None else self.upriver.board.statuses.get(key)
        if key is None or status is None:
            return []
        extra = self._extra.get(key, Extra(key))
        lines = self._state(status, extra, width, ink)
        facts = self._facts(status, width, ink)
        # The facts stand at the bottom, so that nothing moves when what is fetched arrives.
        room = height - len(facts)
        for section in (self._columns, self._preview):
            written = section(status, extra, width, ink)
            if written and len(lines) + 6 <= room:
                lines += [ink.line(), *written]
        if room < 3:
            return lines[:height]
        lines = lines[: room - 1]
        return [*lines, *(ink.line() for _ in range(room - len(lines))), *facts]

    def _state(self, status: AssetStatus, extra: Extra, width: int, ink: Ink) -> list[Line]:
        mark = STATE[status.state]
        style = ink.state(status.state)
        head = ink.line().add(f"{mark.sign(ink.ascii)} {mark.word.upper()}", style)
        if len(status.reasons) > 1:
            head.add(f"  {len(status.reasons)} causes", ink.muted)
        if status.state is not State.FRESH:
            head.right(ink.line().add("w", ink.key).add(" why", ink.muted), width)
        lines = [head]
        for reason in status.reasons[:3]:
            lines += _wrapped(reason_text(reason, status.asset), width - 2, ink, "  ")[:2]
        lines += self._error(status, lines, width, ink)
        if status.description:
            lines += _wrapped(status.description, width, ink, "", ink_style="muted")[:2]
        return [*lines, *self._work(status, width, ink)]

    @staticmethod
    def _error(status: AssetStatus, told: list[Line], width: int, ink: Ink) -> list[Line]:
        """The error's first lines, with the code and its caret as they stand; not what a reason has told already."""
        if status.error is None:
            return []
        first, *others = status.error.rstrip().split("\n")
        lines: list[Line] = []
        if not any(first[:20] in line.text for line in told):
            lines += _wrapped(first, width - 2, ink, "  ", ink_style="failed")[:3]
        # Under a narrow list there is room for little else.
        for text in others[: ERROR_LINES if width >= 30 else 0]:
            lines.append(ink.line().gap(2).add(fit(text.expandtabs(4), width - 2), ink.muted))
        if len(others) > ERROR_LINES:
            lines[-1] = ink.line().gap(2).add(f"{len(others) - ERROR_LINES + 1} more lines: w", ink.faint)
        return lines

    def _work(self, status: AssetStatus, width: int, ink: Ink) -> list[Line]:
        """What building it would take, from what is known already (the plan is asked for with ``m``)."""
        board = self.upriver.board
        stale = {State.STALE, State.PENDING, State.MISSING, State.FAILED, State.BLOCKED}
        above = {*reach(board.statuses, status.asset, down=False), status.asset}
        work = [board.statuses[key] for key in above if key in board.statuses]
        work = [one for one in work if one.state in stale and one.engine != "source"]
        if not work:
            return []
        seconds = sum(one.seconds or 0.0 for one in work)
        text = f"build: {len(work)} to look at"
        text += f", {ink.glyph('≈', '~')}{figures.duration(seconds)}" if seconds else ""
        key = ink.line().add("m", ink.key).add(" build", ink.muted)
        return [ink.line().add(text, ink.muted).right(key, width)]

    def _columns(self, status: AssetStatus, extra: Extra, width: int, ink: Ink) -> list[Line]:
        table = extra.preview
        if table is None or not table.columns:
            return []
        comes_from: dict[str, list[tuple[str, str]]] = {}
        for edge in extra.lineage.edges if extra.lineage is not None else ():
            if edge.target.asset == status.asset and edge.target.column is not None:
                signs = comes_from.setdefault(edge.target.column, [])
                if edge.kind.value == "value":
                    signs.append((how_sign(edge.how, ink.ascii), edge.source.asset))
        lines = [ink.line().add(f"Columns {len(table.columns)}", ink.bold)]
        lines[0].right(ink.line().add("c", ink.key).add(" explore", ink.muted), width)
        name_width = max(8, min(18, max(cells(name) for name in table.columns), width - 22))
        type_width = max(4, min(13, max(cells(kind) for kind in table.types)))
        for name, kind in zip(table.columns, table.types, strict=False):
            sources = comes_from.get(name, [])
            sign = sources[0][0] if sources else " "
            line = ink.line().gap().add(sign, ink.accent).gap().add(name, ink.text, name_width).gap()
            line.add(kind, ink.muted, type_width).gap()
            origin = sources[0][1] if sources else ""
            line.add(fit(origin, width - line.width), ink.faint)
            lines.append(line)
        return lines

    def _preview(self, status: AssetStatus, extra: Extra, width: int, ink: Ink) -> list[Line]:
        table = extra.preview
        if table is None or not table.rows:
            return []
        head = ink.line().add("Preview", ink.bold).add(f" {figures.count(table.total)} rows", ink.muted)
        head.right(ink.line().add("p", ink.key).add(" rows", ink.muted), width)
        shown = table.rows[:PREVIEW_ROWS]
        names, line = ink.line(), [ink.line() for _ in shown]
        for column, name in enumerate(table.columns):
            texts = [_cell(row[column]) for row in shown]
            wide = min(16, max(cells(name), *(cells(text) for text in texts)))
            if names.width + wide + 1 > width:
                break
            right = isinstance(shown[0][column], int | float)
            names.gap().add(name, ink.muted, wide, ">" if right else "<")
            for at, text in enumerate(texts):
                line[at].gap().add(text, ink.text, wide, ">" if right else "<")
        return [head, names, *line]

    def _facts(self, status: AssetStatus, width: int, ink: Ink) -> list[Line]:
        """Names and values in fixed places: from asset to asset only the values differ."""
        now = self.upriver.clock()
        built = None if status.materialized_at is None else now - status.materialized_at
        source = status.engine == "source"
        facts = (
            ("changed" if source else "built", figures.ago(built)),
            ("usual", figures.duration(status.seconds)),
            ("rows", figures.count(status.rows)),
            ("size", figures.size(status.bytes)),
            ("reads", str(len(status.upstreams))),
            ("read by", str(len(status.downstreams))),
            ("owner", status.owner or figures.NOTHING),
            ("tags", ", ".join(status.tags) or figures.NOTHING),
        )
        half = width // 2
        lines = []
        for left, right in zip(facts[::2], facts[1::2], strict=True):
            line = ink.line().add(left[0], ink.faint, 8).add(left[1], ink.text, half - 8)
            lines.append(line.add(right[0], ink.faint, 8).add(right[1], ink.text, width - half - 8))
        if status.place is not None:
            lines.append(ink.line().add(fit(str(status.place), width), ink.faint))
        return lines


def _wrapped(text: str, width: int, ink: Ink, indent: str, ink_style: str = "text") -> list[Line]:
    """*text* in lines of at most *width* cells, broken between words where there are any."""
    lines: list[Line] = []
    words = text.split()
    while words:
        taken = words.pop(0)
        while words and cells(taken) + 1 + cells(words[0]) <= width:
            taken += " " + words.pop(0)
        lines.append(ink.line().add(indent).add(fit(taken, width), getattr(ink, ink_style)))
    return lines


def _cell(value: object) -> str:
    return "∅" if value is None else str(value)
