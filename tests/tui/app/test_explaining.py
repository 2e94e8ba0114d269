"""Why, code, history, changes: what an asset's state comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.session import FakeSession

from upriver.assets.model import Place
from upriver.tui.app.app import UpriverApp
from upriver.tui.app.editor import editor_command
from upriver.tui.app.screens.code import CodeScreen
from upriver.tui.app.screens.run import RunScreen
from upriver.tui.app.screens.why import WhyScreen
from upriver.tui.app.widgets.text import TextRows

Desk = Callable[..., Any]


async def test_b_lists_what_hangs_on_the_root_causes(desk: Desk) -> None:
    """How much of it may have to be built, how much stays fresh; the list is filtered to it."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("w")
        await at.shows("BLAST", "downstream may have to be built", "b lists them")
        await at.press("b")
        assert at.app.screen is at.app.main
        assert "core.order_pay+" in at.app.main.filter_bar.input.value
        await at.until(lambda: "marts.orders" in at.app.main.assets.keys)
        assert "raw.fx" not in at.app.main.assets.keys


async def test_why_shows_the_chain_to_every_root_with_the_diff(desk: Desk) -> None:
    """Each link with its reason, roots numbered, the changed lines, what was ruled out, what it will cost."""
    async with desk() as at:
        await at.go_to("marts.revenue")
        await at.press("w")
        await at.shows("Why is marts.revenue pending?", "2 root causes, 4 hops away")
        await at.shows("└ ◔ core.order_pay", "①  core/order_pay.sql:5 changed", "②  raw.payments changed")
        await at.shows("-    5 │     p.amount as amount_usd,", "+    5 │     p.amount / 100.0 as amount_usd,")
        await at.shows("RULED OUT", "✓ raw.orders: same data", "REBUILD")


async def test_why_of_a_failure_shows_what_it_said(desk: Desk) -> None:
    """The error with its place and its caret."""
    async with desk() as at:
        await at.press("w")
        await at.shows(
            "Why is marts.churn failed?", "assets/marts/churn.sql:3:9", "^^^^^^", "did you mean 'plan_tier'?"
        )


async def test_in_the_chain_actions_are_about_the_asset_under_the_cursor(desk: Desk) -> None:
    """Enter explains that one; m builds that one."""
    async with desk() as at:
        await at.go_to("marts.revenue")
        await at.press("w")
        await at.shows("CHAIN")
        await at.press("down", "down")
        assert at.app.screen.subject == "core.order_pay"
        await at.press("m")
        await at.shows("Build core.order_pay")
        await at.press("escape", "enter")
        await at.shows("Why is core.order_pay stale?")
        await at.press("escape")
        assert isinstance(at.app.screen, WhyScreen)
        assert at.app.screen.key == "marts.revenue"


async def test_an_explanation_follows_the_project(desk: Desk) -> None:
    """Fresh now, stale after an edit, without leaving the screen."""
    async with desk() as at:
        await at.go_to("staging.fx")
        await at.press("w")
        await at.shows("Why is staging.fx fresh?", "nothing that it reads has changed")
        at.session.edit("staging.fx")
        await at.shows("Why is staging.fx stale?")


async def test_the_code_is_shown_with_what_changed_in_it(desk: Desk) -> None:
    """x: the diff first, then all of it."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("x")
        await at.shows("changed since it was built", "as it is now", "where o.status = 'paid'")
        assert isinstance(at.app.screen, CodeScreen)
        await at.press("escape")
        await at.go_to("staging.fx")
        await at.press("x")
        await at.shows("nothing changed here since it was built")


async def test_history_leads_to_the_run_that_made_it(desk: Desk) -> None:
    """Rows and their change from one materialization to the next."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("H")
        await at.shows("History of core.order_pay", "1,190,004", "+1.3 %")
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, RunScreen))
        await at.shows("RUN 0008")


async def test_the_output_of_the_last_run_is_one_key_away(desk: Desk) -> None:
    """l: what it printed, and from there the run."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("l")
        await at.shows("Output of core.order_pay", "1,190,004 rows")
        await at.press("enter")
        await at.shows("RUN 0008")


async def test_changes_tell_what_breaks_downstream(desk: Desk) -> None:
    """5: what is stale by itself, what these changes break, which columns will differ."""
    async with desk() as at:
        await at.press("8")
        await at.shows(
            "CHANGED  3 assets", "BREAKS", "marts.churn.pro_users", "CHANGES", "marts.revenue.revenue"
        )
        assert at.app.screen.query_one(TextRows).here == "staging.payments"
        await at.press("w")
        await at.shows("Why is staging.payments stale?")


async def test_e_opens_the_failing_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the list: the next failed asset and its line are two keys."""
    opened: list[Place] = []
    async with desk() as at:
        monkeypatch.setattr(at.app, "edit", opened.append)
        await at.go_to("raw.fx")
        await at.press("n", "e")
        assert opened == [Place("assets/marts/churn.sql", 3, 9)]
        await at.go_to("core.order_pay")
        await at.press("w")
        await at.shows("CHAIN")
        await at.press("e")
        assert opened[-1] == Place("assets/core/order_pay.sql", 5)


async def test_without_an_editor_e_says_what_to_set(desk: Desk) -> None:
    """And nothing else happens."""
    async with desk() as at:
        await at.press("e")
        assert at.said[-1] == "set EDITOR to the editor that you want"


async def test_an_editor_that_does_not_do_is_told_and_the_screen_comes_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not there, that ends badly, that can't even be read."""
    suspended: list[str] = []

    @contextmanager
    def suspend(app: UpriverApp) -> Iterator[None]:  # as Textual's: what raises in it does not come back
        suspended.append("left")
        yield
        suspended.append("back")

    monkeypatch.setattr(UpriverApp, "suspend", suspend)
    async with desk() as at:
        for editor, said in (
            ("no-such-editor -w", "no-such-editor can't be started: there is no such program"),
            ("vim 'unclosed", "the value of EDITOR can't be read"),
            ("false", "false has ended with exit status 1"),
        ):
            monkeypatch.setenv("EDITOR", editor)
            await at.press("e")
            assert at.said[-1].startswith(said)
        at.said.clear()
        monkeypatch.setenv("EDITOR", "true")
        await at.press("e")
        assert not at.said
    assert suspended == ["left", "back"] * 2


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("vim", ["vim", "+3", "/p/a.sql"]),
        ("/usr/bin/nano -w", ["/usr/bin/nano", "-w", "+3", "/p/a.sql"]),
        ("code", ["code", "--wait", "--goto", "/p/a.sql:3:9"]),
        ("hx", ["hx", "/p/a.sql:3:9"]),
        ("something-else", ["something-else", "/p/a.sql"]),
    ],
)
def test_editors_are_opened_at_the_line(editor: str, words: list[str]) -> None:
    """Each in its own way; an unknown one at the file."""
    place = Place("a.sql", 3, 9)
    assert editor_command({"EDITOR": editor}, Path("/p"), place) == words
    assert editor_command({"VISUAL": editor, "EDITOR": "ed"}, Path("/p"), place) == words
    assert editor_command({}, Path("/p"), place) is None


async def test_a_question_that_fails_is_answered_with_its_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen stays and shows the sentence."""
    session = FakeSession()
    async with desk(session) as at:
        monkeypatch.setattr(session, "why", lambda key: 1 / 0)
        await at.press("w")
        await at.shows("division by zero")
