"""``upriver rename``: another key for an asset or source, or another name for a column, wherever it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upriver.assets.model import Key
from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation

if TYPE_CHECKING:
    from upriver.lineage.refactoring.rename.values import ColumnRenaming, Renaming
    from upriver.materializer.operations import ProjectApi


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Gives an asset or source another key: moves its file, and rewrites every query and declaration that names "
        "it. With ASSET.COLUMN it gives a column another name, where it is made and wherever it is read; other columns "
        "keep their names, except where an asset passes it on as it comes (select *). A name that is both a key and a "
        "column means the key; --column tells them apart. Before anything is written, every query is bound again and "
        "has to mean the same. All files are written or none."
    )
    parser.examples = (
        ("upriver rename staging.orders staging.sales --dry-run", "each file and line that would change"),
        ("upriver rename staging.orders staging.sales", "change them"),
        ("upriver rename staging.orders.amount amount_usd", "a column of it, and every read of that"),
    )
    parser.add_argument("name", metavar="OLD", help="its key, or ASSET.COLUMN")
    parser.add_argument("new", metavar="NEW", help="the key, or the name, that it gets")
    parser.add_argument(
        "--column", metavar="COLUMN", help="the column of OLD to rename, when OLD is only its asset"
    )
    parser.add_argument(
        "--leave",
        action="store_true",
        help="rename a column although places are left that only you can change: what is there breaks until you do",
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="only say what would change")
    add_environment(parser)
    add_json(parser)


def _subject(session: ProjectApi, name: str, column: str | None) -> tuple[Key, str | None]:
    """Asset and column; None for the asset itself. The longest key that fits wins, as everywhere."""
    from upriver.tui.cli.asset_names import asset_named, split_column

    return split_column(session.keys(), name) if column is None else (asset_named(session, name), column)


def _also_a_column(session: ProjectApi, name: str) -> str | None:
    """What to say when the key *name* is a column of another asset too."""
    keys, parts = set(session.keys()), name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        key, column = ".".join(parts[:length]), ".".join(parts[length:])
        if key in keys and column in {one.lower() for one in session.columns(key)}:
            return (
                f"{name} is an asset, and {key} has a column {column}: this is about the asset; for the column: "
                f"upriver rename {key} NEW --column {column}"
            )
    return None


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.spans import wrap
    from upriver.tui.present.text.rename import rename_lines

    options, out, session = invocation.options, invocation.out, invocation.session
    key, column = _subject(session, options.name, options.column)
    found: Renaming | ColumnRenaming
    if column is None:
        found = session.renaming(key, options.new)
        if not options.dry_run:
            session.rename(found)
    else:
        found = session.column_renaming(key, column, options.new.removeprefix(f"{key}."), leave=options.leave)
        if not options.dry_run:
            session.rename_column(found)
    if invocation.json:
        write_json(out, json_output.renaming(found, dry_run=options.dry_run))
    else:
        out.write(*rename_lines(found, out.page, dry_run=options.dry_run))
        if column is None and (said := _also_a_column(session, key)) is not None:
            out.write(*wrap(said, out.page.width, "yellow"))
    return 0
