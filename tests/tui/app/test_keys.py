"""Keys: help made from the bindings, the palette, refusals with reasons, copying, and how few keys things take."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.screen import Screen

from upriver.tui.app.app import UpriverApp
from upriver.tui.app.screens.build import BuildDialog
from upriver.tui.app.screens.changes import ChangesScreen
from upriver.tui.app.screens.code import CodeScreen
from upriver.tui.app.screens.columns import ColumnsScreen
from upriver.tui.app.screens.graph import GraphScreen
from upriver.tui.app.screens.help import HelpScreen
from upriver.tui.app.screens.history import HistoryScreen
from upriver.tui.app.screens.leave import LeaveScreen
from upriver.tui.app.screens.log import LogScreen
from upriver.tui.app.screens.main import MainScreen
from upriver.tui.app.screens.preview import PreviewScreen
from upriver.tui.app.screens.rename import RenameScreen
from upriver.tui.app.screens.run import RunScreen
from upriver.tui.app.screens.runs import RunsScreen
from upriver.tui.app.screens.saved_views import SavedViewsScreen
from upriver.tui.app.screens.stop import StopScreen
from upriver.tui.app.screens.why import WhyScreen

Desk = Callable[..., Any]

SCREENS: Sequence[type[Screen[Any]]] = (
    MainScreen, GraphScreen, ColumnsScreen, RunsScreen, RunScreen, ChangesScreen, WhyScreen, CodeScreen, LogScreen,
    HistoryScreen, PreviewScreen, BuildDialog, SavedViewsScreen, HelpScreen, LeaveScreen, StopScreen,
    RenameScreen,
)  # fmt: skip


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
def test_every_binding_has_its_action_and_says_what_it_does(screen: type[Screen[Any]]) -> None:
    """A key that does nothing, or that the help can't describe, is a mistake."""
    for owner in screen.__mro__:
        if not owner.__module__.startswith("upriver."):
            continue
        for binding in owner.__dict__.get("BINDINGS", ()):
            assert isinstance(binding, Binding)
            name = binding.action.partition("(")[0]
            target = UpriverApp if name.startswith("app.") else screen
            action = getattr(target, f"action_{name.removeprefix('app.')}", None)
            assert action is not None, binding
            assert binding.tooltip or action.__doc__, binding


async def test_help_lists_the_keys_of_the_screen_that_it_was_called_from(desk: Desk) -> None:
    """With what they do, and what can't be done now with the reason."""
    async with desk() as at:
        await at.go_to("raw.fx")
        await at.press("question_mark")
        await at.shows("Keys", "Build everything that is stale, after a look at the plan")
        await at.shows("not now: raw.fx is a source: it is read, not built")
        await at.press("end")
        await at.shows("✓ fresh", "◔ stale", "= copy", "ƒ expression")
        await at.press("escape")
        await at.press("4")
        await at.shows("0008")
        await at.press("question_mark")
        await at.shows("Replay the run")


async def test_the_palette_runs_what_the_keys_run(desk: Desk) -> None:
    """Find by words, enter does it."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("ctrl+p")
        await at.until(lambda: isinstance(at.app.screen, CommandPalette))
        await at.type("why")
        await at.until(lambda: "Why" in at.text())
        await at.pilot.pause(0.6)
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, WhyScreen), "running the command")
        assert at.app.screen.key == "core.order_pay"


async def test_what_cannot_be_done_says_why(desk: Desk) -> None:
    """Instead of doing nothing."""
    refusals = {
        ("raw.fx", "m"): "raw.fx is a source: it is read, not built",
        ("raw.fx", "x"): "raw.fx is a source: it has no code and no runs",
        ("reports.weekly", "p"): "reports.weekly is a file, not a table",
    }
    async with desk() as at:
        for (key, press), reason in refusals.items():
            await at.go_to(key)
            await at.press(press)
            assert at.said[-1] == reason


COPIES = {
    "list": ((), "upriver status", "| marts.churn | failed |"),
    "filtered list": (("filter", "tag:ml"), "upriver status tag:ml", "| marts.forecast |"),
    "why": (("w",), "upriver why marts.churn", "**marts.churn** is failed"),
    "plan": (("m",), "upriver build marts.churn", "| marts.churn | build |"),
    "graph": (("g",), "upriver lineage marts.churn", "flowchart LR"),
    "columns": (
        ("c",),
        "upriver lineage marts.churn.customer_id --columns",
        "| marts.customers.customer_id |",
    ),
    "runs": (("4",), "upriver history", "| 0008 | failed |"),
    "run": (("4", "enter"), "upriver log 0008", "| marts.churn | failed |"),
    "changes": (("8",), "upriver impact", "| staging.payments |"),
    "code": (("x",), "upriver why marts.churn", "```sql"),
    "log": (("l",), "upriver log", "```"),
    "history": (("H",), "upriver history marts.churn", "| run | at |"),
}


@pytest.mark.parametrize("panel", COPIES)
async def test_every_panel_is_copied_as_markdown_json_and_command(desk: Desk, panel: str) -> None:
    """y, J and $ on every screen."""
    keys, command, markdown = COPIES[panel]
    async with desk() as at:
        if keys[:1] == ("filter",):
            at.app.main.set_filter(keys[1])
            await at.pilot.pause()
        else:
            for key in keys:
                await at.press(key)
                await at.settled()
        await at.press("y")
        assert markdown in at.app.clipboard
        await at.press("J")
        assert json.loads(at.app.clipboard)
        await at.press("dollar_sign")
        assert at.app.clipboard.startswith(command)


async def test_rows_in_view_are_copied_from_the_preview(desk: Desk) -> None:
    """As a Markdown table; the value under the cursor by itself."""
    async with desk() as at:
        await at.go_to("staging.orders")
        await at.press("p")
        await at.shows("1000000")
        await at.press("y")
        assert at.app.clipboard.startswith("| order_id | customer_id | status |")
        await at.press("right", "right", "Y")
        assert at.app.clipboard == "paid"


async def test_text_is_selected_with_the_mouse(desk: Desk) -> None:
    """A line of the list, without its neighbours."""
    async with desk() as at:
        assets = at.app.main.assets
        await at.pilot.mouse_down(assets, offset=(18, 2))
        await at.pilot.hover(assets, offset=(29, 2))
        assert at.app.screen.get_selected_text().strip() == "marts.churn"
        await at.pilot.mouse_up(assets, offset=(29, 2))


async def test_frequent_questions_take_few_keys(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """TUI.md's table of keypresses."""
    async with desk() as at:
        await at.go_to("raw.fx")
        await at.press("n", "w")  # why is the next late asset stale: 2
        await at.shows("Why is marts.churn failed?")
        await at.press("escape")
        opened: list[object] = []
        monkeypatch.setattr(at.app, "edit", opened.append)
        await at.go_to("raw.fx")
        await at.press("n", "e")  # open the failing line in $EDITOR: 2
        assert opened
        await at.go_to("core.order_pay")
        await at.press("c", "down", "down")  # where does this column come from: 3
        await at.shows("core.order_pay.status")
        await at.press("escape", "M")
        await at.until(lambda: not at.app.screen.why_not("start"))
        await at.press("enter")  # build all stale: 2
        await at.until(lambda: at.app.model.run is not None and not at.app.model.live)
        await at.press("escape", "r")  # retry failed and blocked: 1
        await at.until(lambda: at.app.model.run.select == ("state:failed", "state:blocked"))
        await at.until(lambda: not at.app.model.live)


async def test_themes_can_be_drawn_and_an_unknown_one_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upriver's own and Textual's."""
    said: list[str] = []
    monkeypatch.setattr(UpriverApp, "say", lambda self, text, wrong=False: said.append(text))
    async with desk(theme="no-such-theme") as at:
        assert said[0].startswith("there is no theme 'no-such-theme'; there are ")
        for theme in ("upriver-light", "nord", "ansi-dark", "gruvbox", "upriver-dark"):
            at.app.theme = theme
            await at.pilot.pause()
            assert "marts.churn" in at.text()
