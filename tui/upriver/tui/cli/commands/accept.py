"""``upriver accept``: takes text sources as they are now, though they are not what they were."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Reads CSV and NDJSON sources whole and writes their shapes (columns, types, delimiter, quotes, header, date "
        "formats, encoding) to sources.lock, which is to be committed. A source that no longer fits its shape is "
        "broken until it is put right or accepted."
    )
    parser.examples = (("upriver accept raw.visits", "columns and types as the file has them now"),)
    parser.add_argument("source", metavar="SOURCE", nargs="+", help="the key of a source, or a glob (raw.*)")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.accept import accept_lines

    out = invocation.out
    found = invocation.session.accept(tuple(invocation.options.source))
    if invocation.json:
        write_json(out, json_output.accept(found))
    else:
        out.write(*accept_lines(found, out.page))
    return 0
