"""Help screen: all keys of a screen, made from its bindings. The palette offers the same entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from upriver.tui.app.screen_bases.dialog import Dialog
from upriver.tui.app.screen_bases.screen import ProjectScreen, TabScreen
from upriver.tui.app.widgets.keybar import key_name
from upriver.tui.app.widgets.text import ReadOnly, Row, blank, heading
from upriver.tui.present.glyphs import HOW, OUTCOME, STATE, WAITING
from upriver.tui.present.styles import Line, Styles


class Entry(NamedTuple):
    """One action: its keys, a short title, what it does, why it can't be done now, and how it is called."""

    keys: tuple[str, ...]
    title: str
    what: str
    why_not: str | None
    run: Callable[[], object] | None
    part: str


def bindings_of(screen: Screen[object], ascii: bool = False) -> list[Entry]:
    """What can be done on *screen*: by its own keys, by those of the focused widget, and everywhere."""
    entries: dict[str, Entry] = {}
    focused = [screen.focused] if screen.focused is not None else []
    for node, part in [
        (screen, "Here"),
        *((widget, "In the list") for widget in focused),
        (screen.app, "Everywhere"),
    ]:
        for owner in type(node).__mro__:
            if not owner.__module__.startswith("upriver."):
                continue
            for declared in owner.__dict__.get("BINDINGS", ()):
                if isinstance(declared, Binding) and declared.description:
                    entry = _entry(
                        screen, node, declared, "Everywhere" if owner is TabScreen else part, ascii
                    )
                    entries.setdefault(declared.action, entry)
    return list(entries.values())


def _entry(screen: Screen[object], node: DOMNode, binding: Binding, part: str, ascii: bool) -> Entry:
    keys = tuple(key_name(replace(binding, key=key), ascii) for key in binding.key.split(","))
    reason = screen.why_not(binding.action) if isinstance(screen, ProjectScreen) else None
    what = binding.tooltip or _docstring(node, binding)
    run = partial(screen.app.run_action, binding.action, node)
    return Entry(keys, binding.description.capitalize(), what, reason, run, part)


def _docstring(node: DOMNode, binding: Binding) -> str:
    name = binding.action.partition("(")[0].rpartition(".")[2]
    owner = node.app if binding.action.startswith("app.") else node
    text = getattr(owner, f"action_{name}", None).__doc__ or ""
    return text.strip().split("\n")[0]


class HelpScreen(Dialog[None]):
    """The keys of *screen*, and what the signs mean."""

    HEADLINE = "Keys"

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._of = screen

    def body(self) -> Iterable[Widget]:
        """One list to read."""
        yield ReadOnly(id="help")

    def on_mount(self) -> None:
        """Write it."""
        rows: list[Row] = []
        entries = bindings_of(self._of, self.text_styles.ascii)
        for part in ("Here", "In the list", "Everywhere"):
            chosen = [entry for entry in entries if entry.part == part]
            if chosen:
                rows += [*([blank()] if rows else []), heading(part)]
                rows += [_entry_row(entry) for entry in chosen]
        rows += [blank(), heading("Signs"), *_sign_rows()]
        text = self.query_one(ReadOnly)
        text.show(rows)
        text.styles.height = max(4, min(len(rows), self.host.size.height - 6))

    def action_copy_markdown(self) -> None:
        """Copy the keys."""
        lines = [f"- `{', '.join(e.keys)}` {e.title}: {e.what}" for e in bindings_of(self._of)]
        self.host.copy_to_clipboard("\n".join(lines))
        self.host.say(f"copied {len(lines)} keys")


def _entry_row(entry: Entry) -> Row:
    def write(width: int, styles: Styles) -> Line:
        off = entry.why_not is not None
        line = styles.line().gap().add(" ".join(entry.keys), styles.faint if off else styles.key, 12).gap()
        return line.add(
            f"not now: {entry.why_not}" if off else entry.what, styles.faint if off else styles.text
        )

    return Row(write)


def _sign_rows() -> list[Row]:
    marks = [*STATE.values(), WAITING, *(m for o, m in OUTCOME.items() if o in ("reused", "cancelled"))]

    def states(width: int, styles: Styles) -> Line:
        line = styles.line().gap()
        for mark in marks:
            line.add(mark.sign(styles.ascii), styles.mark(mark)).add(f" {mark.word}  ", styles.muted)
        return line

    def edges(width: int, styles: Styles) -> Line:
        line = styles.line().gap()
        for how, (glyph, letter) in HOW.items():
            line.add(styles.glyph(glyph, letter), styles.accent).add(f" {how}  ", styles.muted)
        return line

    return [Row(states), Row(edges)]
