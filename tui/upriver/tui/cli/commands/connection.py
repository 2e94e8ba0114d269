"""``upriver connection``: lists connections, tests them, shows what a source can be declared of."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, WrongUsage, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Connections are declared in upriver.toml, [connections.NAME]. Only `test` and `browse` ask the systems; "
        "secrets are shown by none of them."
    )
    parser.examples = (
        ("upriver connection list", "which there are, and what reads them"),
        ("upriver connection test shop", "who answers, or why nobody does"),
        ("upriver connection browse shop 'sales.*'", "tables that a source can be declared of"),
    )
    parser.add_argument(
        "action", choices=("list", "test", "browse"), metavar="list|test|browse", help="what to do"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="which connection (test: all)")
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help="names to browse: * is any text")
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code: 1 where a connection that is tested does not answer."""
    from upriver.tui.present.json import connections as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.connections import connection_lines, object_lines

    options, out = invocation.options, invocation.out
    if options.pattern is not None and options.action != "browse":
        raise WrongUsage(f"`upriver connection {options.action}` takes no pattern")
    if options.action == "browse":
        if options.name is None:
            raise WrongUsage("which connection?", "`upriver connection list` lists them")
        found = invocation.session.objects(options.name, options.pattern or "*")
        if invocation.json:
            write_json(out, json_output.browsed(options.name, found))
        else:
            out.write(*object_lines(options.name, found, out.page))
        return 0
    testing = options.action == "test"
    names = () if options.name is None else (options.name,)
    entries = invocation.session.connections(names, test=testing)
    if invocation.json:
        write_json(out, json_output.connections(entries))
    else:
        out.write(*connection_lines(entries, out.page, tested=testing))
    return 1 if any(entry.error for entry in entries) else 0
