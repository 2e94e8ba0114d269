"""Code screen: the code of an asset, and what changed in it since it was built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import CodeDiff
from upriver.materializer.operations import ProjectApi
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.diff_rows import diff_rows
from upriver.tui.app.widgets.text import ReadOnly, Row, blank, code, heading, plain, wrapped
from upriver.tui.present.views.copying import Copy, as_json, command
from upriver.tui.present.views.diffs import first_change
from upriver.tui.present.views.highlight import highlighted

ALL_LINES = 10_000


def code_and_changes(session: ProjectApi, key: Key) -> tuple[tuple[str, str], tuple[CodeDiff, ...]]:
    """The recipe's text with its language, and what changed in it."""
    links = session.why(key).chain
    return session.recipe_text(key), tuple(diff for link in links if link.asset == key for diff in link.diffs)


class CodeScreen(AssetActions, TabScreen):
    """*key*'s code."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(b for b in ASSET_BINDINGS if isinstance(b, Binding) and b.action not in ("diff", "build_all")),
        Binding("y", "copy_markdown", "copy"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._text = ""
        self._language = "sql"
        self._diffs: tuple[CodeDiff, ...] = ()

    @property
    def subject(self) -> Key | None:
        """The asset."""
        return self.key

    def body(self) -> Iterable[Widget]:
        """One panel."""
        rows = ReadOnly(id="code", classes="panel")
        rows.styles.height = "1fr"
        yield rows

    def on_mount(self) -> None:
        """Ask."""
        rows = self.query_one(ReadOnly)
        rows.border_title = self.host.title_text(self.key)
        rows.show([plain("reading …", "muted")])
        self._ask()

    def _ask(self) -> None:
        key, session = self.key, self.host.session
        self.ask(lambda: code_and_changes(session, key), self._take_code, self._code_failed)

    def _take_code(self, found: tuple[tuple[str, str], tuple[CodeDiff, ...]]) -> None:
        """Show changes first, then all of it."""
        (self._text, self._language), self._diffs = found
        rows: list[Row] = []
        for diff in self._diffs:
            rows += [heading(f"changed since it was built: {diff.name}", str(diff.place or "")), blank()]
            rows += [*diff_rows(diff, ALL_LINES), blank()]
        if not self._diffs:
            rows += [plain("nothing changed here since it was built", "fresh"), blank()]
        rows.append(heading("as it is now", self._language))
        rows.append(blank())
        lines = highlighted(self._text, self._language)
        rows += [code(tokens, number) for number, tokens in enumerate(lines, start=1)]
        self.query_one(ReadOnly).show(rows)
        status = self.subject_status
        if status is not None and status.place is not None:
            self.query_one(ReadOnly).border_title = self.host.title_text(self.key, str(status.place))

    def _code_failed(self, error: Exception) -> None:
        """Say why there is none."""
        self.query_one(ReadOnly).show(wrapped(str(error), "failed"))

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Read it again when it changed."""
        super().project_changed(changed, order=order)
        if self.key in changed:
            self._ask()

    def action_edit(self) -> None:
        """Open the first changed line."""
        place = first_change(self._diffs[0]) if self._diffs else None
        if place is None:
            super().action_edit()
        else:
            self.host.edit(place)

    def copy(self) -> Copy:
        """Changes and code."""
        parts = ["```diff\n" + "\n".join(diff.lines) + "\n```" for diff in self._diffs]
        parts.append(f"```{self._language}\n{self._text.rstrip()}\n```")
        value = {"asset": self.key, "text": self._text, "language": self._language, "diffs": self._diffs}
        return Copy("\n\n".join(parts), as_json(value), command(*routes.Code(self.key).words))
