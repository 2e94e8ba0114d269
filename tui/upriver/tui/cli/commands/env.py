"""``upriver env``: list environments, remove one."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, WrongUsage, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "An environment is a named set of pointers: what each asset is there. `--env NAME` works in one, "
        "`--env NAME --create` in a new one. Removing one forgets its pointers; its artifacts go with the next "
        "`upriver gc`."
    )
    parser.examples = (
        ("upriver env list", "which there are, and what builds in them now"),
        ("upriver build --env try --create", "build in a new one"),
        ("upriver env remove try", "forget it"),
    )
    parser.add_argument("action", choices=("list", "remove"), metavar="list|remove", help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="which environment to remove")
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.present.json import upkeep as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.environments import environment_lines, removed_lines

    options, out = invocation.options, invocation.out
    if options.action == "list":
        if options.name is not None:
            raise WrongUsage("`upriver env list` takes no name")
        entries = invocation.session.environments()
        if invocation.json:
            write_json(out, json_output.environments(entries))
        else:
            out.write(*environment_lines(entries, out.page))
        return 0
    if options.name is None:
        raise WrongUsage("which environment?", "`upriver env list` lists them")
    count = invocation.session.remove_environment(options.name)
    if invocation.json:
        write_json(out, json_output.environment_removed(options.name, count))
    else:
        out.write(*removed_lines(options.name, count, out.page))
    return 0
