"""Text styles by meaning, and a line that grows cell by cell.

Everything that comes from a project (keys, paths, error texts, table cells) passes through :meth:`Line.add`,
which never reads markup and shows control characters as visible signs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from upriver.materializer.model import State
from upriver.tui.present.glyphs import Mark


@dataclass(frozen=True)
class Styles:
    """Rich styles by meaning, under one theme. Backgrounds come from the widget, except for the cursor's."""

    ascii: bool
    text: Style
    bold: Style
    muted: Style
    faint: Style
    primary: Style
    accent: Style
    key: Style
    cursor: Style
    cursor_blurred: Style
    fresh: Style
    stale: Style
    pending: Style
    missing: Style
    failed: Style
    blocked: Style
    broken: Style
    running: Style
    match: Style
    _by_colour: dict[str, Style] = field(default_factory=dict)

    @classmethod
    def of(cls, colour: Callable[[str], str], *, ascii: bool) -> Styles:
        """Build it from *colour*, which gives the ``#rrggbb`` of a CSS variable."""

        def style(name: str, *, bold: bool = False) -> Style:
            return Style(color=colour(name), bold=bold or None)

        states = {state.value: style(f"state-{state.value}") for state in State}
        return cls(
            ascii=ascii,
            text=style("foreground"),
            bold=style("foreground", bold=True),
            muted=style("muted"),
            faint=style("faint"),
            primary=style("primary"),
            accent=style("accent"),
            key=style("accent", bold=True),
            cursor=Style(bgcolor=colour("cursor")),
            cursor_blurred=Style(bgcolor=colour("cursor-blurred")),
            match=Style(color=colour("background"), bgcolor=colour("state-stale")),
            **states,
            _by_colour={
                "green": states["fresh"],
                "yellow": states["stale"],
                "magenta": states["missing"],
                "red": states["failed"],
                "cyan": states["running"],
                "bright_black": style("muted"),
            },
        )

    def state(self, state: State) -> Style:
        """The style of a freshness state."""
        style = getattr(self, state.value)
        assert isinstance(style, Style)
        return style

    def mark(self, mark: Mark) -> Style:
        """The style of any mark, by its colour name."""
        return self._by_colour[mark.colour]

    def line(self) -> Line:
        """An empty line to write on."""
        return Line(self.ascii)

    def glyph(self, glyph: str, letter: str) -> str:
        """*glyph*, or its ASCII form."""
        return letter if self.ascii else glyph


def cells(text: str) -> int:
    """Width of *text* on the screen."""
    return len(text) if text.isascii() else cell_len(text)


def clean(text: str) -> str:
    """*text* on one line, with every control or invisible formatting character made visible."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the "control pictures" block
    return "␡" if code == 0x7F else "�"


def fit(text: str, width: int) -> str:
    """*text* cut to *width* cells, with an ellipsis where something is missing at the end."""
    if width <= 0:
        return ""
    if cells(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…"


def fit_key(key: str, width: int) -> str:
    """A key cut in its middle: the room and the end of the name say most."""
    if cells(key) <= width:
        return key
    if width < 8:
        return fit(key, width)
    tail = (width - 1) * 3 // 5
    return key[: width - 1 - tail] + "…" + key[len(key) - tail :]


_TO_ASCII = str.maketrans("…⋯–—·−∅≈×±→←↑↓▸◂│─╰├└“”‘’", "~~--.--~x~><^v><|-`|`\"\"''")
"""What Upriver itself says in signs. ∅ is a null: it must not look like the number 0. Other data stay as they are."""


def without_signs(text: str) -> str:
    """*text* with ASCII in the place of each sign."""
    return text if text.isascii() else text.translate(_TO_ASCII)


class Line:
    """One screen line under construction."""

    __slots__ = ("_ascii", "_segments", "width")

    def __init__(self, ascii: bool = False) -> None:
        self._segments: list[Segment] = []
        self._ascii = ascii
        self.width = 0

    def add(self, text: str, style: Style | None = None, width: int | None = None, align: str = "<") -> Line:
        """Write *text*; with *width* in exactly so many cells, cut or filled."""
        if not text.isprintable():
            text = clean(text)
        length = cells(text)
        if width is not None and length != width:
            if length > width:
                text = fit(text, width)
                length = cells(text)
            blanks = width - length
            if align == ">":
                text = " " * blanks + text
            elif align == "^":
                text = " " * (blanks // 2) + text + " " * (blanks - blanks // 2)
            else:
                text += " " * blanks
            length = max(0, width)
        if self._ascii and not text.isascii():
            text = text.translate(_TO_ASCII)
        if text:
            self._segments.append(Segment(text, style))
            self.width += length
        return self

    def gap(self, cells: int = 1) -> Line:
        """Leave *cells* blank."""
        if cells > 0:
            self._segments.append(Segment(" " * cells))
            self.width += cells
        return self

    def to(self, column: int) -> Line:
        """Go on at *column*; nothing happens when the line is there already."""
        return self.gap(column - self.width)

    def right(self, line: Line, width: int) -> Line:
        """Append *line* so that it ends at *width*, if there is room for it."""
        if self.width + line.width < width:
            self.gap(width - self.width - line.width).append(line)
        return self

    def append(self, line: Line) -> Line:
        """Go on with another line."""
        self._segments += line._segments
        self.width += line.width
        return self

    def strip(self, width: int, style: Style | None = None) -> Strip:
        """The line as exactly *width* cells, *style* under all of it; an ellipsis where it does not fit."""
        strip = Strip(self._segments, self.width)
        if self.width > width > 0:
            end = self._segments[-1].style
            strip = Strip([*strip.crop(0, width - 1), Segment("~" if self._ascii else "…", end)], width)
        strip = strip.adjust_cell_length(width)
        return strip if style is None else strip.apply_style(style)

    @property
    def text(self) -> str:
        """The characters alone."""
        return "".join(segment.text for segment in self._segments)

    @property
    def segments(self) -> list[Segment]:
        """What has been written."""
        return self._segments
