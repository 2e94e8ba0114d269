"""R: another key for an asset, seen line by line before it is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.session import FakeSession

from upriver.assets.errors import UsageError
from upriver.materializer.session import Session
from upriver.tui.app.app import UpriverApp
from upriver.tui.app.screens.rename import RenameScreen

Desk = Callable[..., Any]


async def clear_and_type(at: Any, text: str) -> None:
    """Another key in the place of the one that stands there."""
    await at.press("ctrl+u")
    await at.type(text)


async def test_what_a_new_key_changes_is_seen_while_one_types_and_then_written(desk: Desk) -> None:
    """Files, lines, the move, what is built again, what is left alone; enter writes it, the list follows."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("R")
        await at.shows("Rename core.order_pay", "Type the key that it gets.")
        await at.press("enter")
        assert at.said[-1] == "type another key first"
        await clear_and_type(at, "core.paid")
        await at.shows("files, ", "edits", "assets/core/order_pay.sql → assets/core/paid.sql")
        await at.shows("- from core.order_pay", "+ from core.paid", "left as it is: README.md:7:3")
        await at.press("enter")
        await at.until(lambda: not isinstance(at.app.screen, RenameScreen), "writing")
        await at.until(lambda: "core.paid" in at.app.model.statuses, "reading again")
        assert "core.order_pay" not in at.app.model.statuses
        assert at.said[-1].startswith("core.order_pay is core.paid now: ")


async def test_what_is_in_the_way_is_said_and_nothing_is_written(desk: Desk) -> None:
    """A key that is taken; a file that was edited meanwhile; escape leaves everything."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("R")
        await clear_and_type(at, "marts.orders")
        await at.shows("there is marts.orders already")
        await at.press("enter")
        assert at.said[-1].startswith("there is marts.orders already")
        await clear_and_type(at, "core.paid")
        await at.shows("+ from core.paid")
        at.session.broken = UsageError("a.sql was edited meanwhile; nothing was changed")
        await at.press("enter")
        await at.shows("a.sql was edited meanwhile")
        at.session.broken = None
        await at.press("escape")
        assert "core.order_pay" in at.session.specs


async def test_it_is_copied_as_command_and_refused_where_it_can_not_be(desk: Desk) -> None:
    async with desk(FakeSession(pace=0.1)) as at:
        await at.go_to("core.order_pay")
        await at.press("R")
        await clear_and_type(at, "core.paid")
        await at.shows("+ from core.paid")
        screen = at.app.screen
        screen.action_copy_command()
        assert at.app.clipboard == "upriver rename core.order_pay core.paid"
        screen.action_copy_markdown()
        assert "| from core.order_pay | from core.paid |" in at.app.clipboard
        screen.action_copy_json()
        assert json.loads(at.app.clipboard)["new"] == "core.paid"
        await at.press("escape")
        at.session.build_elsewhere(())
        await at.until(lambda: at.app.model.live, "the build")
        await at.press("R")
        assert at.said[-1] == "nothing can be renamed during a build; 4 shows it"


async def test_the_files_of_a_real_project_are_rewritten(tmp_path: Path) -> None:
    """From the key press to the file."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    (tmp_path / "assets" / "one.sql").write_text("select 1 as x\n")
    (tmp_path / "assets" / "two.sql").write_text("select x from one\n")
    session = Session(tmp_path)
    app = UpriverApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in range(200):
            await pilot.pause(0.05)
            if app.model.checked and app.main.here is not None:
                break
        app.main.assets.move_to(app.main.assets.place_of("one") or 0)
        await pilot.press("R", "ctrl+u", *"uno")
        for _ in range(200):
            await pilot.pause(0.05)
            if app.screen.why_not("write") is None:  # type: ignore[attr-defined]
                break
        await pilot.press("enter")
        for _ in range(200):
            await pilot.pause(0.05)
            if "uno" in app.model.statuses:
                break
        assert set(app.model.statuses) == {"uno", "two"}
    session.close()
    assert (tmp_path / "assets" / "two.sql").read_text() == "select x from uno\n"
    assert sorted(path.name for path in (tmp_path / "assets").iterdir()) == ["two.sql", "uno.sql"]
