"""Grammar of the command line: the commands, and the arguments and options of each."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, NoReturn

from upriver.tui.cli.habits import COMMAND_WORDS, option_hint


class Command(NamedTuple):
    """A command as the help lists it; ``upriver.tui.cli.commands.<name>`` holds its options and what it does."""

    name: str
    group: str
    summary: str


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("init", "Start", "write a small project that runs"),
        Command("allow", "Start", "let the Python of a project from elsewhere run when it is looked at"),
        Command("build", "Build", "materialize what is stale, and only that"),
        Command("backfill", "Build", "make many slices of partitioned assets: a goal that survives restarts"),
        Command("watch", "Build", "keep goals: look at the sources, and build what is due"),
        Command("plan", "Build", "what build would do, and why"),
        Command("check", "Build", "run the checks that are due on what is served"),
        Command("test", "Build", "run unit tests of recipes, over rows that they give"),
        Command("status", "Look", "how fresh every asset is now"),
        Command("goals", "Look", "what is on time, due, at risk or overdue, and why"),
        Command("incidents", "Look", "what is wrong, one line a cause, and what suffers from it"),
        Command("approve", "Change", "approve what an asset is made from, or show what waits"),
        Command("why", "Look", "why an asset is stale, down to the column and the line of code"),
        Command("lineage", "Look", "where an asset or column comes from, and what it feeds"),
        Command(
            "impact", "Look", "what the present changes, or a dropped column, break or change downstream"
        ),
        Command("ui", "Look", "the terminal UI"),
        Command(
            "rename", "Change", "give an asset another key, or a column another name, wherever it is named"
        ),
        Command("fix", "Change", "put a misspelled name right where it is certain what is meant"),
        Command("contract", "Change", "write down the columns that an asset has as those that it promises"),
        Command("accept", "Change", "take a source as it is now, though it is not what it was"),
        Command("connection", "Data", "list connections to other systems, test them, see what is there"),
        Command("show", "Data", "schema, profile and first rows of an asset"),
        Command("sql", "Data", "query assets by their keys"),
        Command("history", "Past", "runs, or the materializations of one asset"),
        Command("log", "Past", "what the recipes printed in a run"),
        Command("cost", "Past", "what each asset costs: time, memory, size, and what reuse has saved"),
        Command("export", "Upkeep", "write pages that a browser opens without a server"),
        Command("env", "Upkeep", "list environments, remove one"),
        Command("fsck", "Upkeep", "check every artifact and record, byte by byte"),
        Command("gc", "Upkeep", "drop artifacts that nothing points to"),
        Command("completion", "Upkeep", "completion script for bash, zsh or fish"),
        Command("schema", "Upkeep", "JSON Schema of a header or of upriver.toml, for editors"),
        Command("version", "Upkeep", "versions of Upriver and of its engines"),
    )
}

SELECT_HELP = (
    "assets to take: a key, a glob (staging.*), +key with its upstream, key+ with its downstream, tag:NAME, "
    "state:stale, owner:NAME; a,b takes what fits both, !x leaves out; default: all"
)


class HelpWanted(Exception):
    """``--help`` was given: stop parsing and show help."""


class WrongUsage(Exception):
    """The command line can't be understood. *hint* is what to do instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


class _Help(argparse.Action):
    """Raises HelpWanted at once, before anything else about the line can be wrong."""

    def __call__(self, *_: object) -> NoReturn:
        raise HelpWanted


class Parser(argparse.ArgumentParser):
    """An argument parser of one command that raises instead of exiting and suggests the nearest option."""

    def __init__(self, name: str) -> None:
        super().__init__(prog=f"upriver {name}", add_help=False, allow_abbrev=False)
        self.name = name
        self.examples: tuple[tuple[str, str], ...] = ()
        self.about = ""

    def error(self, message: str) -> NoReturn:
        """Say what argparse found wrong, in our way."""
        message = re.sub(r"^argument ([^:]+): expected ", r"\1 expects ", message)
        message = re.sub(r"^argument ([^:]+): ", r"\1: ", message)
        message = message.replace("the following arguments are required: ", "missing: ")
        raise WrongUsage(message, f"`{self.prog} --help` shows how it is used")

    def options(self) -> list[str]:
        """Every long option, and short ones."""
        return [option for action in self._actions for option in action.option_strings]

    def actions(self) -> list[argparse.Action]:
        """Everything that this command accepts."""
        return list(self._actions)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse; options and positionals may come in any order."""
        namespace, extras = self.parse_known_intermixed_args(_wait_without_value(arguments))
        for extra in extras:
            if extra.startswith("-") and extra != "-":
                option, assigned, value = extra.partition("=")
                following = value if assigned else _after(extra, arguments)
                hint = option_hint(option, self.name, following) or nearest(option, self.options())
                raise WrongUsage(
                    f"`{self.prog}` has no option {option}", hint or f"`{self.prog} --help` lists them"
                )
            raise WrongUsage(
                f"`{self.prog}` does not take {extra!r}", f"`{self.prog} --help` shows how it is used"
            )
        return namespace


def _after(word: str, arguments: Sequence[str]) -> str | None:
    """What was typed after *word*."""
    place = arguments.index(word) + 1 if word in arguments else len(arguments)
    return arguments[place] if place < len(arguments) else None


def _wait_without_value(arguments: Sequence[str]) -> list[str]:
    """Keep a bare ``--wait`` from swallowing the asset that follows it."""
    out = list(arguments)
    for i, argument in enumerate(out):
        following = out[i + 1] if i + 1 < len(out) else ""
        if argument == "--wait" and not following[:1].isdigit():
            out[i] = "--wait=forever"
    return out


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The one of *known* that *name* is most probably meant to be, or None."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """``did you mean …?`` with the nearest of *known*, or None."""
    near = nearest_name(name, known)
    return f"did you mean {near}?" if near else None


def unknown_command(name: str) -> WrongUsage:
    """The error for a first word that is no command."""
    said = COMMAND_WORDS.get(name.lower())
    if said is None:
        known = [*COMMANDS, *(word for word, meant in COMMAND_WORDS.items() if " " not in meant)]
        for near in difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.55):
            said = near if near in COMMANDS else COMMAND_WORDS[near]
    if said is None:
        return WrongUsage(f"there is no command {name!r}", "`upriver --help` lists the commands")
    hint = f"did you mean `upriver {said}`?" if said.split()[0] in COMMANDS else said
    return WrongUsage(f"there is no command {name!r}", hint)


# -- options that many commands share --------------------------------------------------------------


def add_common(parser: Parser) -> None:
    """Options that every command takes."""
    group = parser.add_argument_group("anywhere")
    group.add_argument("-C", dest="directory", metavar="DIR", help="work as if started in DIR")
    group.add_argument("--color", choices=("auto", "always", "never"), default=None, help="when to colour")
    group.add_argument("-h", "--help", action=_Help, nargs=0, help="show this help")


def add_environment(parser: Parser) -> None:
    """``--env``, for commands that look into a project."""
    parser.add_argument(
        "--env", dest="environment", metavar="NAME", help="environment to work in (default: dev)"
    )
    parser.add_argument("--create", action="store_true", help="let --env name a new environment")


def add_json(parser: Parser) -> None:
    """``--json``, for commands that answer."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")


def add_select(parser: Parser) -> None:
    """SELECT, for commands that work on several assets."""
    parser.add_argument("select", metavar="SELECT", nargs="*", default=[], help=SELECT_HELP)


def whole_number(text: str) -> int:
    """A positive whole number, as an option's value."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_BYTES = {"": 1, "b": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


def seconds(text: str) -> float:
    """A length of time such as ``90``, ``30s``, ``5m``, ``2h``, ``30d``, in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", text.strip().lower())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length of time such as 30s, 5m, 2h or 30d")
    return float(match[1]) * _SECONDS[match[2]]


def byte_count(text: str) -> int:
    """A size such as ``500MB``, ``10GB``, ``2GiB``, in bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", text.strip().lower())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500MB or 10GB")
    unit = _BYTES[match[2]]
    if match[3]:
        unit = 1024 ** (("", "k", "m", "g", "t").index(match[2]))
    return int(float(match[1]) * unit)
