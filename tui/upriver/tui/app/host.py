"""Host: the port through which screens and widgets use the app. They import this protocol, never the app."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, cast

from textual.content import Content
from textual.dom import DOMNode
from textual.geometry import Size

from upriver.assets.model import Key, Place
from upriver.materializer.operations import ProjectApi
from upriver.tui.app.background import Jobs
from upriver.tui.app.project_model import ProjectModel
from upriver.tui.app.routes import Route
from upriver.tui.present.styles import Styles
from upriver.tui.present.views.order import Sort


class Host(Protocol):
    """The app as its screens and widgets see it."""

    session: ProjectApi
    model: ProjectModel
    jobs: Jobs
    clock: Callable[[], float]
    """Seconds since the epoch."""

    ascii: bool

    # -- look ----------------------------------------------------------------------------------------

    @property
    def text_styles(self) -> Styles:
        """Styles of the current theme."""
        ...

    @property
    def size(self) -> Size:
        """Size of the terminal, in cells."""
        ...

    def title_text(self, title: str, detail: str = "") -> Content:
        """A title for a border; names in it are data."""
        ...

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Show a short message in the corner. *text* is data, never markup."""
        ...

    def copy_to_clipboard(self, text: str) -> None:
        """Put *text* on the clipboard of the terminal."""
        ...

    def redraw(self) -> None:
        """Draw everything again, whatever the terminal shows."""
        ...

    def suspend(self) -> AbstractContextManager[None]:
        """Leave the terminal to another program. Raises SuspendNotSupported where there is none."""
        ...

    # -- screens -------------------------------------------------------------------------------------

    def open(self, route: Route, then: Callable[[str | None], None] | None = None) -> None:
        """Show the screen of *route*; *then* takes the result of a dialog."""
        ...

    def go(self, number: int, key: Key | None = None, column: str | None = None) -> None:
        """Show a tab, about *key* when it is about one asset."""
        ...

    def back(self) -> None:
        """Leave the topmost screen, but not the list."""
        ...

    def exit(self, result: int | None = None) -> None:
        """End the program; *result* is its exit code."""
        ...

    # -- the list ------------------------------------------------------------------------------------

    @property
    def here(self) -> Key | None:
        """The asset under the cursor of the list."""
        ...

    @property
    def filter_text(self) -> str:
        """The filter of the list."""
        ...

    def set_filter(self, text: str) -> None:
        """Filter the list by *text*."""
        ...

    def clear_marks(self) -> None:
        """Unmark all assets of the list."""
        ...

    def sort_by(self, sort: Sort) -> None:
        """Order the list by *sort*."""
        ...

    # -- the project ---------------------------------------------------------------------------------

    def read_again(self) -> None:
        """Read the project again without delay."""
        ...

    def edit(self, place: Place) -> None:
        """Open *place* in the user's editor."""
        ...

    def edit_text(self, name: str, text: str, line: int) -> None:
        """Show *text* in the user's editor, as a file called *name*."""
        ...

    def show_changes(self, changed: set[Key], *, order: bool) -> None:
        """Let the open screens show that *changed* keys differ; *order* says that rows moved."""
        ...

    # -- runs ----------------------------------------------------------------------------------------

    def build(self, select: tuple[str, ...], *, force: bool = False, jobs: int | None = None) -> bool:
        """Start a build of *select*; False when a run is going on."""
        ...

    def stop_build(self, *, then_leave: bool = False) -> None:
        """Stop the build of this window: gently at first, then at once. *then_leave* ends the program with it."""
        ...

    def drop_from_build(self, key: Key) -> None:
        """Leave one asset out of the build of this window."""
        ...

    def leave_build_running(self) -> None:
        """Let the build of this window go on when the window is closed."""
        ...


def host_of(node: DOMNode) -> Host:
    """The app that *node* belongs to."""
    return cast(Host, node.app)
