"""The app of the terminal UI: a Textual app on the session and its event stream.

Worker threads (``background``) post messages; the handlers here bring them to the project model and update the
screens. Nothing in the UI thread waits for the session.
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
from upriver.materializer.answers import RunEntry
from upriver.materializer.operations import ProjectApi
from upriver.tui.app import routes
from upriver.tui.app import theme as themes
from upriver.tui.app.background import Jobs, ProjectWatcher
from upriver.tui.app.diff_painter import Painter, erases_in_colour
from upriver.tui.app.editor import open_editor, open_text
from upriver.tui.app.frame_saver import FrameSaver
from upriver.tui.app.messages import ProjectRead, RunEnded, RunFound
from upriver.tui.app.project_model import ProjectModel
from upriver.tui.app.registry import screen_of
from upriver.tui.app.routes import Route
from upriver.tui.app.run_controller import RunController
from upriver.tui.app.screen_bases.screen import AsyncScreen, ProjectScreen
from upriver.tui.app.screens.main import MainScreen
from upriver.tui.present.styles import Styles, clean, without_signs
from upriver.tui.present.views.order import Listing, Sort, listing
from upriver.tui.present.views.recent import read_runs

FRAME_SECONDS = 0.1
"""Events are painted ten times a second, however many arrive."""


_TABS: dict[int, routes.Route] = {
    5: routes.Checks(),
    6: routes.Goals(),
    7: routes.Incidents(),
    8: routes.Changes(),
    9: routes.Cost(),
}
"""The tabs that show the same whatever was marked before."""


class UpriverApp(AsyncScreen, App[int]):
    """The :class:`Host` of all screens. *session* is the project. *clock* gives seconds since the epoch."""

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
        session: ProjectApi,
        *,
        ascii: bool = False,
        theme: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ascii = ascii
        super().__init__()
        self.session = session
        self.clock = clock
        self.model = ProjectModel()
        self.jobs = Jobs()
        self.watcher = ProjectWatcher(session, self, Sort.ATTENTION)
        self.painter = Painter(erases=erases_in_colour(os.environ))
        self.run_controller = RunController(self, self, self.watcher)
        self._text_styles: tuple[str, Styles] | None = None
        self._frames = 0
        self._frame_timer: Timer | None = None
        self._closing_down = False
        self._asked_theme = theme
        self.frame_saver = FrameSaver(session.root, self.painter, theme=theme, ascii=ascii)
        for own in themes.THEMES:
            self.register_theme(own)
        self.theme = theme if theme in self.available_themes else themes.DARK.name

    # -- look ----------------------------------------------------------------------------------------

    @property
    def text_styles(self) -> Styles:
        """Styles of the current theme."""
        if self._text_styles is None or self._text_styles[0] != self.theme:
            self._text_styles = (self.theme, themes.styles_of(self.theme_variables, ascii=self.ascii))
        return self._text_styles[1]

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
        """Show a short message in the corner. *text* is data, never markup."""
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
        self.watcher.start()
        self.set_interval(1.0, self._second)
        self._frame_timer = self.set_interval(FRAME_SECONDS, self._frame, pause=True)

    def on_unmount(self) -> None:
        """Stop the threads; save the last frame."""
        self.frame_saver.due_now()
        if len(self.screen_stack) > 1:
            self._save_frame()
        self.frame_saver.finish()
        self.watcher.stop()
        self.run_controller.let_go()

    async def _shutdown(self) -> None:
        """From here on the screens lose their widgets: nothing is shown any more."""
        self._closing_down = True
        await super()._shutdown()

    def _frame(self) -> None:
        """Ten times a second while a run goes on: show what has arrived, let durations go on now and then."""
        self._frames += 1
        if self.run_controller.fetch() or self._frames % 5 == 0:
            self._tick_screens()

    def _second(self) -> None:
        """Every second: the clock, and now and then the picture for the next start."""
        if self._frame_timer is not None:
            (self._frame_timer.resume if self.run_controller.busy else self._frame_timer.pause)()
        self._save_frame()
        self._tick_screens()

    def _save_frame(self) -> None:
        """Save the frame for the next start, if the list is what is shown."""
        if not (self.is_headless or self.is_web) and self.model.checked and self.screen is self.main:
            self.frame_saver.save(*self.size)

    def _tick_screens(self) -> None:
        for screen in self.project_screens():
            screen.ticked()

    def project_screens(self) -> Iterable[ProjectScreen]:
        """The open screens that show the project."""
        if self._closing_down:
            return []
        return [screen for screen in self.screen_stack if isinstance(screen, ProjectScreen) and screen.ready]

    # -- the project ---------------------------------------------------------------------------------

    def on_project_read(self, message: ProjectRead) -> None:
        """Take in a snapshot of the project and show what is different."""
        if self._closing_down:
            return
        first, unchecked = not self.model.loaded, not self.model.checked
        untouched = self.main.assets.cursor == 0
        order_before = self.model.order
        if message.snapshot.provisional and first is False:
            return
        changed = self.model.take(message.snapshot)
        self.watcher.ranked_as = dict(self.model.rank)
        self.show_changes(changed, order=first or self.model.order.keys != order_before.keys)
        if unchecked and untouched:
            self.main.assets.move_to(0)  # what needs attention now, not what was first the last time
        self.ask_for_runs()

    def show_changes(self, changed: set[Key], *, order: bool) -> None:
        """Let the open screens show that *changed* keys differ; *order* says that rows moved."""
        for screen in self.project_screens():
            screen.project_changed(changed, order=order)

    def ask_for_runs(self) -> None:
        """Read what the last runs did to each asset."""
        known = self.model.recent.known_runs
        self.ask(lambda: read_runs(self.session, known), self._take_runs)

    def _take_runs(self, entries: tuple[RunEntry, ...]) -> None:
        touched = self.model.recent.add_runs(entries)
        if touched:
            self.show_changes(touched, order=False)

    def sort_by(self, sort: Sort) -> None:
        """Order the list by *sort*."""
        self.watcher.sort = sort
        statuses, ranks = dict(self.model.statuses), dict(self.model.rank)
        self.ask(lambda: listing(statuses, sort, ranks), self._take_order)

    def _take_order(self, order: Listing) -> None:
        self.model.order = order
        self.show_changes(set(), order=True)

    # -- runs ----------------------------------------------------------------------------------------

    def build(self, select: tuple[str, ...], *, force: bool = False, jobs: int | None = None) -> bool:
        """Start a build of *select*; False when a run is going on."""
        started = self.run_controller.start(select, force=force, jobs=jobs)
        self._second()
        return started

    def on_run_found(self, message: RunFound) -> None:
        """Another process builds."""
        self.run_controller.follow(message.run)
        self._second()

    def on_run_ended(self, message: RunEnded) -> None:
        """A run is over."""
        self.run_controller.ended(message)
        self._tick_screens()

    def stop_build(self, *, then_leave: bool = False) -> None:
        """Stop the build of this window: gently at first, then at once. *then_leave* ends the program with it."""
        self.run_controller.stop()
        self.run_controller.leave_at_end |= then_leave

    def drop_from_build(self, key: Key) -> None:
        """Leave one asset out of the build of this window."""
        self.run_controller.drop(key)

    def leave_build_running(self) -> None:
        """Let the build of this window go on when the window is closed."""
        self.run_controller.leave_running()

    def read_again(self) -> None:
        """Read the project again without delay."""
        self.watcher.look_now()

    def edit(self, place: Place) -> None:
        """Open *place* in the user's editor; the screen comes back when it is left."""
        open_editor(self, place)
        self.redraw()
        self.read_again()

    def edit_text(self, name: str, text: str, line: int) -> None:
        """Show *text* in the user's editor, as a file called *name*."""
        open_text(self, name, text, line)
        self.redraw()

    # -- where one is --------------------------------------------------------------------------------

    def open(self, route: Route, then: Callable[[str | None], None] | None = None) -> None:
        """Show the screen of *route*; *then* takes the result of a dialog."""
        self.push_screen(screen_of(route, self.screen), then)

    def action_tab(self, number: int) -> None:
        """Go to a tab: 1 Assets, 2 Graph, 3 Columns, 4 Runs, 5 Checks, 6 Goals, 7 Incidents, 8 Changes, 9 Cost."""
        self.go(number)

    def go(self, number: int, key: Key | None = None, column: str | None = None) -> None:
        """Show a tab, about *key* when it is about one asset."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        key = key or self.here
        if number in (2, 3):
            if key is None:
                self.say("there is no asset to show")
            else:
                self.open(routes.Graph(key) if number == 2 else routes.Columns(key, column))
        elif number == 4:
            self.open(routes.Runs())
            if self.model.live:
                self.open(routes.RunLog())
        elif number in _TABS:
            self.open(_TABS[number])

    @property
    def main(self) -> MainScreen:
        """The list, which is always at the bottom of the stack."""
        screen = self.screen_stack[1]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def here(self) -> Key | None:
        """The asset under the cursor of the list."""
        return self.main.here

    @property
    def filter_text(self) -> str:
        """The filter of the list."""
        return self.main.filter_bar.input.value

    def set_filter(self, text: str) -> None:
        """Filter the list by *text*."""
        self.main.set_filter(text)

    def clear_marks(self) -> None:
        """Unmark all assets of the list."""
        self.main.assets.marked = set()

    def back(self) -> None:
        """Leave the topmost screen, but not the list."""
        if len(self.screen_stack) > 2:
            self.pop_screen()

    # -- actions -------------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Show all keys that work here."""
        self.open(routes.Help())

    def action_redraw(self) -> None:
        """Draw everything again, whatever the terminal shows."""
        self.redraw()

    def redraw(self) -> None:
        """Draw everything again, whatever the terminal shows."""
        self.painter.forget()
        self.refresh(layout=True)

    def action_leave(self) -> None:
        """Quit; a build of this window is asked about first."""
        if self.model.live and self.run_controller.own:
            self.open(routes.Leave())
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
