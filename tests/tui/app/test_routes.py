"""Routes lead to screens and are commands; questions are answered once, and by their last asking."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import pytest
from textual.message_pump import MessagePump
from textual.screen import Screen

from upriver.assets.model import Place
from upriver.lineage.refactoring.fix import Fix
from upriver.lineage.refactoring.rename.values import FileChange
from upriver.tui.app import routes
from upriver.tui.app.background import Jobs
from upriver.tui.app.messages import Answer
from upriver.tui.app.registry import screen_of
from upriver.tui.app.routes import Route
from upriver.tui.cli.arguments import COMMANDS
from upriver.tui.cli.registry import load_command, parser_of

Desk = Callable[..., Any]

FIX = Fix(
    "a.b",
    "no column kol",
    Place("a/b.sql", 1),
    "kol",
    "col",
    FileChange("a/b.sql", "a/b.sql", "", b"select col", 1),
)
ROUTES: tuple[Route, ...] = (
    routes.Graph("a.b"), routes.Columns("a.b"), routes.Columns("a.b", "c"), routes.Runs(), routes.Checks(), routes.Changes(), routes.Cost(),
    routes.Goals(), routes.Incidents(),
    routes.Why("a.b"), routes.Preview("a.b"), routes.Code("a.b"), routes.Log("a.b"), routes.RunLog(), routes.RunLog("0001"),
    routes.History("a.b"), routes.Build(), routes.Build(("a.b",)), routes.Rename("a.b"), routes.RenameColumn("a.b", "c"),
    routes.Drop("a.b", "c"), routes.ApplyFix(FIX), routes.StopRun("0001"), routes.SavedViews(), routes.Jump(), routes.Leave(), routes.Help(),
)  # fmt: skip


def test_every_kind_of_route_is_tried_here() -> None:
    """Else the tests below say nothing about a new one."""
    assert {type(route) for route in ROUTES} == set(get_args(Route))


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_route_that_is_a_command_is_one_that_the_command_line_takes(route: Route) -> None:
    """It is copied, and typed in a shell."""
    if route.words:
        name, *arguments = route.words
        assert name in COMMANDS
        parser_of(name, load_command(name)).parse(arguments)


async def test_every_route_has_a_screen(desk: Desk) -> None:
    """Over the list, where all of them can be opened."""
    async with desk() as at:
        for route in ROUTES:
            assert isinstance(screen_of(route, at.app.main), Screen)


class Asker(MessagePump):
    """Collects answers instead of having a message loop."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[object] = []
        self.answered = threading.Event()

    def post_message(self, message: object) -> bool:
        """Take an answer at once."""
        assert isinstance(message, Answer)
        message.deliver()
        self.answered.set()
        return True

    def take(self, value: object) -> None:
        """An answer."""
        self.answers.append(value)

    def fail(self, error: Exception) -> None:
        """A failure."""
        self.answers.append(str(error))


def test_of_several_questions_with_one_handler_the_last_is_answered() -> None:
    """A screen that asks at every key shows what was typed last, and nothing else."""
    jobs, asker = Jobs(), Asker()
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go_on.wait(10)
        return "slow"

    jobs.ask(asker, slow, asker.take, asker.fail)
    assert begun.wait(10)
    for number in range(3):
        jobs.ask(asker, partial(int, number), asker.take, asker.fail)
    assert asker.answered.wait(10)
    go_on.set()
    jobs.ask(asker, partial(divmod, 1, 0), asker.take, asker.fail)
    while len(asker.answers) < 2:
        threading.Event().wait(0.01)
    assert asker.answers[0] == 2
    assert "zero" in str(asker.answers[1])


def test_a_question_that_was_answered_holds_its_screen_no_longer() -> None:
    """Screens come and go for hours."""
    jobs, asker = Jobs(), Asker()
    jobs.ask(asker, lambda: 1, asker.take, asker.fail)
    assert asker.answered.wait(10)
    assert not jobs._latest
