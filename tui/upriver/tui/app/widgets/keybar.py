"""Key bar widget: the keys that work here, made from the bindings."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from textual import events
from textual.binding import Binding
from textual.screen import Screen

from upriver.tui.app.widgets.text_line import Lines
from upriver.tui.present.styles import Line, Styles

_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "dollar_sign": "$",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
    "full_stop": ".",
    "equals_sign": "=",
    "escape": "esc",
    "enter": "enter",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}
_ASCII_NAMES = {"up": "up", "down": "down", "left": "left", "right": "right"}


def key_name(binding: Binding, ascii: bool = False) -> str:
    """How a key is written: ``^p`` for control, the character itself where there is one."""
    if binding.key_display:
        return binding.key_display
    key = binding.key
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    return (ascii and _ASCII_NAMES.get(key)) or _NAMES.get(key, key)


@cache
def shown_bindings(screen: type[Screen[object]]) -> tuple[Binding, ...]:
    """The bindings that belong in the bar: those of the screen's own class first, then the inherited ones."""
    found: dict[str, Binding] = {}
    for owner in screen.__mro__:
        for entry in owner.__dict__.get("BINDINGS", ()):
            binding = entry if isinstance(entry, Binding) else Binding(*entry)
            if binding.show and binding.description:
                found.setdefault(binding.key.split(",")[0], replace(binding, key=binding.key.split(",")[0]))
    return tuple(found.values())


class KeyBar(Lines):
    """The shown bindings of the screen, in their order, as far as there is room. A click presses the key."""

    DEFAULT_CSS = """
    KeyBar { height: 1; background: $panel; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._ends: list[tuple[int, str]] = []

    def write(self, width: int, height: int, styles: Styles) -> list[Line]:
        """The one line."""
        why_not = getattr(self.screen, "why_not", lambda action: None)
        line = styles.line()
        self._ends = []
        for binding in shown_bindings(type(self.screen)):
            name = key_name(binding, styles.ascii)
            if line.width + len(name) + len(binding.description) + 3 > width:
                break
            off = why_not(binding.action) is not None
            line.gap().add(name, styles.faint if off else styles.key)
            line.add(f" {binding.description} ", styles.faint if off else styles.muted)
            self._ends.append((line.width, binding.key))
        return [line]

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        for end, key in self._ends:
            if event.x < end:
                self.app.simulate_key(key)
                return
