"""The terminal shows exactly what it would without the painter, for far fewer bytes."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from upriver.tui.app.diff_painter import PLAIN, Painter, Sgr
from upriver.tui.app.startup_frame import _HARMLESS

WIDTH, HEIGHT = 24, 5
_PIECE = re.compile(
    r"\x1b\[(?P<row>\d+);(?P<column>\d+)H|\x1b\[(?P<erased>\d+)X|\x1b\[(?P<sgr>[0-9;]*)m|(?P<text>.)",
    re.DOTALL,
)


class Screen:
    """A terminal that understands cursor positions, styles and text."""

    def __init__(self) -> None:
        self.cells: list[list[tuple[str, frozenset[str], str, str]]] = []
        self.cells = [[(" ", frozenset(), "", "")] * WIDTH for _ in range(HEIGHT)]
        self.x = self.y = 0
        self.on: set[str] = set()
        self.fore = self.back = ""

    def write(self, data: str) -> None:
        """Take in what was written."""
        for match in _PIECE.finditer(data):
            if match["row"]:
                self.y, self.x = int(match["row"]) - 1, int(match["column"]) - 1
            elif match["erased"]:
                assert self.x + int(match["erased"]) <= WIDTH
                for x in range(self.x, self.x + int(match["erased"])):
                    self.cells[self.y][x] = (" ", frozenset(), "", self.back)
            elif match["sgr"] is not None:
                self._style(match["sgr"].split(";"))
            else:
                self._put(match["text"])

    def _put(self, text: str) -> None:
        wide = cell_len(text)
        if wide == 0:
            before = self.cells[self.y][self.x - 1]
            self.cells[self.y][self.x - 1] = (before[0] + text, *before[1:])
            return
        # A terminal blanks the other half of a wide character that is overwritten in part.
        seen = frozenset(self.on)
        self.cells[self.y][self.x] = (text, seen, self.fore, self.back)
        if wide == 2:
            self.cells[self.y][self.x + 1] = ("", seen, self.fore, self.back)
        self.x += wide

    def _style(self, codes: list[str]) -> None:
        while codes:
            code = codes.pop(0)
            if code in ("", "0"):
                self.on.clear()
                self.fore = self.back = ""
            elif code in ("38", "48"):
                colour = ";".join([code, *(codes.pop(0) for _ in range(4))])
                if code == "38":
                    self.fore = colour
                else:
                    self.back = colour
            elif code == "39":
                self.fore = ""
            elif code == "49":
                self.back = ""
            elif code == "22":
                self.on -= {"1", "2"}
            elif code in ("23", "24", "25", "27", "29"):
                self.on.discard(code[1])
            else:
                self.on.add(code)

    def look(self) -> list[list[tuple[str, frozenset[str], str, str]]]:
        """What one sees: the colour of a blank's character is not among it."""

        def seen(cell: tuple[str, frozenset[str], str, str]) -> tuple[str, frozenset[str], str, str]:
            text, on, fore, back = cell
            if text == " ":
                on = on & {"4", "7", "9"}
                fore = fore if on else ""
            return text, on, fore, back

        return [[seen(cell) for cell in row] for row in self.cells]


styles = st.builds(
    Style,
    color=st.sampled_from([None, "#ff0000", "#00ff00", "#203040"]),
    bgcolor=st.sampled_from([None, "#000000", "#102030"]),
    bold=st.sampled_from([None, True]),
    dim=st.sampled_from([None, True]),
    underline=st.sampled_from([None, True]),
    reverse=st.sampled_from([None, True]),
)
texts = st.text(alphabet="ab  │✓日本é●", min_size=1, max_size=9) | st.sampled_from([" " * 9, "a" + " " * 14])


@st.composite
def frames(draw: st.DrawFn) -> list[Strip]:
    """A picture of the whole screen."""
    made = []
    for _ in range(HEIGHT):
        segments = [Segment(draw(texts), draw(styles)) for _ in range(draw(st.integers(0, 5)))]
        made.append(Strip(segments).adjust_cell_length(WIDTH))
    return made


@settings(max_examples=120, deadline=None)
@given(st.lists(frames(), min_size=1, max_size=5), st.booleans())
def test_after_any_pictures_the_terminal_shows_the_last(pictures: list[list[Strip]], part: bool) -> None:
    """Whatever was there before, wide characters and all."""
    console = Console(force_terminal=True, color_system="truecolor", width=WIDTH)
    painted, plain, painter = Screen(), Screen(), Painter()
    for picture in pictures:
        update = LayoutUpdate([[strip] for strip in picture], Region(0, 0, WIDTH, HEIGHT))
        difference = painter.reduce(update, WIDTH, HEIGHT)
        assert difference is not None
        painted.write(difference.render_segments(console))
        for y, strip in enumerate(picture):
            plain.write(f"\x1b[{y + 1};1H{strip.render(console)}")
        assert painted.look() == plain.look()
    again = painter.reduce(update, WIDTH, HEIGHT)
    assert again is not None
    assert again.render_segments(console) == "", "nothing changed: nothing is written"
    frame = painter.frame()
    assert frame.count("\n") == HEIGHT - 1
    assert _HARMLESS.fullmatch(frame)
    copy = Screen()
    for y, line in enumerate(frame.split("\n")):
        copy.write(f"\x1b[{y + 1};1H{line}")
    assert copy.look() == plain.look()


RED, GREEN = "38;2;255;0;0", "48;2;0;255;0"
sgrs = st.builds(
    Sgr,
    st.sampled_from([(), ("1",), ("1", "2"), ("2",), ("4", "7")]),
    st.sampled_from(["", RED]),
    st.sampled_from(["", GREEN]),
)


@given(sgrs, sgrs)
def test_a_change_of_style_is_complete(before: Sgr, after: Sgr) -> None:
    """Coming from any style, the wanted one is in effect."""
    screen = Screen()
    screen.write(before.after(PLAIN))
    screen.write(after.after(before))
    assert (screen.on, screen.fore, screen.back) == (
        set(after.attributes),
        after.foreground,
        after.background,
    )


def test_an_update_of_another_kind_makes_it_forget() -> None:
    """What is not understood is passed on, and everything is painted anew afterwards."""
    painter = Painter()
    update = LayoutUpdate([[Strip([Segment("a" * WIDTH)])]], Region(0, 0, WIDTH, 1))
    console = Console(force_terminal=True, color_system="truecolor")
    first = painter.reduce(update, WIDTH, 1)
    assert first is not None
    assert first.render_segments(console)
    assert painter.reduce(object(), WIDTH, 1) is None
    second = painter.reduce(update, WIDTH, 1)
    assert second is not None
    assert second.render_segments(console)
