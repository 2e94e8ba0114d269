"""``upriver init``: a small project that runs."""

from __future__ import annotations

import shlex
from pathlib import Path

from upriver.tui.cli.arguments import Parser, WrongUsage
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Writes a small project that runs: two sources, a query, an aggregate and a Python asset. Nothing "
        "is ever overwritten."
    )
    parser.examples = (("upriver init shop", "in a new folder"), ("upriver init", "in this folder"))
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", default=".", help="where to (default: this folder)"
    )
    parser.add_argument("--name", metavar="NAME", help="the project's name (default: the folder's)")


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.assets.project.scaffold import write_project
    from upriver.tui.present.spans import EMPTY, Span, line
    from upriver.tui.present.words import plural

    options, out = invocation.options, invocation.out
    folder = (invocation.directory / Path(options.folder).expanduser()).resolve()
    if folder.exists() and not folder.is_dir():
        raise WrongUsage(f"{options.folder} is a file, not a folder")
    name = options.name or folder.name or "project"
    written = write_project(folder, name)
    here = folder == Path.cwd()
    out.write(
        line(Span(f"{plural(len(written), 'file')} written to {'this folder' if here else folder}", "bold"))
    )
    out.write(*(line("  ", str(path.relative_to(folder))) for path in written))
    enter = [] if here else [f"cd {shlex.quote(str(_short(folder)))}"]
    commands = [*enter, "upriver build", "upriver status"]
    out.write(EMPTY, line("Next:"), *(line("  ", Span(command, "cyan")) for command in commands))
    return 0


def _short(folder: Path) -> Path:
    """The folder as one would type it from here."""
    try:
        return folder.relative_to(Path.cwd())
    except ValueError:
        return folder
