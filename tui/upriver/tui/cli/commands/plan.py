"""``upriver plan``: what build would do, and why."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json, add_select
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = "Shows what `upriver build` would do and why. Nothing is built."
    parser.examples = (
        ("upriver plan", "for everything"),
        ("upriver plan --check", "exit code 3 when there is anything to do, 2 when something is broken"),
        ("upriver plan 'marts.*' --json", "for a script"),
    )
    add_select(parser)
    parser.add_argument("-f", "--force", action="store_true", help="as if `build --force` were meant")
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 3 when there is anything to do, with 2 when something is broken",
    )
    parser.add_argument("-a", "--all", action="store_true", help="list what is fresh, too")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    options = invocation.options
    return show_plan(invocation, force=options.force, check=options.check, everything=options.all)


def show_plan(
    invocation: Invocation, *, force: bool = False, check: bool = False, everything: bool = False
) -> int:
    """Show the plan; with *check* the exit code says whether there is anything to do."""
    from upriver.tui.cli.failure import DONE, STALE, WRONG
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.diagnoses import diagnoses_lines
    from upriver.tui.present.text.plan import plan_lines

    out = invocation.out
    plan = invocation.session.plan(invocation.options.select, force=force)
    if plan.diagnoses:
        invocation.err.write(*diagnoses_lines(plan.diagnoses))
    if invocation.json:
        write_json(out, json_output.plan(plan))
    else:
        out.write(*plan_lines(plan, out.page, everything=everything))
    if not check:
        return DONE
    return WRONG if plan.broken else STALE if plan.stale else DONE
