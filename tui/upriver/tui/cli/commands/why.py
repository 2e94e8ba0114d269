"""``upriver why``: the chain of causes, to the column and the line of code."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Explains an asset's state: the chain of causes down to the column that changed or the line of code, "
        "what was ruled out, and what it will cost to make it fresh."
    )
    parser.examples = (
        ("upriver why marts.revenue", "the chain of causes"),
        ("upriver why marts.revenue --json", "for a script"),
    )
    parser.add_argument("asset", metavar="ASSET", help="the asset's key")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.asset_names import asset_named
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.why import why_lines

    out, session = invocation.out, invocation.session
    explanation = session.why(asset_named(session, invocation.options.asset))
    if invocation.json:
        write_json(out, json_output.why(explanation))
    else:
        out.write(*why_lines(explanation, out.page))
    return 0
