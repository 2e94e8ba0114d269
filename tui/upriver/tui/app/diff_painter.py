"""Painter of differences: sends only the cells that differ from what the terminal shows already.

Textual repaints whole widgets and repeats every style in full: 8 kB when a detail pane is updated. Over ssh
that is felt. The painter keeps the picture that the terminal shows, compares each update with it and writes
the difference, with the shortest change of style between two runs. What it keeps is also the frame that the
next start shows first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip


class Sgr(NamedTuple):
    """A style as the parameters of ``ESC [ … m``: attributes, foreground, background."""

    attributes: tuple[str, ...]
    foreground: str
    background: str

    def after(self, before: Sgr) -> str:
        """The shortest sequence that turns *before* into this style."""
        if self is before or self == before:
            return ""
        parts: list[str] = []
        if self.attributes != before.attributes:
            kept = {on for on in before.attributes if on in self.attributes}
            off = dict.fromkeys(_OFF[on] for on in before.attributes if on not in kept)
            # One code ends both bold and dim: what of them is wanted must be set again.
            kept -= {on for on in kept if _OFF[on] in off}
            parts += [*off, *(on for on in self.attributes if on not in kept)]
        if self.foreground != before.foreground:
            parts.append(self.foreground or "39")
        if self.background != before.background:
            parts.append(self.background or "49")
        return "\x1b[" + ";".join(parts) + "m"

    @property
    def of_blank(self) -> Sgr:
        """What of the style is seen where there is no character."""
        seen = tuple(on for on in self.attributes if on in _SEEN_ON_BLANKS)
        return Sgr(seen, self.foreground if seen else "", self.background)


PLAIN = Sgr((), "", "")
_ATTRIBUTES = (
    ("bold", "1"),
    ("dim", "2"),
    ("italic", "3"),
    ("underline", "4"),
    ("blink", "5"),
    ("reverse", "7"),
    ("strike", "9"),
)
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}
_SEEN_ON_BLANKS = frozenset({"4", "7", "9"})

Cell = tuple[str, Sgr] | None
"""A character and its style. The second cell of a wide character has the text ``""``; None: not known."""

_LONG_BLANK = 8
"""So many blanks at the end of a run are erased, in six bytes, instead of written."""

_SHORT_GAP = 4
"""Up to so many unchanged cells are written again, because moving the cursor costs more."""


class Painter:
    """The picture on the terminal, and the way from one picture to the next."""

    def __init__(self, *, erases: bool = True) -> None:
        """*erases* says that the terminal erases in the colour of the background (see :func:`erases_in_colour`)."""
        self.erases = erases
        self._rows: list[list[Cell]] = []
        self._styles: dict[tuple[object, ...], Sgr] = {}
        self.bytes_written = 0

    def forget(self) -> None:
        """The terminal may show anything now: after a resize, a suspension, a redraw on request."""
        self._rows = []

    def reduce(self, update: object, width: int, height: int) -> CompositorUpdate | None:
        """The difference that *update* makes, or None for a kind that is not understood."""
        if not isinstance(update, LayoutUpdate | ChopsUpdate):
            self.forget()
            return None
        if len(self._rows) != height or (self._rows and len(self._rows[0]) != width):
            self._rows = [[None] * width for _ in range(height)]
        return _Difference(self, tuple(_pieces(update)))

    def paint(self, pieces: Iterable[tuple[int, int, Strip]], console: Console) -> str:
        """Take *pieces* (x, y, strip) into the picture; the sequences that bring the terminal there."""
        system = console._color_system
        out: list[str] = []
        style = PLAIN
        for x, y, strip in pieces:
            if 0 <= y < len(self._rows):
                style = self._paint_piece(x, y, self._cells(strip, system), style, out)
        if style != PLAIN:
            out.append("\x1b[0m")
        text = "".join(out)
        self.bytes_written += len(text.encode(errors="replace"))
        return text

    @property
    def complete(self) -> bool:
        """Whether every cell of the terminal is known."""
        return bool(self._rows) and all(cell is not None for row in self._rows for cell in row)

    def frame(self) -> str:
        """The whole picture as text and style sequences, one line each, without any movement of the cursor."""
        lines = []
        for row in self._rows:
            out: list[str] = []
            style = PLAIN
            for cell in row:
                text, wanted = cell or (" ", PLAIN)
                if text:
                    style = _write(text, wanted, style, out)
            lines.append("".join(out) + ("\x1b[0m" if style != PLAIN else ""))
        return "\n".join(lines)

    def _paint_piece(self, x: int, y: int, cells: list[Cell], style: Sgr, out: list[str]) -> Sgr:
        row = self._rows[y]
        end = min(len(cells), len(row) - x)
        at = 0
        while at < end:
            if cells[at] == row[x + at]:
                at += 1
                continue
            start = at
            while start > 0 and _text(cells[start]) == "":
                start -= 1  # never write half of a wide character
            stop = last = at
            while stop < end and stop - last <= _SHORT_GAP:
                if cells[stop] != row[x + stop]:
                    last = stop
                stop += 1
            last += 1
            while last < end and _text(cells[last]) == "":
                last += 1
            out.append(f"\x1b[{y + 1};{x + start + 1}H")
            blank = self._blank_end(cells, start, last)
            for cell in cells[start:blank]:
                if cell is not None and cell[0]:
                    style = _write(cell[0], cell[1], style, out)
            if blank < last and (cell := cells[blank]) is not None:
                if style.of_blank != cell[1]:
                    out.append(cell[1].after(style))
                    style = cell[1]
                out.append(f"\x1b[{last - blank}X")
            row[x + start : x + last] = cells[start:last]
            at = last
        return style

    def _blank_end(self, cells: list[Cell], start: int, stop: int) -> int:
        """Where the blanks at the end of a run begin that are worth erasing; *stop* when they are not."""
        last = cells[stop - 1]
        if not self.erases or last is None or last[0] != " " or last[1].attributes:
            return stop
        begin = stop
        while begin > start and cells[begin - 1] == last:
            begin -= 1
        return begin if stop - begin >= _LONG_BLANK else stop

    def _cells(self, strip: Strip, system: ColorSystem | None) -> list[Cell]:
        found: list[Cell] = []
        for text, style, control in strip:
            if control:
                continue
            sgr = PLAIN if style is None else self._sgr(style, system)
            blank = (" ", sgr.of_blank)
            if text.isascii():
                found += [blank if character == " " else (character, sgr) for character in text]
                continue
            for character in text:
                if character == " ":
                    found.append(blank)
                    continue
                width = cell_len(character)
                if width == 0 and found and (before := found[-1]) is not None:
                    found[-1] = (before[0] + character, before[1])
                else:
                    found.append((character, sgr))
                    if width == 2:
                        found.append(("", sgr))
        return found

    def _sgr(self, style: Style, system: ColorSystem | None) -> Sgr:
        key = (style.color, style.bgcolor, style._attributes, system)
        sgr = self._styles.get(key)
        if sgr is None:
            colours = ["", ""]
            if system is not None:
                for place, colour in enumerate((style.color, style.bgcolor)):
                    if colour is not None:
                        codes = colour.downgrade(system).get_ansi_codes(foreground=place == 0)
                        colours[place] = ";".join(codes)
            on = tuple(code for name, code in _ATTRIBUTES if getattr(style, name))
            sgr = self._styles[key] = Sgr(on, colours[0], colours[1])
        return sgr


def erases_in_colour(environ: Mapping[str, str]) -> bool:
    """Whether what is erased gets the background's colour, as nearly everywhere. GNU screen takes the default."""
    return "STY" not in environ and not environ.get("TERM", "").startswith(("screen", "dumb"))


class _Difference(CompositorUpdate):
    """An update that writes the painter's difference instead of everything."""

    def __init__(self, painter: Painter, pieces: tuple[tuple[int, int, Strip], ...]) -> None:
        self._painter = painter
        self._pieces = pieces

    def render_segments(self, console: Console) -> str:
        """The sequences to write."""
        return self._painter.paint(self._pieces, console)


def _pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """The strips of an update with their places, cut as Textual cuts them."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                yield x, y, strip
                x += strip.cell_length
        return
    for y, start, stop in update.spans:
        for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is None or x > stop or end <= start:
                continue
            whole = stop > x >= start and end <= stop
            yield x, y, chop if whole else chop.crop(0, min(end, stop) - x)


def _write(text: str, wanted: Sgr, style: Sgr, out: list[str]) -> Sgr:
    """Append *text* in the style *wanted*, coming from *style*; the style in effect then."""
    if text == " " and wanted == style.of_blank:
        out.append(text)  # its colour would not be seen
        return style
    out.append(wanted.after(style))
    out.append(text)
    return wanted


def _text(cell: Cell) -> str | None:
    return None if cell is None else cell[0]
