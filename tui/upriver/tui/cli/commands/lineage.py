"""``upriver lineage``: where an asset or column comes from, and what it feeds."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json, whole_number
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Shows where an asset, or one column of it, comes from and what it feeds, with the expression at "
        "every hop. What decides rows (filters, joins, groupings) is told apart from what flows into values."
    )
    parser.examples = (
        ("upriver lineage marts.revenue", "assets up- and downstream"),
        ("upriver lineage marts.revenue.total", "one column, back to its sources"),
        ("upriver lineage marts.revenue --columns --upstream", "every column of an asset"),
        ("upriver lineage marts.revenue --format mermaid", "a diagram for a README"),
    )
    parser.add_argument("name", metavar="ASSET[.COLUMN]", help="an asset's key, or a column of it")
    parser.add_argument("-u", "--upstream", action="store_true", help="only where it comes from")
    parser.add_argument("-d", "--downstream", action="store_true", help="only what it feeds")
    parser.add_argument("-c", "--columns", action="store_true", help="follow every column of the asset")
    parser.add_argument("--depth", type=whole_number, metavar="N", help="at most N hops away")
    parser.add_argument(
        "--format",
        choices=("text", "json", "mermaid", "dot"),
        default="text",
        help="how to show it (default: text)",
    )
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.asset_names import resolve_column, split_column
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text import lineage

    options, out, session = invocation.options, invocation.out, invocation.session
    key, column = split_column(session.keys(), options.name)
    if column is not None and (known := session.columns(key)):
        column = resolve_column(known, key, column)
    both = options.upstream == options.downstream
    upstream, downstream = both or options.upstream, both or options.downstream
    columns = options.columns or column is not None
    view = session.lineage(
        key, column, upstream=upstream, downstream=downstream, columns=columns, depth=options.depth
    )
    form = "json" if invocation.json else options.format
    if form == "json":
        write_json(out, json_output.lineage(view))
    elif form == "mermaid":
        out.raw(lineage.mermaid(view))
    elif form == "dot":
        out.raw(lineage.dot(view))
    else:
        lines = lineage.lineage_lines(
            view,
            out.page,
            upstream=upstream,
            downstream=downstream,
            columns=columns,
        )
        out.write(*lines)
    return 0
