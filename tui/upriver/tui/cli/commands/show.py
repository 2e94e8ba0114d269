"""``upriver show``: schema, profile and first rows of an asset."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, add_json, whole_number
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Shows what an asset holds now, or held before: its columns in numbers, and its first rows."
    )
    parser.examples = (
        ("upriver show marts.revenue", "columns and the first 10 rows"),
        ("upriver show marts.revenue -n 50", "more rows"),
        ("upriver show marts.revenue --changes", "the rows that came and went since it held something else"),
        ("upriver show marts.revenue --at 20130401", "what it held after a run, as `history` names it"),
    )
    parser.add_argument("asset", metavar="ASSET", help="the asset's or source's key")
    parser.add_argument(
        "-n", "--rows", type=whole_number, default=10, metavar="N", help="how many rows (default: 10)"
    )
    parser.add_argument(
        "--at", metavar="WHEN", help="what it held then: a run or version of `history ASSET`, or `before`"
    )
    parser.add_argument(
        "--changes", metavar="WHEN", nargs="?", const="before",
        help="the rows that differ now from what it held then (default: before)",
    )  # fmt: skip
    parser.add_argument(
        "--partition",
        action="append",
        default=[],
        metavar="RANGE",
        help="rows of these slices: 2013-01-05, carrier=AA",
    )
    parser.add_argument(
        "--quantiles", action="store_true", help="medians and histograms, also of very many columns"
    )
    parser.add_argument("--refused", action="store_true", help="what was made last and not published")
    parser.add_argument(
        "--offenders", metavar="CHECK", help="the rows that a check has found when it failed last"
    )
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.asset_names import asset_named
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.spans import EMPTY
    from upriver.tui.present.text.checks import refused_lines
    from upriver.tui.present.text.data import comparison_lines, profile_lines, rows_lines

    options, out, session = invocation.options, invocation.out, invocation.session
    key = asset_named(session, options.asset)
    if options.changes is not None:
        if options.at is not None:
            raise WrongUsage("--at and --changes can't be combined", "--changes WHEN compares with then")
        comparison = session.compare(key, options.changes)
        differing = session.preview(key, limit=options.rows, against=comparison.before)
        if invocation.json:
            write_json(out, json_output.comparison(comparison, differing))
        else:
            out.write(
                *comparison_lines(comparison, invocation.clock()), EMPTY, *rows_lines(differing, out.page)
            )
        return 0
    if options.partition:
        if options.refused or options.at is not None or options.offenders is not None:
            raise WrongUsage("--partition can't be combined", "it shows rows of slices as they are now")
        where = session.slice_filter(key, options.partition)
        rows = session.preview(key, limit=options.rows, where=where)
        if invocation.json:
            shown = {"asset": key, "partition": options.partition, "rows": json_output.rows(rows)}
            write_json(out, shown)
        else:
            out.write(*rows_lines(rows, out.page))
        return 0
    if options.offenders is not None:
        if options.refused or options.at is not None:
            raise WrongUsage(
                "--offenders can't be combined", "it shows what the check has found, whatever is served"
            )
        found = session.offenders(key, options.offenders, limit=options.rows)
        if invocation.json:
            write_json(out, {"asset": key, "check": options.offenders, "rows": json_output.rows(found)})
        else:
            out.write(*rows_lines(found, out.page))
        return 0
    if options.refused:
        if options.at is not None:
            raise WrongUsage("--refused and --at can't be combined", "--refused is of what was made last")
        refused = session.refused(key)
        options.at = refused.id
        if not invocation.json:
            out.write(*refused_lines(refused, invocation.clock()), EMPTY)
    profile = session.profile(key, at=options.at, quantiles=options.quantiles or None)
    preview = session.preview(key, limit=options.rows, at=options.at)
    if invocation.json:
        write_json(out, json_output.show(profile, preview))
    else:
        out.write(
            *profile_lines(profile, out.page),
            EMPTY,
            *rows_lines(preview, out.page),
        )
    return 0
