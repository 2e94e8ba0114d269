"""An app on the fake shop, driven like a user would."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # the fakes are shared by tests and benchmarks

from tests.fakes.session import FakeSession
from textual.pilot import Pilot
from textual.strip import Strip

from upriver.tui.app.app import UpriverApp


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clock times are shown in local time; here that is UTC, without colours or editors of whoever runs the tests."""
    monkeypatch.setenv("TZ", "UTC")
    for name in ("NO_COLOR", "EDITOR", "VISUAL", "UPRIVER_THEME"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    os.environ.pop("TZ", None)
    time.tzset()


class Desk:
    """The app, its session, and what one does at a terminal."""

    def __init__(self, app: UpriverApp, pilot: Pilot[int], session: FakeSession) -> None:
        self.app = app
        self.pilot = pilot
        self.session = session
        self.said: list[str] = []
        said = app.say

        def listen(text: str, *, wrong: bool = False) -> None:
            self.said.append(text)
            said(text, wrong=wrong)

        app.say = listen  # type: ignore[method-assign]

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type characters."""
        names = {" ": "space", ":": "colon", "+": "plus", ",": "comma", ".": "full_stop", "_": "underscore"}
        names |= {"!": "exclamation_mark", "*": "asterisk", ">": "greater_than_sign", "=": "equals_sign"}
        await self.press(*(names.get(character, character) for character in text))

    async def until(self, condition: Callable[[], object], what: str = "it", timeout: float = 10.0) -> None:
        """Wait until *condition* holds."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"{what} did not happen; the screen is\n{self.text()}"
            await self.pilot.pause(0.02)

    async def shows(self, *texts: str) -> None:
        """Wait until all of *texts* are on the screen."""
        await self.until(lambda: all(text in self.text() for text in texts), f"showing {texts}")

    async def settled(self) -> None:
        """Wait until the screen has been the same for a while."""
        before = ""
        same = 0
        for _ in range(120):
            await self.pilot.pause(0.05)
            text = self.text()
            same = same + 1 if text == before else 0
            if same == 3:
                return
            before = text

    def lines(self) -> list[str]:
        """The characters on the screen."""
        screen = self.app.screen
        update = screen._compositor.render_update(full=True, screen_stack=self.app._background_screens)
        return [Strip.join(line).text for line in update.strips]  # type: ignore[union-attr]

    def text(self) -> str:
        """The characters on the screen, as one text."""
        return "\n".join(self.lines())

    @property
    def here(self) -> str | None:
        """The asset under the cursor of the list."""
        return self.app.main.here

    async def go_to(self, key: str) -> None:
        """Put the cursor of the list on *key*."""
        place = self.app.main.assets.place_of(key)
        assert place is not None, key
        self.app.main.assets.move_to(place)
        await self.pilot.pause(0.08)


@pytest.fixture
def desk() -> Callable[..., object]:
    """``async with desk(session, size=…) as desk:`` opens the app and waits until it has read the project."""

    @asynccontextmanager
    async def open_desk(
        session: FakeSession | None = None,
        *,
        size: tuple[int, int] = (120, 36),
        ascii: bool = False,
        theme: str | None = None,
        loaded: bool = True,
    ) -> AsyncIterator[Desk]:
        session = session or FakeSession()
        app = UpriverApp(session, ascii=ascii, theme=theme, clock=session.clock)
        async with app.run_test(size=size) as pilot:
            at = Desk(app, pilot, session)
            if loaded:
                await at.until(lambda: app.model.loaded, "reading the project")
                await at.until(
                    lambda: app.model.recent.newest is not None or not session.runs(), "reading the runs"
                )
            await pilot.pause()
            yield at

    return open_desk
