"""``upriver``: from the words of a command line to an exit code."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from upriver.tui.cli.arguments import (
    COMMANDS,
    HelpWanted,
    WrongUsage,
    nearest,
    unknown_command,
)
from upriver.tui.cli.habits import option_hint
from upriver.tui.cli.help import command_help, full_help, short_help
from upriver.tui.cli.registry import load_command, parser_of
from upriver.tui.present.console import Console

if TYPE_CHECKING:
    from upriver.tui.cli.invocation import OpenSession

HIDDEN = "__complete"
_HELP_WIDTH = 100


def main(argv: Sequence[str] | None = None) -> int:
    """The ``upriver`` program."""
    # A large project is a great many objects that stay. Looking through them for garbage as often as Python does by
    # itself doubles the time of a walk through their lineage.
    gc.set_threshold(100_000)
    try:
        return execute(sys.argv[1:] if argv is None else argv, sys.stdout, sys.stderr, os.environ)
    finally:
        gc.freeze()  # the process ends; Python would go through all of it once more


def execute(
    argv: Sequence[str],
    stdout: TextIO,
    stderr: TextIO,
    environ: Mapping[str, str],
    open_session: OpenSession | None = None,
    clock: Callable[[], float] = time.time,
) -> int:
    """Run one command line; everything that it touches is an argument, except the file system."""
    out, err = Console(stdout, environ), Console(stderr, environ, forgiving=True)
    try:
        code = _dispatch(argv, out, err, environ, open_session, clock)
        out.flush()
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        code = _tell(error, argv, out, err, environ)
    err.flush()
    return code


def _dispatch(
    argv: Sequence[str],
    out: Console,
    err: Console,
    environ: Mapping[str, str],
    open_session: OpenSession | None,
    clock: Callable[[], float],
) -> int:
    if argv and argv[0] == HIDDEN:
        from upriver.tui.cli.completion import complete

        return complete(argv[1:], out, environ, open_session)
    name, rest = _find_command(argv, out)
    if name is None:
        return 0
    module = load_command(name)
    parser = parser_of(name, module)
    try:
        options = parser.parse(rest)
    except HelpWanted:
        out.write(*command_help(parser, _help_width(out)))
        return 0
    for console in (out, err):
        console.set_colour(options.color or "auto")
    from upriver.tui.cli.consent import ensure_consent
    from upriver.tui.cli.invocation import Invocation

    invocation = Invocation(options, out, err, environ=environ, open_session=open_session, clock=clock)
    ensure_consent(name, options, lambda: invocation.root, environ, invocation.ask if out.terminal else None)
    try:
        return module.run(invocation)
    finally:
        invocation.close()


def _help_width(out: Console) -> int:
    return min(out.width or _HELP_WIDTH, _HELP_WIDTH)


def _find_command(argv: Sequence[str], out: Console) -> tuple[str | None, list[str]]:
    """The command's name, and everything else that was typed: global options may stand before the name."""
    before: list[str] = []
    rest = list(argv)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word in ("-C", "--color"):
            if not rest:
                raise WrongUsage(f"{word} expects {'a folder' if word == '-C' else 'auto, always or never'}")
            before += [word, rest.pop(0)]
        elif word.startswith(("-C", "--color=")):
            before.append(word)
        elif word in ("-h", "--help"):
            out.write(*full_help(_help_width(out)))
            return None, []
        elif word in ("-V", "--version"):
            return "version", before
        elif word == "--json":
            before.append(word)
        else:
            option, _, value = word.partition("=")
            known = ("--help", "--version", "--color", "-C")
            hint = nearest(option, known) or option_hint(option, "build", value or " ".join(rest[:1]))
            raise WrongUsage(f"there is no option {option}", hint or "`upriver --help` lists them")
    if not rest:
        out.write(*short_help())
        return None, []
    name = rest.pop(0)
    if name == "help":
        if not rest:
            out.write(*full_help(_help_width(out)))
            return None, []
        name, rest = rest[0], ["--help"]
    if name not in COMMANDS:
        raise unknown_command(name)
    return name, [*before, *rest]


def _tell(
    error: BaseException, argv: Sequence[str], out: Console, err: Console, environ: Mapping[str, str]
) -> int:
    from upriver.tui.cli.failure import Failure

    failure = Failure(error, environ)
    if wants_json(argv):
        from upriver.tui.present.json.values import write_json

        with contextlib.suppress(OSError):  # stdout may be what failed
            write_json(out, failure.document())
            out.flush()
    err.write(*failure.lines())
    return failure.code


def wants_json(argv: Sequence[str]) -> bool:
    """Whether an error, too, is to be answered in JSON. Looks at the bare words: the line may not parse."""
    words = list(argv[: argv.index("--")] if "--" in argv else argv)
    pairs = itertools.pairwise(words)
    return "--json" in words or "--format=json" in words or ("--format", "json") in pairs
