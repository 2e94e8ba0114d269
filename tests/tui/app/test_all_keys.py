"""Every key that a screen offers does its work there, not only on the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.command import CommandPalette

from upriver.tui.app.screen_bases.rename_dialog import RenameDialog
from upriver.tui.app.screens.build import BuildDialog
from upriver.tui.app.screens.changes import ChangesScreen
from upriver.tui.app.screens.code import CodeScreen
from upriver.tui.app.screens.columns import ColumnsScreen
from upriver.tui.app.screens.graph import GraphScreen
from upriver.tui.app.screens.history import HistoryScreen
from upriver.tui.app.screens.log import LogScreen
from upriver.tui.app.screens.preview import PreviewScreen
from upriver.tui.app.screens.run import RunScreen
from upriver.tui.app.screens.why import WhyScreen
from upriver.tui.app.widgets.problems import Problems

Desk = Callable[..., Any]

OPENS = {
    "w": WhyScreen, "c": ColumnsScreen, "g": GraphScreen, "p": PreviewScreen, "x": CodeScreen, "l": LogScreen,
    "H": HistoryScreen, "R": RenameDialog, "m": BuildDialog, "M": BuildDialog,
}  # fmt: skip
SCREENS = {
    # what opens it from the list, and the keys that mean something else there
    "graph": ("g", GraphScreen, {"l", "g"}),
    "columns": ("c", ColumnsScreen, {"l", "c"}),
    "why": ("w", WhyScreen, {"w"}),
    "code": ("x", CodeScreen, {"M", "x"}),
    "changes": ("8", ChangesScreen, set()),
    "run": ("4 enter", RunScreen, {"c", "g", "x", "l", "H", "R", "m", "M", "p"}),
}


@pytest.mark.parametrize("screen", SCREENS)
async def test_what_can_be_done_with_an_asset_is_done_with_the_same_keys_everywhere(
    desk: Desk, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is about the asset under the cursor there."""
    opens, kind, without = SCREENS[screen]
    edited: list[object] = []
    async with desk() as at:
        monkeypatch.setattr(at.app, "edit", edited.append)
        await at.go_to("core.order_pay")
        for key in opens.split():
            await at.press(key)
            await at.settled()
        assert isinstance(at.app.screen, kind)
        subject = at.app.screen.subject
        for key in sorted(OPENS.keys() - without):
            await at.press(key)
            await at.until(lambda key=key: isinstance(at.app.screen, OPENS[key]), f"{key} on {screen}")
            if key not in ("M", "m"):
                about = getattr(at.app.screen, "key", None) or at.app.screen.subject
                assert about == subject, key
            if key in ("c", "g"):  # tabs: the way back to where one came from is its key
                await at.press("escape")
                for again in opens.split():
                    await at.press(again)
            else:
                await at.press("escape")
            await at.until(lambda: isinstance(at.app.screen, kind), f"coming back from {key}")
            await at.settled()
        await at.press("e")
        assert edited
        await at.press("r")
        await at.until(lambda: at.app.model.run is not None, "building again")
        await at.until(lambda: not at.app.model.live, "its end")


async def test_tabs_commands_and_the_ends_of_the_list(desk: Desk) -> None:
    """1 to 5, the palette, pages and edges, a redraw, the declaration errors that are not there."""
    async with desk(size=(100, 20)) as at:
        assets = at.app.main.assets
        await at.press("pagedown")
        assert assets.cursor > 1
        await at.press("end")
        assert assets.cursor == assets.count - 1
        await at.press("pageup")
        assert assets.cursor < assets.count - 1
        await at.press("home")
        assert assets.cursor == 0
        for key, kind in (("2", GraphScreen), ("3", ColumnsScreen), ("8", ChangesScreen)):
            await at.press(key)
            await at.until(lambda kind=kind: isinstance(at.app.screen, kind), key)
        await at.press("1")
        assert at.app.screen is at.app.main
        await at.press("ctrl+l")
        await at.press("exclamation_mark")
        assert at.said[-1] == "the declarations are in order"
        await at.press("colon")
        await at.until(lambda: isinstance(at.app.screen, CommandPalette), "the palette")


async def test_the_keys_of_single_screens(desk: Desk) -> None:
    """Scopes and jobs of a build; whole paths; the profile; searching a log."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("m")
        await at.shows("Build core.order_pay")
        scope = at.app.screen.scope
        await at.press("right")
        assert at.app.screen.scope != scope
        await at.press("left")
        assert at.app.screen.scope == scope
        await at.press("plus", "plus", "minus")
        await at.shows("jobs 5")
        await at.press("escape", "c")
        await at.shows("core.order_pay.order_id")
        await at.press("X")
        await at.shows("If core.order_pay.order_id were dropped")
        await at.press("escape")
        await at.press("tab")
        await at.until(lambda: at.app.screen._whole, "the whole path")
        await at.press("escape", "g")
        await at.shows("Graph of core.order_pay")
        await at.press("tab", "k", "enter")
        await at.press("escape")
        await at.go_to("staging.orders")
        await at.press("p")
        await at.shows("distinct")
        await at.press("right", "left", "i")
        await at.until(lambda: "distinct" not in at.text(), "hiding the profile")
        await at.press("escape")
        await at.go_to("marts.churn")
        await at.press("l")
        await at.settled()
        await at.press("slash")
        await at.type("plan")
        await at.press("enter", "n", "N")
        await at.shows("line")


async def test_a_wrong_declaration_is_opened_at_its_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """! goes to the errors, enter opens one."""
    from upriver.assets.errors import Diagnosis
    from upriver.assets.model import Place

    opened: list[Place] = []
    async with desk() as at:
        monkeypatch.setattr(at.app, "edit", opened.append)
        at.session.declare_wrongly(Diagnosis("code", "no such table", Place("assets/a.sql", 3, 7)))
        await at.shows("no such table")
        await at.press("exclamation_mark")
        assert isinstance(at.app.focused, Problems)
        await at.press("enter")
        assert opened == [Place("assets/a.sql", 3, 7)]
