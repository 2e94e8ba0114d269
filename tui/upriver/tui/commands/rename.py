"""``upriver rename``: another key for an asset or source, wherever it is named."""

from __future__ import annotations

from upriver.tui.arguments import Parser, add_environment, add_json
from upriver.tui.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Gives an asset or source another key: moves its file, and rewrites every query and declaration that names "
        "it. All files are written or none."
    )
    parser.examples = (
        ("upriver rename staging.orders staging.sales --dry-run", "each file and line that would change"),
        ("upriver rename staging.orders staging.sales", "change them"),
    )
    parser.add_argument("asset", metavar="OLD", help="its key")
    parser.add_argument("new", metavar="NEW", help="the key that it gets")
    parser.add_argument("-n", "--dry-run", action="store_true", help="only say what would change")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui import json_output
    from upriver.tui.json_values import write_json
    from upriver.tui.render.rename import rename_lines

    options, out, session = invocation.options, invocation.out, invocation.session
    found = session.renaming(options.asset, options.new)
    if not options.dry_run:
        session.rename(found)
    if invocation.json:
        write_json(out, json_output.renaming(found, dry_run=options.dry_run))
    else:
        out.write(*rename_lines(found, out.page, dry_run=options.dry_run))
    return 0
