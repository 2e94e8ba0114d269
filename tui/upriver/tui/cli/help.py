"""Help: in short, in full, and for one command.

Nothing here imports the rest of Upriver, so that ``upriver --help`` costs no more than Python's own start.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from upriver.tui.cli.arguments import COMMANDS, Parser
from upriver.tui.present.spans import EMPTY, Line, Span, line, wrap

_FIRST = ("init", "build", "status", "why", "lineage", "ui")


def short_help() -> list[Line]:
    """What ``upriver`` alone prints."""
    return [
        line(Span("upriver", "bold"), ": rebuilds only what is truly stale, and says why"),
        EMPTY,
        *_pairs([(f"upriver {c.name}", c.summary) for c in map(COMMANDS.__getitem__, _FIRST)], None),
        EMPTY,
        line(
            "All commands: ",
            Span("upriver --help", "cyan"),
            "   One of them: ",
            Span("upriver build --help", "cyan"),
        ),
    ]


def full_help(width: int | None) -> list[Line]:
    """What ``upriver --help`` prints."""
    lines = [line("Usage: upriver [-C DIR] COMMAND [ARGUMENTS]"), EMPTY]
    names = max(map(len, COMMANDS))
    for group in dict.fromkeys(command.group for command in COMMANDS.values()):
        lines.append(line(Span(group, "bold")))
        members = [(c.name, c.summary) for c in COMMANDS.values() if c.group == group]
        lines += _pairs(members, width, names)
        lines.append(EMPTY)
    lines.append(line(Span("Anywhere", "bold")))
    lines += _pairs(
        [
            ("-C DIR", "work as if started in DIR"),
            ("--color WHEN", "auto, always or never; NO_COLOR is respected"),
            ("--version", "print the version"),
        ],
        width,
    )
    lines += [EMPTY, line(Span("Examples", "bold"))]
    lines += _pairs(
        [
            ("upriver init shop && cd shop", "a project to begin with"),
            ("upriver build marts.revenue", "one asset, and what it needs upstream"),
            ("upriver status --check", "exit code 3 when something is stale"),
            ("upriver lineage marts.revenue.total", "one column, back to its sources"),
            ("upriver why marts.revenue --json", "for a script"),
        ],
        width,
    )
    lines += [
        EMPTY,
        line(
            Span("Exit codes", "bold"),
            "  0 done · 1 an asset failed · 2 wrong usage or declaration, nothing ran",
        ),
        line(
            "            3 something is stale (--check) · 4 gc, a repair or a rename holds it · 130/143 interrupted"
        ),
    ]
    return lines


def command_help(parser: Parser, width: int | None) -> list[Line]:
    """What ``upriver COMMAND --help`` prints."""
    positional = [a for a in parser.actions() if not a.option_strings]
    usage = " ".join(usage_text(action) for action in positional)
    lines = [line(f"Usage: {parser.prog}{' ' + usage if usage else ''} [OPTIONS]"), EMPTY]
    lines += wrap(parser.about, width)
    if positional:
        lines += [EMPTY, line(Span("Arguments", "bold"))]
        lines += _pairs([(str(a.metavar or a.dest), a.help or "") for a in positional], width)
    lines += [EMPTY, line(Span("Options", "bold"))]
    options = [a for a in parser.actions() if a.option_strings and a.help != argparse.SUPPRESS]
    lines += _pairs([(option_text(a), a.help or "") for a in options], width)
    if parser.examples:
        lines += [EMPTY, line(Span("Examples", "bold")), *_pairs(list(parser.examples), width)]
    return lines


def usage_text(action: argparse.Action) -> str:
    """An argument as the usage shows it."""
    name = str(action.metavar or action.dest)
    match action.nargs:
        case "*":
            return f"[{name} …]"
        case "?":
            return f"[{name}]"
        case _:
            return name


def option_text(action: argparse.Action) -> str:
    """An option with its short form and its value."""
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    value: Any = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    return f"{names} [{value}]" if action.nargs == "?" else f"{names} {value}"


def _pairs(pairs: Sequence[tuple[str, str]], width: int | None, left: int = 0) -> list[Line]:
    """Names and their explanations in two columns, the second wrapped."""
    left = max(left, *(len(name) for name, _ in pairs))
    room = None if width is None else max(20, width - left - 4)
    lines: list[Line] = []
    for name, text in pairs:
        first, *others = wrap(text, room)
        lines.append(line("  ", Span(name, "cyan"), " " * (left - len(name) + 2), first))
        lines += [line(" " * (left + 4), other) for other in others]
    return lines
