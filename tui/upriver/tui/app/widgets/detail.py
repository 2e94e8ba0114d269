"""Detail widget: the asset under the cursor, the most important facts first."""

from __future__ import annotations

from dataclasses import dataclass

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus, LineageView, Table
from upriver.materializer.model import State
from upriver.tui.app.host import Host, host_of
from upriver.tui.app.widgets.text_line import Lines
from upriver.tui.present import figures
from upriver.tui.present.glyphs import STATE, how_sign
from upriver.tui.present.styles import Line, Styles, cells, fit
from upriver.tui.present.text.slices import slices_text
from upriver.tui.present.views.order import reach
from upriver.tui.present.words import reason_text

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
    def host(self) -> Host:
        """The app."""
        return host_of(self)

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

    def write(self, width: int, height: int, styles: Styles) -> list[Line]:
        """Sections by importance, as many as fit."""
        key = self.host.here
        status = None if key is None else self.host.model.statuses.get(key)
        if key is None or status is None:
            return []
        extra = self._extra.get(key, Extra(key))
        lines = self._state(status, extra, width, styles)
        facts = self._facts(status, width, styles)
        # The facts stand at the bottom, so that nothing moves when what is fetched arrives.
        room = height - len(facts)
        for section in (self._columns, self._preview):
            written = section(status, extra, width, styles)
            if written and len(lines) + 6 <= room:
                lines += [styles.line(), *written]
        if room < 3:
            return lines[:height]
        lines = lines[: room - 1]
        return [*lines, *(styles.line() for _ in range(room - len(lines))), *facts]

    def _state(self, status: AssetStatus, extra: Extra, width: int, styles: Styles) -> list[Line]:
        mark = STATE[status.state]
        style = styles.state(status.state)
        head = styles.line().add(f"{mark.sign(styles.ascii)} {mark.word.upper()}", style)
        if len(status.reasons) > 1:
            head.add(f"  {len(status.reasons)} causes", styles.muted)
        if status.state is not State.FRESH:
            head.right(styles.line().add("w", styles.key).add(" why", styles.muted), width)
        lines = [head]
        for reason in status.reasons[:3]:
            lines += _wrapped(reason_text(reason, status.asset), width - 2, styles, "  ")[:2]
        if counted := slices_text(status.slices):
            lines += _wrapped(counted, width - 2, styles, "  ")[:2]
        lines += self._error(status, lines, width, styles)
        if status.description:
            lines += _wrapped(status.description, width, styles, "", role="muted", most=_about(width))
        return [*lines, *self._work(status, width, styles)]

    @staticmethod
    def _error(status: AssetStatus, told: list[Line], width: int, styles: Styles) -> list[Line]:
        """The error's first lines, with the code and its caret as they stand; not what a reason above says already."""
        error = str(status.diagnoses[0]) if status.diagnoses else status.error
        if error is None:
            return []
        first, *others = error.rstrip().split("\n")
        lines: list[Line] = []
        if not any(first[:20] in line.text for line in told):
            lines += _wrapped(first, width - 2, styles, "  ", role="failed")[:3]
        # Under a narrow list there is room for little else.
        for text in others[: ERROR_LINES if width >= 30 else 0]:
            lines.append(styles.line().gap(2).add(fit(text.expandtabs(4), width - 2), styles.muted))
        if len(others) > ERROR_LINES:
            lines[-1] = (
                styles.line().gap(2).add(f"{len(others) - ERROR_LINES + 1} more lines: w", styles.faint)
            )
        return lines

    def _work(self, status: AssetStatus, width: int, styles: Styles) -> list[Line]:
        """What building it would take, from what is known already (the plan is asked for with ``m``)."""
        model = self.host.model
        stale = {State.STALE, State.PENDING, State.MISSING, State.FAILED, State.BLOCKED}
        above = {*reach(model.statuses, status.asset, down=False), status.asset}
        work = [model.statuses[key] for key in above if key in model.statuses]
        work = [one for one in work if one.state in stale and one.engine != "source"]
        if not work:
            return []
        seconds = sum(one.seconds or 0.0 for one in work)
        text = f"build: {len(work)} to look at"
        text += f", {styles.glyph('≈', '~')}{figures.duration(seconds)}" if seconds else ""
        key = styles.line().add("m", styles.key).add(" build", styles.muted)
        return [styles.line().add(text, styles.muted).right(key, width)]

    def _columns(self, status: AssetStatus, extra: Extra, width: int, styles: Styles) -> list[Line]:
        table = extra.preview
        if table is None or not table.columns:
            return []
        comes_from: dict[str, list[tuple[str, str]]] = {}
        for edge in extra.lineage.edges if extra.lineage is not None else ():
            if edge.target.asset == status.asset and edge.target.column is not None:
                signs = comes_from.setdefault(edge.target.column, [])
                if edge.kind.value == "value":
                    signs.append((how_sign(edge.how, styles.ascii), edge.source.asset))
        lines = [styles.line().add(f"Columns {len(table.columns)}", styles.bold)]
        lines[0].right(styles.line().add("c", styles.key).add(" explore", styles.muted), width)
        name_width = max(8, min(18, max(cells(name) for name in table.columns), width - 22))
        type_width = max(4, min(13, max(cells(kind) for kind in table.types)))
        for name, kind in zip(table.columns, table.types, strict=False):
            sources = comes_from.get(name, [])
            sign = sources[0][0] if sources else " "
            line = styles.line().gap().add(sign, styles.accent).gap().add(name, styles.text, name_width).gap()
            line.add(kind, styles.muted, type_width).gap()
            origin = sources[0][1] if sources else ""
            line.add(fit(origin, width - line.width), styles.faint)
            lines.append(line)
        return lines + self._rows_come_from(status, extra, width, styles)

    def _rows_come_from(self, status: AssetStatus, extra: Extra, width: int, styles: Styles) -> list[Line]:
        """What decides which rows there are."""
        edges = extra.lineage.edges if extra.lineage is not None else ()
        deciding = [e for e in edges if e.target.asset == status.asset and e.target.column is None]
        if not deciding:
            return []
        names = dict.fromkeys(
            e.source.asset if e.source.column is None else f"{e.source.asset}.{e.source.column}"
            for e in sorted(deciding, key=lambda e: e.source.column is None)
        )
        line = (
            styles.line()
            .gap()
            .add(how_sign("rows", styles.ascii), styles.accent)
            .gap()
            .add("(rows)", styles.muted)
            .gap()
        )
        return [line.add(fit(", ".join(names), width - line.width), styles.faint)]

    def _preview(self, status: AssetStatus, extra: Extra, width: int, styles: Styles) -> list[Line]:
        table = extra.preview
        if table is None or not table.rows:
            return []
        head = (
            styles.line().add("Preview", styles.bold).add(f" {figures.count(table.total)} rows", styles.muted)
        )
        head.right(styles.line().add("p", styles.key).add(" rows", styles.muted), width)
        shown = table.rows[:PREVIEW_ROWS]
        names, line = styles.line(), [styles.line() for _ in shown]
        for column, name in enumerate(table.columns):
            texts = [_cell(row[column]) for row in shown]
            wide = min(16, max(cells(name), *(cells(text) for text in texts)))
            if names.width + wide + 1 > width:
                break
            right = isinstance(shown[0][column], int | float)
            names.gap().add(name, styles.muted, wide, ">" if right else "<")
            for at, text in enumerate(texts):
                line[at].gap().add(text, styles.text, wide, ">" if right else "<")
        return [head, names, *line]

    def _facts(self, status: AssetStatus, width: int, styles: Styles) -> list[Line]:
        """Names and values in fixed places: from asset to asset only the values differ."""
        now = self.host.clock()
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
            line = styles.line().add(left[0], styles.faint, 8).add(left[1], styles.text, half - 8)
            lines.append(line.add(right[0], styles.faint, 8).add(right[1], styles.text, width - half - 8))
        if status.place is not None:
            lines.append(styles.line().add(fit(str(status.place), width), styles.faint))
        return lines


def _about(width: int) -> int:
    """How many lines of a description are shown: a wide pane has room for all of most."""
    return 2 if width < 50 else 4


def _wrapped(
    text: str, width: int, styles: Styles, indent: str, role: str = "text", most: int | None = None
) -> list[Line]:
    """*text* in lines of at most *width* cells, broken between words where there are any.

    Of more than *most* lines the last one ends with an ellipsis.
    """
    lines: list[Line] = []
    words = text.split()
    while words:
        taken = words.pop(0)
        while words and cells(taken) + 1 + cells(words[0]) <= width:
            taken += " " + words.pop(0)
        if words and most is not None and len(lines) + 1 == most:
            taken = fit(taken, width - 1) + "…" if cells(taken) >= width else taken + "…"
            words = []
        lines.append(styles.line().add(indent).add(fit(taken, width), getattr(styles, role)))
    return lines


def _cell(value: object) -> str:
    return "∅" if value is None else str(value)
