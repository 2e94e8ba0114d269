"""``upriver check``: run the checks that are due on what is served."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json, add_select
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Runs the checks of SELECT on what is served now. A check runs only when something that it reads, or its own "
        "declaration, has changed since it ran last. Exit code 1 when one of severity error fails."
    )
    parser.examples = (
        ("upriver check", "all that are due"),
        ("upriver check 'marts.*' --force", "all checks of some assets, due or not"),
        ("upriver show marts.revenue --offenders 'unique(id)'", "the rows that a check has found"),
    )
    add_select(parser)
    parser.add_argument(
        "-f", "--force", action="store_true", help="run the checks even when their verdicts hold"
    )
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.failure import DONE, FAILED
    from upriver.tui.present.json.checks import checks
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.checks import check_lines

    options, out = invocation.options, invocation.out
    report = invocation.session.check(options.select, force=options.force)
    if invocation.json:
        write_json(out, checks(report))
    else:
        out.write(*check_lines(report))
    return FAILED if report.failed else DONE
