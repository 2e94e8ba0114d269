"""``upriver incidents``: what is wrong, one line a cause; acknowledging one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, add_json
from upriver.tui.cli.invocation import Invocation

if TYPE_CHECKING:
    from upriver.materializer.ports import Incident


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Looks at everything, and shows what is wrong, one line for each root cause: since when, what suffers from it, "
        "and whether it may heal by itself. With an ID (its beginning is enough) shows one in full: what has changed "
        "since the last good content, in data and code."
    )
    parser.examples = (
        ("upriver incidents", "what is wrong now"),
        ("upriver incidents 3fa9", "one of them in full"),
        ('upriver incidents ack 3fa9 --note "on it"', "note that a person knows of it"),
        ("upriver incidents --all", "with those that are over"),
    )
    parser.add_argument("words", metavar="[ack] ID", nargs="*", default=[], help="one incident; default: all")
    parser.add_argument("--all", dest="everything", action="store_true", help="show also what is over")
    parser.add_argument("--note", metavar="TEXT", help="of ack: what others should know")
    parser.add_argument("--check", action="store_true", help="exit with 1 when one is open")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.materializer.automation.incidents.transitions import named
    from upriver.tui.cli.failure import DONE, FAILED
    from upriver.tui.present.json import incidents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.incidents import incident_in_full, incident_lines

    options, session, out = invocation.options, invocation.session, invocation.out
    words = list(options.words)
    acknowledging = words[:1] == ["ack"]
    if acknowledging:
        words = words[1:]
    if options.note is not None and not acknowledging:
        raise WrongUsage("--note belongs to `upriver incidents ack ID`")
    if len(words) > 1 or (acknowledging and not words):
        raise WrongUsage("one incident is named by its id", "`upriver incidents` lists them")
    found: tuple[Incident, ...]
    if acknowledging:
        found = (session.acknowledge(words[0], options.note or ""),)
    elif words:
        found = (named(session.incidents(everything=True), words[0]),)
    else:
        found = session.incidents(everything=options.everything)
    if invocation.json:
        write_json(out, json_output.incidents(found))
    elif words:
        out.write(*incident_in_full(found[0], out.page, now=invocation.clock()))
    else:
        out.write(*incident_lines(found, out.page, now=invocation.clock()))
    return FAILED if options.check and any(one.open for one in found) else DONE
