"""Colour themes: two of Upriver's own, and the conversion of any Textual theme to :class:`Styles`."""

from __future__ import annotations

from typing import ClassVar

from textual.color import Color
from textual.scrollbar import ScrollBarRender
from textual.theme import Theme

from upriver.tui.present.styles import Styles

DARK = Theme(
    name="upriver-dark",
    primary="#58a6d8",
    secondary="#7aa2c4",
    accent="#4fd1c5",
    foreground="#d6dbe1",
    background="#0f1317",
    surface="#141a20",
    panel="#1c242c",
    success="#63c384",
    warning="#e5b454",
    error="#f2746b",
    dark=True,
    variables={
        "border": "#2f3b46",
        "muted": "#8694a1",
        "faint": "#4a5865",
        "cursor": "#22313d",
        "cursor-blurred": "#1a232b",
        "state-fresh": "#63c384",
        "state-stale": "#e5b454",
        "state-pending": "#b99a5f",
        "state-missing": "#b794f4",
        "state-failed": "#f2746b",
        "state-broken": "#f2746b",
        "state-blocked": "#d98a8f",
        "state-running": "#58c4dd",
        "scrollbar": "#2f3b46",
        "scrollbar-background": "#141a20",
        "scrollbar-corner-color": "#141a20",
        "scrollbar-hover": "#4a5865",
        "scrollbar-active": "#58a6d8",
        "scrollbar-background-hover": "#141a20",
        "scrollbar-background-active": "#141a20",
        "input-cursor-background": "#d6dbe1",
        "input-selection-background": "#58a6d8 40%",
    },
)

LIGHT = Theme(
    name="upriver-light",
    primary="#1f6f9f",
    secondary="#3f6f8f",
    accent="#0f7f77",
    foreground="#20272e",
    background="#f4f5f3",
    surface="#fcfcfa",
    panel="#e8ebe9",
    success="#1f7a3f",
    warning="#8a5a00",
    error="#b3261e",
    dark=False,
    variables={
        "border": "#c3cac8",
        "muted": "#5d6a73",
        "faint": "#98a3a8",
        "cursor": "#d8e6ee",
        "cursor-blurred": "#e8edef",
        "state-fresh": "#1f7a3f",
        "state-stale": "#8a5a00",
        "state-pending": "#7d6a3f",
        "state-missing": "#6b3fa0",
        "state-failed": "#b3261e",
        "state-broken": "#b3261e",
        "state-blocked": "#8f4a4f",
        "state-running": "#00697d",
        "scrollbar": "#c3cac8",
        "scrollbar-background": "#f4f5f3",
        "scrollbar-corner-color": "#f4f5f3",
        "scrollbar-hover": "#98a3a8",
        "scrollbar-active": "#1f6f9f",
        "scrollbar-background-hover": "#f4f5f3",
        "scrollbar-background-active": "#f4f5f3",
        "input-cursor-background": "#20272e",
        "input-selection-background": "#1f6f9f 30%",
    },
)

THEMES = (DARK, LIGHT)


class WholeCells(ScrollBarRender):
    """A scroll bar without the characters that fill a cell in part, for ASCII mode."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def variable_defaults(theme: Theme) -> dict[str, str]:
    """Values for Upriver's own CSS variables under a theme that does not set them (any of Textual's)."""
    background = Color.parse(theme.background or ("#121212" if theme.dark else "#efefef"))
    foreground = Color.parse(theme.foreground or background.inverse.hex6)
    primary = Color.parse(theme.primary)

    def mixed(share: float, colour: Color = foreground) -> str:
        return background.blend(colour, share).hex6

    success, warning = theme.success or theme.primary, theme.warning or theme.primary
    error = theme.error or "#d04040"
    return {
        "border": mixed(0.25),
        "muted": mixed(0.62),
        "faint": mixed(0.38),
        "cursor": mixed(0.28, primary),
        "cursor-blurred": mixed(0.12, primary),
        "state-fresh": success,
        "state-stale": warning,
        "state-pending": mixed(0.7, Color.parse(warning)),
        "state-missing": theme.secondary or theme.primary,
        "state-failed": error,
        "state-broken": error,
        "state-blocked": mixed(0.75, Color.parse(error)),
        "state-running": theme.accent or theme.primary,
    }


def styles_of(variables: dict[str, str], *, ascii: bool) -> Styles:
    """The styles for drawing rows under the CSS *variables* of the current theme."""
    return Styles.of(lambda name: Color.parse(variables[name]).hex6, ascii=ascii)
