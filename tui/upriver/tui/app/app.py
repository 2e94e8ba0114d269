"""The terminal UI: a face on the session and the event stream.

Worker threads (``errands``) post messages; the handlers here bring them to the board and tell the screens.
Nothing in the UI thread waits for the session.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.timer import Timer

from upriver.assets.model import Key, Place
from upriver.materializer.session import Session
from upriver.tui.app import theme as themes
from upriver.tui.app.background import Errands, Watch
from upriver.tui.app.diff_painter import Painter, erases_in_colour
from upriver.tui.app.editor import open_editor, open_text
from upriver.tui.app.frame_saver import FrameKeeper
from upriver.tui.app.messages import ProjectRead, RunEnded, RunFound
from upriver.tui.app.project_model import Board
from upriver.tui.app.run_controller import Running
from upriver.tui.app.screens.frame import Asking, Upon
from upriver.tui.app.screens.main import MainScreen
from upriver.tui.app.screens.tabs import tab_screen
from upriver.tui.present.styles import Ink, clean, without_signs
from upriver.tui.present.views.order import Listing, Sort, listing
from upriver.tui.present.views.recent import read_runs

FRAME_SECONDS = 0.1
"""Events are painted ten times a second, however many arrive."""


class UpriverApp(Asking, App[int]):
    """*session* is the project. *clock* gives seconds since the epoch."""

    CSS_PATH = "app.tcss"
    TITLE = "upriver"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "quit", show=False, tooltip="Leave; a build of this window is asked about"),
        Binding("ctrl+q", "leave", "quit", show=False, priority=True),
        Binding("ctrl+c", "leave", "quit", show=False),
        Binding("ctrl+l", "redraw", "redraw", show=False, tooltip="Draw the whole screen again"),
    ]

    def __init__(
        self,
        session: Session,
        *,
        ascii: bool = False,
        theme: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ascii = ascii
        super().__init__()
        self.session = session
        self.clock = clock
        self.board = Board()
        self.errands = Errands()
        self.watch_thread = Watch(session, self, Sort.ATTENTION)
        self.painter = Painter(erases=erases_in_colour(os.environ))
        self.running = Running(self)
        self._ink: tuple[str, Ink] | None = None
        self._frames = 0
        self._frame_timer: Timer | None = None
        self._closing_down = False
        self._asked_theme = theme
        self.keeper = FrameKeeper(self, theme)
        for own in themes.THEMES:
            self.register_theme(own)
        self.theme = theme if theme in self.available_themes else themes.DARK.name

    # -- look ----------------------------------------------------------------------------------------

    @property
    def ink(self) -> Ink:
        """Styles of the current theme."""
        if self._ink is None or self._ink[0] != self.theme:
            self._ink = (self.theme, themes.ink_of(self.theme_variables, ascii=self.ascii))
        return self._ink[1]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Upriver's own CSS variables under themes that do not know them."""
        return themes.variable_defaults(self.current_theme)

    def title_text(self, title: str, detail: str = "") -> Content:
        """A title for a border; names in it are data."""
        title, detail = clean(title), f"  {clean(detail)}" if detail else ""
        if self.ascii:
            title, detail = without_signs(title), without_signs(detail)
        return Content.assemble(title, (detail, "not bold dim"))

    def say(self, text: str, *, wrong: bool = False) -> None:
        """A short message in the corner. *text* is data, never markup."""
        self.notify(
            text, severity="error" if wrong else "information", timeout=6 if wrong else 3, markup=False
        )

    # -- life ----------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show the list; look at the project from now on."""
        self.set_class(self.ascii, "-ascii")
        ScrollBar.renderer = themes.WholeCells if self.ascii else ScrollBarRender
        self.push_screen(MainScreen())
        if self._asked_theme is not None and self._asked_theme not in self.available_themes:
            known = ", ".join(sorted(self.available_themes))
            self.say(f"there is no theme {self._asked_theme!r}; there are {known}", wrong=True)
        self.watch_thread.start()
        self.set_interval(1.0, self._second)
        self._frame_timer = self.set_interval(FRAME_SECONDS, self._frame, pause=True)

    def on_unmount(self) -> None:
        """Let the threads go; keep the picture."""
        self.keeper.finish()
        self.watch_thread.stop()
        self.running.let_go()

    async def _shutdown(self) -> None:
        """From here on the screens lose their widgets: nothing is shown any more."""
        self._closing_down = True
        await super()._shutdown()

    def _frame(self) -> None:
        """Ten times a second while a run goes on: show what has arrived, let durations go on now and then."""
        self._frames += 1
        if self.running.fetch() or self._frames % 5 == 0:
            self._tick_screens()

    def _second(self) -> None:
        """Every second: the clock, and now and then the picture for the next start."""
        if self._frame_timer is not None:
            (self._frame_timer.resume if self.running.busy else self._frame_timer.pause)()
        self.keeper.keep()
        self._tick_screens()

    def _tick_screens(self) -> None:
        for screen in self.upon_screens():
            screen.ticked()

    def upon_screens(self) -> Iterable[Upon]:
        """The open screens that show the project."""
        if self._closing_down:
            return []
        return [screen for screen in self.screen_stack if isinstance(screen, Upon) and screen.ready]

    # -- the project ---------------------------------------------------------------------------------

    def on_project_read(self, message: ProjectRead) -> None:
        """Adopt a reading and show what is different."""
        if self._closing_down:
            return
        first, unchecked = not self.board.loaded, not self.board.checked
        untouched = self.main.assets.cursor == 0
        order_before = self.board.order
        if message.reading.provisional and first is False:
            return
        changed = self.board.take(message.reading)
        self.watch_thread.ranked_as = dict(self.board.rank)
        self.tell(changed, order=first or self.board.order.keys != order_before.keys)
        if unchecked and untouched:
            self.main.assets.move_to(0)  # what needs attention now, not what was first the last time
        self.ask_for_runs()

    def tell(self, changed: set[Key], *, order: bool) -> None:
        for screen in self.upon_screens():
            screen.board_changed(changed, order=order)

    def ask_for_runs(self) -> None:
        """Learn what the last runs did to each asset."""
        known = self.board.recent.known_runs
        self.ask("runs", lambda: read_runs(self.session, known))

    def answer_runs(self, entries: object) -> None:
        """Take in the last runs."""
        assert isinstance(entries, tuple)
        touched = self.board.recent.add_runs(entries)
        if touched:
            self.tell(touched, order=False)

    def sort_by(self, sort: Sort) -> None:
        """Order the list by *sort*."""
        self.watch_thread.sort = sort
        statuses, ranks = dict(self.board.statuses), dict(self.board.rank)
        self.ask("sorted", lambda: listing(statuses, sort, ranks))

    def answer_sorted(self, order: object) -> None:
        """Adopt another order."""
        assert isinstance(order, Listing)
        self.board.order = order
        self.tell(set(), order=True)

    # -- runs ----------------------------------------------------------------------------------------

    def build(self, select: tuple[str, ...], *, force: bool = False, jobs: int | None = None) -> bool:
        """Start a build of *select*; False when a run is going on."""
        started = self.running.start(select, force=force, jobs=jobs)
        self._second()
        return started

    def on_run_found(self, message: RunFound) -> None:
        """Another process builds."""
        self.running.follow(message.run)
        self._second()

    def on_run_ended(self, message: RunEnded) -> None:
        """A run is over."""
        self.running.ended(message)
        self._tick_screens()

    def show_run(self, run: str | None = None) -> None:
        """Show a run; the one that goes on if none is named."""
        from upriver.tui.app.screens.run import RunScreen

        self.push_screen(RunScreen(run))

    def edit(self, place: Place) -> None:
        """Open *place* in the user's editor; the screen comes back when it is left."""
        open_editor(self, place)
        self.action_redraw()
        self.watch_thread.look_now()

    def edit_text(self, name: str, text: str, line: int) -> None:
        """Show *text* in the user's editor, as a file called *name*."""
        open_text(self, name, text, line)
        self.action_redraw()

    # -- where one is --------------------------------------------------------------------------------

    def action_tab(self, number: int) -> None:
        """Go to a tab: 1 Assets, 2 Graph, 3 Columns, 4 Runs, 5 Changes, 6 Cost."""
        self.go(number)

    def go(self, number: int, key: Key | None = None, column: str | None = None) -> None:
        """Show a tab, about *key* when it is about one asset."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        key = key or self.main.here
        if number == 1:
            return
        if number in (2, 3) and key is None:
            self.say("there is no asset to show")
            return
        self.push_screen(tab_screen(number, key, column))
        if number == 4 and self.board.live:
            self.show_run()

    @property
    def main(self) -> MainScreen:
        """The list, which is always at the bottom of the stack."""
        screen = self.screen_stack[1]
        assert isinstance(screen, MainScreen)
        return screen

    def back(self) -> None:
        """Leave the topmost screen, but not the list."""
        if len(self.screen_stack) > 2:
            self.pop_screen()

    # -- actions -------------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Show all keys that work here."""
        from upriver.tui.app.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_redraw(self) -> None:
        """Draw everything again, whatever the terminal shows."""
        self.painter.forget()
        self.refresh(layout=True)

    def action_leave(self) -> None:
        """Quit; a build of this window is asked about first."""
        if self.board.live and self.running.own:
            from upriver.tui.app.screens.leave import LeaveScreen

            self.push_screen(LeaveScreen())
        else:
            self.exit(0)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: every key of the screen, and the themes."""
        from upriver.tui.app.screens.help import bindings_of

        for entry in bindings_of(screen):
            if entry.run is not None:
                yield SystemCommand(entry.title, entry.what, entry.run)
        yield SystemCommand("Theme", "Choose the colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save the screen as an SVG picture", self.deliver_screenshot)

    def _display(self, screen: Screen[object], renderable: object) -> None:
        """Write only what differs from what the terminal shows (see ``painter``)."""
        if renderable is not None and not self.is_headless and not self._batch_count:
            width, height = self.size
            renderable = self.painter.reduce(renderable, width, height) or renderable
        super()._display(screen, renderable)  # type: ignore[arg-type]
