"""``upriver init``: a project that runs: an example, a template, an empty one, or one over data that is there."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from upriver.tui.cli.arguments import Parser, WrongUsage
from upriver.tui.cli.invocation import Invocation
from upriver.tui.cli.registry import load_command, parser_of


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Writes a small project that runs: two sources, a query, an aggregate and a Python asset. With --bare only "
        "what a project needs; with --from a source and a staging query for each table in a folder of data, which "
        "are built at once; with --template a project of a kind: a warehouse (staging, facts, dimensions, checks) or "
        "ml (features, a model, predictions, their evaluation). Nothing is ever overwritten."
    )
    parser.examples = (
        ("upriver init shop", "an example in a new folder"),
        ("upriver init --bare", "an empty project in this folder"),
        ("upriver init --from data", "a project over the files that are there"),
        ("upriver init shop --template warehouse", "facts and dimensions, with checks and unit tests"),
    )
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", default=".", help="where to (default: this folder)"
    )
    parser.add_argument("--name", metavar="NAME", help="the project's name (default: the folder's)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--bare", action="store_true", help="no example, only upriver.toml and an empty assets/"
    )
    kind.add_argument(
        "--from",
        dest="data",
        metavar="DATA",
        help="sources and staging queries for the CSV, Parquet, NDJSON, Arrow, SQLite and DuckDB files in DATA",
    )
    kind.add_argument(
        "--template", choices=("ml", "warehouse"), help="a project of this kind, with checks and unit tests"
    )


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.assets.project.scaffold import write_bare, write_project
    from upriver.assets.project.templates import TEMPLATES
    from upriver.tui.cli.consent import Consents

    options = invocation.options
    folder = (invocation.directory / Path(options.folder).expanduser()).resolve()
    if folder.exists() and not folder.is_dir():
        raise WrongUsage(f"{options.folder} is a file, not a folder")
    name = options.name or folder.name or "project"
    Consents(invocation.environ).add(folder)  # what was made here may be looked at
    if options.data is not None:
        return _from_data(invocation, folder, name)
    following = ["upriver build", "upriver status"]
    if options.template:
        written = write_bare(folder, name, TEMPLATES[options.template])
        following = ["upriver build", "upriver test"]
    elif options.bare:
        written = write_bare(folder, name)
        following = ["upriver status"]
    else:
        written = write_project(folder, name)
    _tell_written(invocation, folder, written)
    _tell_next(invocation, folder, following)
    return 0


def _from_data(invocation: Invocation, folder: Path, name: str) -> int:
    from upriver.assets.project.scaffold import write_bare
    from upriver.materializer.sources.found import find_tables
    from upriver.materializer.sources.found_project import project_files
    from upriver.tui.present.spans import EMPTY
    from upriver.tui.present.text.found import found_lines, left_out_lines

    data = (invocation.directory / Path(invocation.options.data).expanduser()).resolve()
    found = find_tables(folder, data)
    if not found.tables:
        invocation.err.write(*left_out_lines(found.left_out))
        raise WrongUsage(
            f"no table was found in {invocation.options.data}",
            "CSV, Parquet, NDJSON, Arrow, SQLite and DuckDB files are read",
        )
    written = write_bare(folder, name, project_files(found.tables))
    _tell_written(invocation, folder, written)
    invocation.out.write(EMPTY, *found_lines(found.tables))
    if found.left_out:
        invocation.out.write(EMPTY, *left_out_lines(found.left_out))
    invocation.out.write(EMPTY)
    invocation.out.flush()
    code = _build(invocation, folder)
    _tell_next(invocation, folder, ["upriver status", f"upriver show staging.{found.tables[0].name}"])
    return code


def _build(invocation: Invocation, folder: Path) -> int:
    """Build the new project, as ``upriver build`` in it does."""
    module = load_command("build")
    options = parser_of("build", module).parse(["-C", str(folder)])
    build = Invocation(
        options,
        invocation.out,
        invocation.err,
        environ=invocation.environ,
        open_session=invocation.opener,
        clock=invocation.clock,
    )
    try:
        return module.run(build)
    finally:
        build.close()


def _tell_written(invocation: Invocation, folder: Path, written: Sequence[Path]) -> None:
    from upriver.tui.present.spans import Span, line
    from upriver.tui.present.words import plural

    where = "this folder" if folder == Path.cwd() else _short(folder)
    invocation.out.write(line(Span(f"{plural(len(written), 'file')} written to {where}", "bold")))
    invocation.out.write(*(line("  ", str(path.relative_to(folder))) for path in written))


def _tell_next(invocation: Invocation, folder: Path, commands: Sequence[str]) -> None:
    from upriver.tui.present.spans import EMPTY, Span, line

    enter = [] if folder == Path.cwd() else [f"cd {shlex.quote(str(_short(folder)))}"]
    shown = (line("  ", Span(command, "cyan")) for command in (*enter, *commands))
    invocation.out.write(EMPTY, line("Next:"), *shown)


def _short(folder: Path) -> Path:
    """The folder as one would type it from here."""
    try:
        return folder.relative_to(Path.cwd())
    except ValueError:
        return folder
