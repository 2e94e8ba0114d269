"""``upriver fsck``: verify every artifact and record."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Reads every artifact and compares its bytes with what was recorded, then every record with the others. "
        "Nothing is ever deleted: --repair sets damaged files aside, and the next build makes them again."
    )
    parser.examples = (
        ("upriver fsck", "exit code 1 when something is wrong"),
        ("upriver fsck --repair", "put right what can be put right"),
    )
    parser.add_argument("--repair", action="store_true", help="put right what is wrong")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.materializer.upkeep.repair import Repaired
    from upriver.tui.cli.failure import DONE, FAILED
    from upriver.tui.present.json import upkeep as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.upkeep import fsck_lines

    out = invocation.out
    found = invocation.session.fsck(repair=invocation.options.repair)
    report, actions = (found.after, found.actions) if isinstance(found, Repaired) else (found, ())
    if invocation.json:
        write_json(out, json_output.fsck(report, actions))
    else:
        out.write(*fsck_lines(report, actions, out.page))
    return DONE if report.ok else FAILED
