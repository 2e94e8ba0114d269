"""``upriver log``: what the recipes printed in a run."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = "Shows how a run ended and what its recipes printed."
    parser.examples = (
        ("upriver log last", "the last run"),
        ("upriver log last marts.revenue", "one asset of it"),
    )
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        default="last",
        help="a run's id, the beginning of one, or `last` (default)",
    )
    parser.add_argument("asset", metavar="ASSET", nargs="?", help="only this asset")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from msgspec.structs import replace

    from upriver.tui.cli.asset_names import asset_named
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.runs import log_lines

    options, out, session = invocation.options, invocation.out, invocation.session
    entry = session.run(options.run)
    key = None if options.asset is None else asset_named(session, options.asset)
    lines = session.log(entry.id, key)
    if key is not None:
        entry = replace(entry, assets=tuple(result for result in entry.assets if result.asset == key))
    if invocation.json:
        write_json(out, json_output.log(entry, lines))
    else:
        out.write(*log_lines(entry, lines, out.page, now=invocation.clock()))
    return 0
