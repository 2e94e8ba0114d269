"""R and X in the column explorer: another name for a column, and what would break without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from upriver.assets.errors import UsageError
from upriver.assets.model import Place
from upriver.materializer.session import Session
from upriver.tui.app.app import UpriverApp
from upriver.tui.app.screens.columns import ColumnsScreen
from upriver.tui.app.screens.drop import DropScreen
from upriver.tui.app.screens.rename_column import RenameColumnScreen

Desk = Callable[..., Any]


async def explore(at: Any) -> None:
    """Put the cursor on core.order_pay.amount_usd."""
    await at.go_to("core.order_pay")
    await at.press("c")
    await at.shows("core.order_pay.order_id")
    await at.press("down", "down", "down")
    await at.shows("core.order_pay.amount_usd")


async def test_another_name_is_seen_line_by_line_and_then_written(desk: Desk) -> None:
    """R is about the column under the cursor; enter writes; what is shown is read again."""
    async with desk() as at:
        await explore(at)
        await at.press("R")
        await at.shows("Rename core.order_pay.amount_usd", "Type the name that it gets.")
        await at.press("ctrl+u")
        await at.type("order_id")
        await at.shows("core.order_pay has a column order_id already")
        await at.press("enter")
        assert at.said[-1] == "core.order_pay has a column order_id already"
        await at.press("ctrl+u")
        await at.type("usd")
        await at.shows(
            "2 files, 2 edits", "-   amount_usd,", "+   amount_usd as usd,", "+   x.usd as amount_usd,"
        )
        screen = at.app.screen
        screen.action_copy_command()
        assert at.app.clipboard == "upriver rename core.order_pay.amount_usd usd"
        screen.action_copy_json()
        assert json.loads(at.app.clipboard)["new"] == "usd"
        at.session.broken = UsageError("a.sql: edited meanwhile; nothing was changed")
        await at.press("enter")
        await at.shows("a.sql: edited meanwhile")
        at.session.broken = None
        await at.press("ctrl+u")
        await at.type("dollars")
        await at.shows("+   x.dollars as amount_usd,")
        await at.press("enter")
        await at.until(lambda: not isinstance(at.app.screen, RenameColumnScreen), "writing")
        await at.shows("dollars")
        assert at.said[-1].startswith("amount_usd is dollars now: 2 files")


async def test_what_dropping_it_would_break_is_told_below_and_with_each_place(
    desk: Desk, monkeypatch: Any
) -> None:
    """File and line, at once for the column on which the cursor rests, and in a sheet whose places are opened."""
    opened: list[Place] = []
    async with desk() as at:
        monkeypatch.setattr(at.app, "edit", opened.append)
        await explore(at)
        await at.shows("X drop it: breaks 1: orders:8")
        await at.press("X")
        await at.shows("If core.order_pay.amount_usd were dropped", "1 asset would break", "marts.orders")
        screen = at.app.screen
        assert isinstance(screen, DropScreen)
        screen.action_copy_command()
        assert at.app.clipboard == "upriver impact --drop core.order_pay.amount_usd"
        screen.action_copy_markdown()
        assert "| breaks | marts.orders |" in at.app.clipboard
        await at.press("enter")
        assert [place.line for place in opened] == [8]
        await at.press("escape")
        assert isinstance(at.app.screen, ColumnsScreen)


async def test_why_it_can_not_be_is_said(desk: Desk) -> None:
    """A source's own columns; a heading; a column that nothing reads."""
    async with desk() as at:
        await at.go_to("raw.payments")
        await at.press("c")
        await at.shows("raw.payments.")
        await at.press("R")
        assert at.said[-1].startswith("raw.payments is a source: its columns are called so in its own data")
        at.session.dropping = lambda key, column: ()
        await at.press("X")
        await at.shows("nothing downstream reads it: it can be dropped")
        await at.press("enter")
        assert at.said[-1] == "there is no place under the cursor"
        await at.press("escape", "down")
        await at.shows("nothing downstream reads it: it can be dropped (X) or renamed (R)")


async def test_what_is_not_known_is_no_promise(desk: Desk) -> None:
    def unknown(key: str, column: str) -> Any:
        raise UsageError("the columns of it are not known before it is built")

    async with desk() as at:
        at.session.dropping = unknown
        await explore(at)
        await at.shows("what dropping it would break is not known: the columns of it are not known")
        await at.press("X")
        await at.shows("the columns of it are not known before it is built")


async def test_the_files_of_a_real_project_are_rewritten(tmp_path: Path) -> None:
    """From the key press to the files."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    (tmp_path / "assets" / "one.sql").write_text("select 1 as x\n")
    (tmp_path / "assets" / "two.sql").write_text("select x + 1 as y from one\n")
    session = Session(tmp_path)
    app = UpriverApp(session)
    async with app.run_test(size=(100, 30)) as pilot:

        async def until(condition: Callable[[], object]) -> None:
            for _ in range(400):
                await pilot.pause(0.05)
                if condition():
                    return
            raise AssertionError("it did not happen")

        await until(lambda: app.model.checked and app.main.here is not None)
        app.main.assets.move_to(app.main.assets.place_of("one") or 0)
        await pilot.press("c")
        await until(lambda: isinstance(app.screen, ColumnsScreen) and app.screen.chosen == ("one", "x"))
        await pilot.press("R", "ctrl+u", *"uno")
        await until(lambda: app.screen.why_not("write") is None)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ColumnsScreen))
    session.close()
    assert (tmp_path / "assets" / "one.sql").read_text() == "select 1 as uno\n"
    assert (tmp_path / "assets" / "two.sql").read_text() == "select uno + 1 as y from one\n"
