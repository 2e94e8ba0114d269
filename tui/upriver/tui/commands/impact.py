"""``upriver impact``: what the present changes break or change downstream."""

from __future__ import annotations

from upriver.tui.arguments import Parser, add_environment, add_json
from upriver.tui.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Says, before anything is built, which assets and columns downstream would break or change because "
        "of the changes made since the last build, or since a git revision."
    )
    parser.examples = (
        ("upriver impact", "since the last build"),
        ("upriver impact --since main --check", "in CI: exit code 1 when something breaks"),
    )
    parser.add_argument("--since", metavar="REV", help="compare with this git revision")
    parser.add_argument("--check", action="store_true", help="exit with 1 when something would break")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui import json_output
    from upriver.tui.failure import DONE, FAILED
    from upriver.tui.json_values import write_json
    from upriver.tui.render.impact import BREAKS, impact_lines

    options, out = invocation.options, invocation.out
    impacts = invocation.session.impact(options.since)
    if invocation.json:
        write_json(out, json_output.impact(impacts))
    else:
        out.write(*impact_lines(impacts, out.page))
    return FAILED if options.check and any(impact.effect == BREAKS for impact in impacts) else DONE
