"""``upriver impact``: what the present changes break or change downstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, add_json
from upriver.tui.cli.invocation import Invocation

if TYPE_CHECKING:
    from upriver.materializer.answers import Impacts
    from upriver.materializer.operations import ProjectApi


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Says, before anything is built, which assets and columns downstream would break or change because "
        "of the changes made since the last build, or since a git revision; or if a column were dropped."
    )
    parser.examples = (
        ("upriver impact", "since the last build"),
        ("upriver impact --since main --check", "in CI: exit code 1 when something breaks"),
        ("upriver impact --drop staging.orders.amount", "what needs it, and at which line"),
    )
    parser.add_argument("--drop", metavar="ASSET.COLUMN", help="suppose that this column were not there")
    parser.add_argument("--since", metavar="REV", help="compare with this git revision")
    parser.add_argument("--check", action="store_true", help="exit with 1 when something would break")
    add_environment(parser)
    add_json(parser)


def _dropping(session: ProjectApi, name: str, since: str | None) -> Impacts:
    from upriver.tui.cli.asset_names import resolve_column, split_column

    if since is not None:
        raise WrongUsage("--drop and --since are two questions", "ask one after the other")
    key, column = split_column(session.keys(), name)
    if column is None:
        raise WrongUsage(f"{name} is an asset, not a column of one", f"write {name}.COLUMN")
    known = session.columns(key)
    return session.dropping(key, resolve_column(known, key, column) if known else column)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.failure import DONE, FAILED
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.impact import BREAKS, UNCHANGED, impact_lines

    options, out = invocation.options, invocation.out
    nothing = UNCHANGED
    if options.drop is not None:
        nothing = f"nothing downstream reads {options.drop}: it can be dropped"
        impacts = _dropping(invocation.session, options.drop, options.since)
    else:
        impacts = invocation.session.impact(options.since)
    if invocation.json:
        write_json(out, json_output.impact(impacts))
    else:
        out.write(*impact_lines(impacts, out.page, nothing))
    return FAILED if options.check and any(impact.effect == BREAKS for impact in impacts) else DONE
