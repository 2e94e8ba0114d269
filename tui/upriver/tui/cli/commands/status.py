"""``upriver status``: how fresh every asset is now."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json, add_select, whole_number
from upriver.tui.cli.invocation import Invocation

ORDERS = ("graph", "attention", "name")


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = "Shows the freshness of every asset, and in a few words why it is not fresh."
    parser.examples = (
        ("upriver status", "all assets"),
        ("upriver status --sort attention", "broken and failed first, then what most depends on"),
        ("upriver status state:stale", "only what is stale"),
        (
            "upriver status +marts.revenue --check",
            "exit code 3 unless all of it is fresh, 2 when it is broken",
        ),
        ("upriver status marts.daily --partitions", "every slice of a partitioned asset"),
        ("upriver status --trust", "how well what comes from outside is known"),
    )
    add_select(parser)
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 3 when an asset is not fresh, with 2 when one is broken",
    )
    parser.add_argument(
        "--verify", action="store_true", help="hash every byte of the sources; trust no time stamp"
    )
    parser.add_argument(
        "--trust", action="store_true", help="show how well what the assets read from outside is known"
    )
    parser.add_argument("--partitions", action="store_true", help="list the slices of partitioned assets")
    parser.add_argument("--sort", choices=ORDERS, default="graph", help="order of the table (default: graph)")
    parser.add_argument("-a", "--all", action="store_true", help="show every row, however many there are")
    parser.add_argument(
        "--limit", type=whole_number, metavar="N", help="show at most N rows, the most urgent ones"
    )
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.materializer.model import State
    from upriver.tui.cli.failure import DONE, STALE, WRONG
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.diagnoses import diagnoses_lines
    from upriver.tui.present.text.status import MANY, status_lines

    options, out = invocation.options, invocation.out
    if options.partitions:
        return _partitions(invocation)
    statuses = invocation.session.status(options.select, verify=options.verify)
    if told := tuple(dict.fromkeys(one for status in statuses for one in status.diagnoses)):
        invocation.err.write(*diagnoses_lines(told))
    if options.trust:
        from upriver.materializer.freshness.trust import UNCOVERED
        from upriver.tui.present.text.trust import trust_lines

        known = invocation.session.trust(options.select)
        if invocation.json:
            write_json(out, json_output.trust(statuses, known, UNCOVERED))
        else:
            out.write(*trust_lines(known, UNCOVERED, out.page))
    elif invocation.json:
        write_json(out, json_output.status(statuses))
    else:
        limit = None if options.all else options.limit or (MANY if out.terminal else None)
        lines = status_lines(
            statuses,
            out.page,
            now=invocation.clock(),
            order=options.sort,
            limit=limit,
        )
        out.write(*lines)
    if not options.check:
        return DONE
    if any(status.state is State.BROKEN for status in statuses):
        return WRONG
    late = any(status.state is not State.FRESH for status in statuses if status.kind != "source")
    return STALE if late else DONE


def _partitions(invocation: Invocation) -> int:
    from upriver.materializer.model import State
    from upriver.tui.cli.failure import DONE, STALE
    from upriver.tui.present.json import slices as json_slices
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.slices import partition_lines
    from upriver.tui.present.text.status import MANY

    options, out = invocation.options, invocation.out
    found = invocation.session.partitions(options.select)
    if invocation.json:
        write_json(out, json_slices.partitions(found))
    else:
        limit = None if options.all else options.limit or (MANY if out.terminal else None)
        out.write(*partition_lines(found, out.page, limit=limit))
    late = any(one.state != State.FRESH.value for value in found for one in value.slices)
    return STALE if late and options.check else DONE
