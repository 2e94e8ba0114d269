"""Manual of the command line, made from its parsers: a page of the documentation, and a man page.

``python -m upriver.tui.cli.manual markdown`` prints the first, ``… man`` the second. Both are kept in the repository
(`docs/commands.md`, `docs/upriver.1`); a test holds them against the parsers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from upriver.tui.cli.arguments import COMMANDS, Command, Parser
from upriver.tui.cli.help import option_text, usage_text
from upriver.tui.cli.registry import load_command, parser_of

_ANYWHERE = ("-C", "--color", "-h")
_EXIT_CODES = (
    ("0", "done"),
    ("1", "an asset or a check failed"),
    ("2", "wrong usage, or something selected is broken"),
    ("3", "something is stale (only with --check)"),
    ("4", "gc, a repair or a rename holds the project, or wants it while builds run"),
    ("130, 143", "interrupted"),
)
_ENVIRONMENT = (
    ("NO_COLOR, FORCE_COLOR", "whether colours are written"),
    ("UPRIVER_ALLOW", "1: the Python of a project from elsewhere may run when it is looked at"),
    ("UPRIVER_ASCII", "1: draw with ASCII characters only"),
    ("UPRIVER_THEME", "colour theme of the terminal UI"),
)


def markdown() -> str:
    """The page of the documentation."""
    return "\n".join(_markdown()) + "\n"


def man() -> str:
    """The man page, in the macros of man(7)."""
    return "\n".join(_man()) + "\n"


def _groups() -> Iterator[tuple[str, list[Command]]]:
    for group in dict.fromkeys(command.group for command in COMMANDS.values()):
        yield group, [command for command in COMMANDS.values() if command.group == group]


def _parser(command: Command) -> Parser:
    return parser_of(command.name, load_command(command.name))


def _options(parser: Parser) -> list[argparse.Action]:
    """Its own options, without those that every command takes."""
    return [
        action
        for action in parser.actions()
        if action.option_strings
        and action.option_strings[0] not in _ANYWHERE
        and action.help != argparse.SUPPRESS
    ]


def _arguments(parser: Parser) -> list[argparse.Action]:
    return [action for action in parser.actions() if not action.option_strings]


def _name(action: argparse.Action) -> str:
    return option_text(action) if action.option_strings else str(action.metavar or action.dest)


def _markdown() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield "Made from the program itself: `upriver COMMAND --help` prints the same. Every command takes `-C DIR`"
    yield "(work as if started in DIR), `--color WHEN` (auto, always or never) and `--help`."
    for group, commands in _groups():
        yield f"\n## {group}"
        for command in commands:
            parser = _parser(command)
            arguments, options = _arguments(parser), _options(parser)
            usage = " ".join(["upriver", command.name, *map(usage_text, arguments)])
            yield f"\n### {command.name}\n\n```text\n{usage}\n```\n\n{parser.about}"
            if arguments or options:
                yield "\n| | |\n|---|---|"
                for action in (*arguments, *options):
                    name = (
                        option_text(action) if action.option_strings else str(action.metavar or action.dest)
                    )
                    yield f"| `{name.replace('|', '/')}` | {_cell(action.help or '')} |"
            if parser.examples:
                yield "\n| example | |\n|---|---|"
                for typed, does in parser.examples:
                    yield f"| `{_cell(typed)}` | {_cell(does)} |"
    yield "\n## Exit codes\n\n| code | means |\n|---|---|"
    for code, means in _EXIT_CODES:
        yield f"| {code} | {means} |"
    yield "\n## Environment variables\n\n| variable | says |\n|---|---|"
    for name, says in _ENVIRONMENT:
        yield f"| `{name}` | {says} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*") if "`" not in text else text.replace("|", "\\|")


def _man() -> Iterator[str]:
    yield '.TH UPRIVER 1 "" "Upriver" "User Commands"'
    yield ".SH NAME\nupriver \\- build data assets and keep them fresh"
    yield ".SH SYNOPSIS\n.B upriver\n[\\fB\\-C\\fR \\fIDIR\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]"
    yield ".SH DESCRIPTION"
    yield _roff(
        "Builds data assets (tables and files, computed in SQL and Python) and rebuilds an asset exactly when "
        "something that it reads has changed. A project is a folder with a file upriver.toml; its assets are "
        "below assets/."
    )
    for group, commands in _groups():
        yield f'.SH "{group.upper()}"'
        for command in commands:
            parser = _parser(command)
            usage = " ".join(map(usage_text, _arguments(parser)))
            yield f".SS upriver {command.name} {_roff(usage)}".rstrip()
            yield _roff(parser.about)
            for action in (*_arguments(parser), *_options(parser)):
                yield f".TP\n\\fB{_roff(_name(action))}\\fR\n{_roff(action.help or '')}"
            for typed, does in parser.examples:
                yield f".PP\n.RS\n.nf\n{_roff(typed)}\n.fi\n{_roff(does)}\n.RE"
    yield '.SH "OPTIONS EVERYWHERE"'
    yield ".TP\n\\fB\\-C\\fR \\fIDIR\\fR\nwork as if started in DIR"
    yield ".TP\n\\fB\\-\\-color\\fR \\fIWHEN\\fR\nauto, always or never"
    yield ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nhelp for a command"
    for title, pairs in (("EXIT STATUS", _EXIT_CODES), ("ENVIRONMENT", _ENVIRONMENT)):
        yield f'.SH "{title}"'
        for name, says in pairs:
            yield f".TP\n\\fB{_roff(name)}\\fR\n{_roff(says)}"
    yield ".SH FILES\n.TP\n\\fBupriver.toml\\fR\nsettings of a project"
    yield ".TP\n\\fBsources.lock\\fR\nthe shapes in which text sources are read"
    yield ".TP\n\\fB.upriver/\\fR\nartifacts and state"


def _roff(text: str) -> str:
    """*text* without a meaning for roff."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    sys.stdout.write({"markdown": markdown, "man": man}[sys.argv[1]]())
