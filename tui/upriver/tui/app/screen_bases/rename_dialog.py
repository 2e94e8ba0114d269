"""Base of the rename dialogs: shows what each file and line becomes while a name is typed, then writes it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from upriver.lineage.refactoring.rename.values import ColumnRenaming, FileChange, Renaming
from upriver.tui.app.screen_bases.dialog import Dialog
from upriver.tui.app.widgets.text import ReadOnly, Row, blank, plain
from upriver.tui.present.styles import Line, Styles, fit
from upriver.tui.present.text.rename import consequences
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.words import plural

R = TypeVar("R", bound=Renaming | ColumnRenaming)


class RenameDialog(Dialog[str | None], Generic[R]):
    """What is shown is what is written: a file that is edited meanwhile refuses it. Its result is the new name."""

    AUTO_FOCUS = "#new-key"
    THING: ClassVar[str]
    """What is given: a key, a name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "rename", tooltip="Write all these files"),
        Binding("escape", "close", "leave it as it is", priority=True),
        Binding("down", "scroll(1)", "scroll", show=False, tooltip="Further down in what would change"),
        Binding("up", "scroll(-1)", "scroll", show=False, tooltip="Further up in what would change"),
    ]

    DEFAULT_CSS = """
    RenameDialog #new-key { margin: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._found: R | None = None
        self._refusal: str | None = None
        self._writing = False

    @property
    def named(self) -> str:
        """The name now."""
        raise NotImplementedError

    def look(self, new: str) -> None:
        """Ask what *new* would change, and give the answer to :meth:`take` or :meth:`refused`."""
        raise NotImplementedError

    def write(self, found: R) -> None:
        """Write it. In a worker thread."""
        raise NotImplementedError

    def words(self, found: R) -> tuple[str, ...]:
        """The command that does the same."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """The new name, and what it changes."""
        name = Input(self.named, id="new-key", compact=True, select_on_focus=False)
        name.cursor_blink = False  # a dialog at rest writes nothing
        yield name
        yield ReadOnly(id="renaming")

    def on_mount(self) -> None:
        """Nothing is typed yet."""
        self._show()

    @property
    def new(self) -> str:
        """What is typed."""
        return self.query_one(Input).value.strip()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Look what it would change."""
        self._found = self._refusal = None
        if self.new not in ("", self.named):
            self.look(self.new)
        self._show()

    def take(self, answer: tuple[str, R]) -> None:
        """Show what would change, unless another name was typed meanwhile."""
        new, found = answer
        if new == self.new:
            self._found = found
            self._show()

    def refused(self, error: Exception) -> None:
        """Show what is in the way."""
        if self.new not in ("", self.named):
            self._refusal = str(error)
            self._show()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Write."""
        self.action_write()

    def why_not(self, action: str) -> str | None:
        """Why it can't be written now."""
        if action != "write":
            return None
        if self.model.live:
            return "a build is going on; 4 shows it"
        if self._writing:
            return "it is being written"
        if self._refusal is not None:
            return self._refusal.split("\n")[0]
        if self.new in ("", self.named):
            return f"type another {self.THING} first"
        return None if self._found is not None else "looking for what names it"

    def action_write(self) -> None:
        """Write all files."""
        if self.refuse("write"):
            return
        found = self._found
        assert found is not None
        self._writing = True

        def write() -> R:
            self.write(found)
            return found

        self.ask(write, self._written, self._write_failed)

    def _written(self, found: R) -> None:
        """Done: the list is read again and follows."""
        self.host.say(f"{found.old} is {found.new} now: {_amount(found)}")
        self.host.read_again()
        self.dismiss(found.new)

    def _write_failed(self, error: Exception) -> None:
        """Nothing was written; look again at what is there now."""
        self._writing = False
        self._found, self._refusal = None, str(error)
        self._show()

    def action_scroll(self, step: int) -> None:
        """Read on."""
        self.query_one(ReadOnly).action_move(step)

    def copy(self) -> Copy | None:
        """Every line that changes."""
        found = self._found
        if found is None:
            return None
        lines = [(f"{f.path}:{one.line}", one.before, one.after) for f in found.files for one in f.lines]
        moves = [(f.path, "", f"moves to {f.becomes}") for f in found.files if f.path != f.becomes]
        return Copy(
            table(("place", "now", "then"), [*moves, *lines]),
            as_json(found),
            command(*self.words(found)),
        )

    def _show(self) -> None:
        rows = self.query_one(ReadOnly)
        shown = self._rows()
        rows.show(shown)
        rows.styles.height = min(len(shown), max(4, self.host.size.height - 10))
        self.keys_changed()

    def _rows(self) -> list[Row]:
        if self._refusal is not None:
            return [blank(), *self._wrapped(self._refusal, "stale")]
        if self._found is None:
            asked = self.new not in ("", self.named)
            return [
                blank(),
                plain(
                    "looking for what names it …" if asked else f"Type the {self.THING} that it gets.",
                    "muted",
                ),
            ]
        rows = [blank(), plain(_amount(self._found), "bold")]
        for file in self._found.files:
            rows += [blank(), *_file_rows(file)]
        rows.append(blank())
        for text in consequences(self._found):
            rows += self._wrapped(text, "muted")
        return rows

    def _wrapped(self, text: str, role: str) -> list[Row]:
        """Sentences, broken between words where the panel ends."""
        room = max(20, min(104, self.host.size.width * 9 // 10) - 6)
        return [plain(one, role) for line in text.split("\n") for one in textwrap.wrap(line, room) or [""]]


def _amount(found: Renaming | ColumnRenaming) -> str:
    return f"{plural(len(found.files), 'file')}, {plural(found.edits, 'edit')}"


def _file_rows(file: FileChange) -> Iterable[Row]:
    def title(width: int, styles: Styles) -> Line:
        line = styles.line().gap().add(file.path, styles.primary)
        if file.becomes != file.path:
            line.add(f" {styles.glyph('→', '->')} ", styles.muted).add(file.becomes, styles.fresh)
        return line

    yield Row(title)
    for change in file.lines:
        yield _changed(change.line, "-", change.before)
        yield _changed(change.line, "+", change.after)


def _changed(number: int, mark: str, text: str) -> Row:
    def write(width: int, styles: Styles) -> Line:
        style = styles.fresh if mark == "+" else styles.failed
        line = styles.line().gap(2).add(str(number), styles.faint, 5, ">").gap().add(f"{mark} ", style)
        return line.add(fit(text.expandtabs(4), max(0, width - line.width)), style)

    return Row(write)
