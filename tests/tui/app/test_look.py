"""Pictures of the screens as SVG, compared with kept ones; UPDATE_SNAPSHOTS=1 keeps new ones."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_run import run_at
from textual.widgets import Input

from upriver.tui.app.app import UpriverApp
from upriver.tui.app.routes import RunLog

Desk = Callable[..., Any]
HERE = Path(__file__).with_name("snapshots")

SIZES = ((120, 36), (80, 24))
WAITS = 20
"""How often a picture that is not as kept is looked at again, a tenth of a second later."""

SCREENS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    # name: the asset under the cursor, keys from the list on
    "list": ("raw.refunds", ()),
    "why": ("core.order_pay", ("w",)),
    "plan": ("core.order_pay", ("M",)),
    "columns": ("core.order_pay", ("c", "j", "j", "j")),
    "graph": ("core.order_pay", ("g",)),
    "preview": ("staging.orders", ("p",)),
    "run": ("raw.refunds", ("4", "enter", "t")),
    "runs": (None, ("4",)),
    "checks": (None, ("5",)),
    "goals": (None, ("6",)),
    "incidents": (None, ("7",)),
    "changes": (None, ("8",)),
    "cost": (None, ("9",)),
    "code": ("core.order_pay", ("x",)),
    "log": ("marts.churn", ("l",)),
    "history": ("core.order_pay", ("H",)),
    "fix": ("marts.churn", ("F",)),
    "rename": ("core.order_pay", ("R", "ctrl+u", *"core", "full_stop", *"paid")),
}
ALONE: dict[str, tuple[tuple[int, int], str, str | None, tuple[str, ...]]] = {
    # name: size, look, the asset under the cursor, keys
    "list-60x20-dark": ((60, 20), "dark", "marts.churn_alerts", ()),
    "help-120x36-dark": ((120, 36), "dark", None, ("question_mark",)),
    "error-120x36-dark": ((120, 36), "dark", "marts.churn", ()),
}


def picture(app: UpriverApp) -> str:
    """The screen as SVG, without the names that Textual makes up for each export."""
    svg = app.export_screenshot(title="upriver")
    return re.sub(r"terminal-\d+", "terminal", svg)


@pytest.mark.parametrize("ascii", [False, True], ids=["unicode", "ascii"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_main_screens_look_as_they_did(desk: Desk, size: tuple[int, int], ascii: bool) -> None:
    """In both sizes, in dark, light and ASCII, one after the other in one app."""
    different: list[str] = []
    async with desk(size=size, ascii=ascii) as at:
        await at.settled()
        for screen, (key, keys) in SCREENS.items():
            await show(at, key, keys)
            different += await in_all_looks(at, screen, size)
            while len(at.app.screen_stack) > 2:
                await at.press("escape")
    if different:
        pytest.fail("\n".join(different))


@pytest.mark.parametrize("ascii", [False, True], ids=["unicode", "ascii"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_run_looks_as_it_did_while_it_goes_on(desk: Desk, size: tuple[int, int], ascii: bool) -> None:
    """Running, with a failure while the rest goes on, finished; the clock stands still."""
    different: list[str] = []
    async with desk(size=size, ascii=ascii) as at:
        await at.settled()
        await show(at, "raw.refunds", ())
        for moment in ("running", "failed", "finished"):
            at.app.model.run = run_at(moment)
            at.app.open(RunLog())
            await at.press("t", *(["L"] if moment == "running" else []))
            await at.settled()
            different += await in_all_looks(at, f"run-{moment}", size)
            await at.press("escape")
    if different:
        pytest.fail("\n".join(different))


async def once_drawn(at: Any, name: str, size: tuple[int, int], look: str) -> list[str]:
    """:func:`compared`, with patience: on a busy machine the last widget takes on a new theme a moment later."""
    for _ in range(WAITS):
        different = compared(at, name, size, look)
        if not different:
            break
        await at.pilot.pause(0.1)
        await at.settled()
    return different


async def in_all_looks(at: Any, screen: str, size: tuple[int, int]) -> list[str]:
    """The screen as it is: in ASCII, or in the dark and in the light theme."""
    if at.app.ascii:
        return await once_drawn(at, f"{screen}-{size[0]}x{size[1]}-ascii", size, "ascii")
    different = await once_drawn(at, f"{screen}-{size[0]}x{size[1]}-dark", size, "dark")
    at.app.theme = "upriver-light"
    await at.pilot.pause()
    await at.settled()
    different += await once_drawn(at, f"{screen}-{size[0]}x{size[1]}-light", size, "light")
    at.app.theme = "upriver-dark"
    await at.pilot.pause()
    return different


@pytest.mark.parametrize("name", ALONE)
async def test_the_screen_looks_as_it_did(desk: Desk, name: str) -> None:
    """What is worth one picture."""
    size, look, key, keys = ALONE[name]
    async with opened(desk, size, look) as at:
        await at.settled()
        await show(at, key, keys)
        different = compared(at, name, size, look)
    if different:
        pytest.fail(different[0])


def opened(desk: Desk, size: tuple[int, int], look: str) -> Any:
    """The fake shop in a terminal of *size*."""
    return desk(size=size, ascii=look == "ascii", theme="upriver-light" if look == "light" else None)


async def show(at: Any, key: str | None, keys: Sequence[str]) -> None:
    """Go to an asset, press keys, wait until nothing moves."""
    if key is not None:
        await at.go_to(key)
        await at.settled()
        # How far the list has scrolled depends on when what stands below it took its rows.
        assets = at.app.main.assets
        assets.scroll_to(y=max(0, assets.cursor - assets.page // 2), animate=False)
    for one in keys:
        await at.press(one)
        if len(one) == 1 and one != "j" and not isinstance(at.app.focused, Input):
            await at.settled()
    await at.settled()


def compared(at: Any, name: str, size: tuple[int, int], look: str) -> list[str]:
    """What is different from the kept picture; UPDATE_SNAPSHOTS=1 keeps the new one."""
    text, svg = at.text(), picture(at.app)
    assert max(len(line) for line in text.split("\n")) <= size[0] + 2
    if look == "ascii":
        assert text.isascii(), sorted({c for c in text if not c.isascii()})
    kept = HERE / f"{name}.svg"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        HERE.mkdir(exist_ok=True)
        kept.write_text(svg, encoding="utf-8")
    assert kept.is_file(), f"{kept} is missing: UPDATE_SNAPSHOTS=1 makes it"
    if svg == kept.read_text(encoding="utf-8"):
        return []
    failed = Path(os.environ.get("TMPDIR", "/tmp")) / f"{name}.svg"
    failed.write_text(svg, encoding="utf-8")
    return [f"{name} looks different; see {failed} beside {kept}. It shows\n{text}"]


@pytest.mark.parametrize("size", [(60, 20), (40, 12), (20, 6), (200, 60)])
async def test_any_size_is_drawn(desk: Desk, size: tuple[int, int]) -> None:
    """Small ones leave things out; none raises."""
    async with desk(size=size) as at:
        for keys in (("j", "w"), ("g",), ("c",), ("p",), ("4", "enter"), ("5",), ("6",), ("M",)):
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
