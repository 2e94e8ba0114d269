"""``upriver contract``: write down what an asset promises."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Writes the columns that an asset has now, with their types, into its declaration: from then on an edit that "
        "changes one breaks the asset before a row is read. What is declared of a column besides stays."
    )
    parser.examples = (
        ("upriver contract freeze marts.revenue --dry-run", "the lines that would be written"),
        ("upriver contract freeze marts.revenue --closed", "these columns, and no others"),
    )
    parser.add_argument("action", choices=("freeze",), metavar="freeze", help="what to do")
    parser.add_argument("asset", metavar="ASSET", help="the key of an asset")
    parser.add_argument("--closed", action="store_true", help="allow no further columns")
    parser.add_argument("-n", "--dry-run", action="store_true", help="only say what would be written")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.asset_names import asset_named
    from upriver.tui.present.json.contracts import freezing
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.contracts import freezing_lines

    options, out, session = invocation.options, invocation.out, invocation.session
    found = session.freezing(asset_named(session, options.asset), closed=options.closed)
    if not options.dry_run and found.diff:
        session.freeze(found)
    if invocation.json:
        write_json(out, freezing(found, dry_run=options.dry_run))
    else:
        out.write(*freezing_lines(found, dry_run=options.dry_run))
    return 0
