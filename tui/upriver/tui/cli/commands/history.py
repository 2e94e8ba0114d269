"""``upriver history``: runs, or the materializations of one asset."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json, whole_number
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = "Lists runs, newest first; with ASSET, that asset's materializations."
    parser.examples = (
        ("upriver history", "the last runs"),
        ("upriver history marts.revenue", "when it was built, how long it took, how many rows it had"),
    )
    parser.add_argument("asset", metavar="ASSET", nargs="?", help="an asset's key")
    parser.add_argument(
        "-n", "--limit", type=whole_number, default=20, metavar="N", help="how many to list (default: 20)"
    )
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.asset_names import asset_named
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.runs import history_lines, runs_lines

    options, out, session = invocation.options, invocation.out, invocation.session
    now = invocation.clock()
    if options.asset is None:
        runs = session.runs(limit=options.limit)
        if invocation.json:
            write_json(out, json_output.runs(runs))
        else:
            out.write(*runs_lines(runs, out.page, now=now))
        return 0
    key = asset_named(session, options.asset)
    entries = session.history(key, limit=options.limit)
    if invocation.json:
        write_json(out, json_output.history(key, entries))
    else:
        out.write(*history_lines(key, entries, out.page, now=now))
    return 0
