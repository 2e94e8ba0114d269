"""``upriver approve``: what waits for a person, and approving it."""

from __future__ import annotations

import getpass

from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Approves what an asset with `approval: true` would be made from now; without a key, shows which wait. Another "
        "content needs another approval, an equal one none. Until then the last approved content is served."
    )
    parser.examples = (
        ("upriver approve", "what waits"),
        ('upriver approve marts.prices_out --note "checked"', "approve what it reads now"),
    )
    parser.add_argument("key", metavar="KEY", nargs="?", help="the asset; default: list all")
    parser.add_argument("--by", metavar="NAME", help="who approves (default: the user of this machine)")
    parser.add_argument("--note", metavar="TEXT", default="", help="why")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.failure import DONE
    from upriver.tui.present.json.approvals import approvals
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.spans import line
    from upriver.tui.present.text.goals import moment

    options, session = invocation.options, invocation.session
    if options.key is None:
        if options.by is not None or options.note:
            raise WrongUsage("approve what?", "`upriver approve` lists what waits")
        found = session.approvals()
    else:
        found = (session.approve(options.key, by=options.by or getpass.getuser(), note=options.note),)
    if invocation.json:
        write_json(invocation.out, approvals(found))
        return DONE
    now = invocation.clock()
    for one in found:
        given = one.approved
        last = (
            f"approved {moment(given.at, now)}, claimed by {given.by}"
            if given is not None
            else "never approved"
        )
        state = f"waits for approval of {', '.join(one.of)}; " if one.waiting else ""
        note = f": {given.note}" if given is not None and given.note else ""
        invocation.out.write(line(f"{one.asset}  {state}{last}{note}"))
    if not found:
        invocation.out.write(line("no asset wants an approval; `approval: true` in a header declares it"))
    return DONE
