"""Registry of commands: the module of a command by its name, and its parser.

Each command lives in ``upriver.tui.cli.commands.<name>`` and is imported when it is called, so that no command
pays for another. A command module has ``configure(parser)``, which says what it accepts, and
``run(invocation)``, which does it and returns the exit code.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from upriver.tui.cli.arguments import Parser, add_common

if TYPE_CHECKING:
    from upriver.tui.cli.invocation import Invocation


class CommandModule(Protocol):
    """What every module of ``upriver.tui.cli.commands`` offers."""

    def configure(self, parser: Parser) -> None:
        """Declare arguments, options and help."""
        ...

    def run(self, invocation: Invocation) -> int:
        """Do it; return the exit code."""
        ...


def load_command(name: str) -> CommandModule:
    """The module of a command."""
    return cast("CommandModule", importlib.import_module(f"upriver.tui.cli.commands.{name}"))


def parser_of(name: str, module: CommandModule) -> Parser:
    """The parser of a command."""
    parser = Parser(name)
    module.configure(parser)
    add_common(parser)
    return parser
