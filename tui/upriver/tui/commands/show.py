"""``upriver show``: schema, profile and first rows of an asset."""

from __future__ import annotations

from upriver.tui.arguments import Parser, add_environment, add_json, whole_number
from upriver.tui.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = "Shows what an asset holds now: its columns in numbers, and its first rows."
    parser.examples = (
        ("upriver show marts.revenue", "columns and the first 10 rows"),
        ("upriver show marts.revenue -n 50", "more rows"),
    )
    parser.add_argument("asset", metavar="ASSET", help="the asset's or source's key")
    parser.add_argument(
        "-n", "--rows", type=whole_number, default=10, metavar="N", help="how many rows (default: 10)"
    )
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui import json_output
    from upriver.tui.json_values import write_json
    from upriver.tui.naming import asset_named
    from upriver.tui.render.data import profile_lines, rows_lines
    from upriver.tui.render.text import EMPTY

    options, out, session = invocation.options, invocation.out, invocation.session
    key = asset_named(session, options.asset)
    profile = session.profile(key)
    preview = session.preview(key, limit=options.rows)
    if invocation.json:
        write_json(out, json_output.show(profile, preview))
    else:
        out.write(
            *profile_lines(profile, out.page),
            EMPTY,
            *rows_lines(preview, out.page),
        )
    return 0
