"""``upriver sql``: query current artifacts by key."""

from __future__ import annotations

import sys

from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, add_json, whole_number
from upriver.tui.cli.invocation import Invocation

MANY = 100
"""So many rows are shown as a table by default; JSON and CSV give all."""


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Runs a query (in DuckDB's SQL) over the current artifacts and sources, named by their keys. It can "
        "read; it can't change anything."
    )
    parser.examples = (
        ("upriver sql 'from marts.revenue limit 5'", "look at rows"),
        ("upriver sql 'from marts.revenue' --format csv > revenue.csv", "export"),
        ("upriver sql - < query.sql", "a query from a file"),
    )
    parser.add_argument("query", metavar="QUERY", help="the query; - reads it from standard input")
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv"),
        default="table",
        help="how to show rows (default: table)",
    )
    parser.add_argument(
        "--limit", type=whole_number, metavar="N", help=f"at most N rows (a table shows {MANY} by default)"
    )
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.spans import shown
    from upriver.tui.present.text.data import csv_text, rows_lines

    options, out = invocation.options, invocation.out
    query = sys.stdin.read() if options.query == "-" else options.query
    if not query.strip():
        raise WrongUsage("the query is empty", "`upriver sql 'from some.asset limit 5'`")
    form = "json" if invocation.json else options.format
    limit = options.limit
    # One more row than is shown tells whether there are more.
    asked = limit if form != "table" else (limit or MANY) + 1
    result = invocation.session.sql(query, limit=asked)
    if form == "json":
        write_json(out, json_output.rows(result))
    elif form == "csv":
        text = csv_text(result)
        out.raw("\n".join(map(shown, text.split("\r\n"))) if out.terminal else text)
    else:
        most = limit or MANY
        more = len(result.rows) > most
        if more:
            from msgspec.structs import replace

            result = replace(result, rows=result.rows[:most], total=None)
        out.write(*rows_lines(result, out.page))
        if more:
            from upriver.tui.present.spans import Span, line

            invocation.err.write(
                line(Span(f"there are more rows; --limit N shows more than {most:,}", "dim"))
            )
    return 0
