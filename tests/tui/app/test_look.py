"""Pictures of the screens as SVG, compared with kept ones; UPDATE_SNAPSHOTS=1 keeps new ones."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from upriver.tui.app import UpriverApp

Desk = Callable[..., Any]
HERE = Path(__file__).with_name("snapshots")

CASES: dict[str, tuple[tuple[int, int], str, Sequence[str]]] = {
    # name: size, look, keys
    "list-120x36-dark": ((120, 36), "dark", ("j", "j", "j", "j", "j")),
    "list-120x36-light": ((120, 36), "light", ("j", "j", "j", "j", "j")),
    "list-120x36-ascii": ((120, 36), "ascii", ("j", "j", "j", "j", "j")),
    "list-80x24-dark": ((80, 24), "dark", ("j", "j", "j", "j", "j")),
    "list-80x24-light": ((80, 24), "light", ("j", "j", "j", "j", "j")),
    "list-80x24-ascii": ((80, 24), "ascii", ("j", "j", "j", "j", "j")),
    "list-60x20-dark": ((60, 20), "dark", ("j",)),
    "why-120x36-dark": ((120, 36), "dark", ("j", "j", "j", "j", "j", "j", "j", "j", "w")),
    "why-80x24-light": ((80, 24), "light", ("j", "j", "j", "j", "j", "j", "j", "j", "w")),
    "plan-120x36-dark": ((120, 36), "dark", ("M",)),
    "columns-120x36-dark": ((120, 36), "dark", ("j", "j", "j", "j", "j", "c", "j", "j", "j")),
    "columns-80x24-ascii": ((80, 24), "ascii", ("j", "j", "j", "j", "j", "c", "j", "j", "j")),
    "graph-120x36-dark": ((120, 36), "dark", ("j", "j", "j", "j", "j", "j", "g")),
    "graph-80x24-ascii": ((80, 24), "ascii", ("j", "j", "j", "j", "j", "j", "g")),
    "preview-120x36-dark": ((120, 36), "dark", ("j", "j", "j", "j", "j", "p")),
    "run-120x36-dark": ((120, 36), "dark", ("4", "enter", "t")),
    "run-80x24-light": ((80, 24), "light", ("4", "enter")),
    "help-120x36-dark": ((120, 36), "dark", ("question_mark",)),
}


def picture(app: UpriverApp) -> str:
    """The screen as SVG, without the names that Textual makes up for each export."""
    svg = app.export_screenshot(title="upriver")
    return re.sub(r"terminal-\d+", "terminal", svg)


@pytest.mark.parametrize("name", CASES)
async def test_the_screen_looks_as_it_did(desk: Desk, name: str) -> None:
    """Sizes, themes, ASCII."""
    size, look, keys = CASES[name]
    theme = "upriver-light" if look == "light" else None
    async with desk(size=size, ascii=look == "ascii", theme=theme) as at:
        await at.settled()
        for key in keys:
            await at.press(key)
            if key != "j":
                await at.settled()
        await at.settled()
        text = at.text()
        svg = picture(at.app)
    assert max(len(line) for line in text.split("\n")) <= size[0] + 2
    if look == "ascii":
        assert text.isascii(), sorted({c for c in text if not c.isascii()})
    kept = HERE / f"{name}.svg"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        HERE.mkdir(exist_ok=True)
        kept.write_text(svg, encoding="utf-8")
    assert kept.is_file(), f"{kept} is missing: UPDATE_SNAPSHOTS=1 makes it"
    if svg != kept.read_text(encoding="utf-8"):
        failed = Path(os.environ.get("TMPDIR", "/tmp")) / f"{name}.svg"
        failed.write_text(svg, encoding="utf-8")
        pytest.fail(f"{name} looks different; see {failed} beside {kept}. It shows\n{text}")


@pytest.mark.parametrize("size", [(60, 20), (40, 12), (20, 6), (200, 60)])
async def test_any_size_is_drawn(desk: Desk, size: tuple[int, int]) -> None:
    """Small ones leave things out; none raises."""
    async with desk(size=size) as at:
        for keys in (("j", "w"), ("g",), ("c",), ("p",), ("4", "enter"), ("5",), ("M",)):
            await at.press(*keys)
            await at.pilot.pause(0.15)
            assert at.text().strip()
            while len(at.app.screen_stack) > 2:
                at.app.pop_screen()
            await at.pilot.pause()


async def test_the_screen_is_resized_while_it_is_open(desk: Desk) -> None:
    """The cursor stays on its asset and in view."""
    async with desk() as at:
        await at.press("end")
        here = at.here
        for size in ((60, 20), (120, 36), (80, 24)):
            await at.pilot.resize_terminal(*size)
            await at.pilot.pause(0.2)
            assert at.here == here
            assets = at.app.main.assets
            assert assets.scroll_offset.y <= assets.cursor < assets.scroll_offset.y + assets.page


async def test_without_colours_everything_is_still_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR: glyphs, the bar at the cursor, no hue anywhere."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with desk() as at:
        await at.shows("✗ ✗ ●         marts.churn", "▌")
        hues = set(re.findall(r"fill: ?(#[0-9a-f]{6})", picture(at.app)))
        for hue in hues:
            red, green, blue = (int(hue[i : i + 2], 16) for i in (1, 3, 5))
            assert max(red, green, blue) - min(red, green, blue) <= 12, hue
