"""``upriver cost``: what each asset has cost in the last runs, and what reuse has spared."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json, add_select, whole_number
from upriver.tui.cli.invocation import Invocation
from upriver.tui.present.views.costs import COST_ORDERS


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Lists what each asset has cost in the last runs: time in all and as a rule, how often it was built or "
        "reused, what that has spared, its size and the memory that it took."
    )
    parser.examples = (
        ("upriver cost", "the dearest first"),
        ("upriver cost marts.* --sort memory", "what takes most memory among them"),
        ("upriver cost -n 100 --json", "over the last hundred runs, for a program"),
    )
    add_select(parser)
    parser.add_argument(
        "-n", "--runs", type=whole_number, default=20, metavar="N", help="over how many runs (default: 20)"
    )
    parser.add_argument(
        "--sort", choices=tuple(COST_ORDERS), default="total", help="what comes first: the most of it"
    )
    parser.add_argument("-a", "--all", action="store_true", help="show every row, however many there are")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.cost import cost_lines
    from upriver.tui.present.text.status import MANY

    options, out = invocation.options, invocation.out
    found = invocation.session.cost(options.select, runs=options.runs)
    if invocation.json:
        write_json(out, json_output.cost(found, options.sort))
    else:
        limit = None if options.all or not out.terminal else MANY
        out.write(*cost_lines(found, out.page, order=options.sort, now=invocation.clock(), limit=limit))
    return 0
