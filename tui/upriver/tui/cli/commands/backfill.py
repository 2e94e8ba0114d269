"""``upriver backfill``: make many slices, as a goal that survives restarts; list those that are not done."""

from __future__ import annotations

import argparse

from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, add_json, add_select
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Records the goal that slices of SELECT are as they should be, and works on it, the newest first. What is left "
        "is asked anew all the time: after a kill or a restart only what does not verify is made. Without SELECT it "
        "lists the backfills that are not done."
    )
    parser.examples = (
        ("upriver backfill marts.daily --partition 2013-01-01..2013-06-30", "these slices"),
        ("upriver backfill marts.daily --partition 2013-06.. --share 0.3", "at most for a third of the time"),
        ("upriver backfill", "which are not done"),
        ("upriver backfill --resume 1f2e", "go on with one"),
        ("upriver backfill --cancel 1f2e", "give one up; what was made stays"),
    )
    add_select(parser)
    parser.add_argument(
        "--partition",
        action="append",
        default=[],
        metavar="RANGE",
        help="which slices (inclusive); default: all",
    )
    parser.add_argument(
        "--share", type=_share, default=1.0, metavar="S", help="work at most this part of the time"
    )
    parser.add_argument("--oldest-first", action="store_true", help="begin with the oldest slices")
    parser.add_argument("--resume", metavar="ID", help="go on with a backfill")
    parser.add_argument("--cancel", metavar="ID", help="forget a backfill")
    parser.add_argument("-q", "--quiet", action="store_true", help="tell only failures and the summary")
    add_environment(parser)
    add_json(parser)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no share; it is more than 0 and at most 1, such as 0.3"
        )
    return share


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.materializer.execution.cancel import Cancel
    from upriver.materializer.model import RunStatus
    from upriver.tui.cli import signals
    from upriver.tui.cli.failure import DONE, FAILED
    from upriver.tui.present.build_display import PlainDisplay
    from upriver.tui.present.json.slices import backfill, backfills
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.slices import backfill_lines

    options, out = invocation.options, invocation.out
    if options.resume and options.cancel:
        raise WrongUsage("a backfill is resumed or cancelled, not both")
    if options.cancel:
        found = invocation.session.forget_backfill(options.cancel)
        write_json(out, backfill(found)) if invocation.json else out.write(*backfill_lines([found], out.page))
        return DONE
    if not options.select and not options.partition and not options.resume:
        goals = invocation.session.backfills()
        write_json(out, backfills(goals)) if invocation.json else out.write(*backfill_lines(goals, out.page))
        return DONE
    display = PlainDisplay(invocation.err, -1 if options.quiet else 0)
    cancel = Cancel()
    with display, signals.stopping(cancel, lambda: display.progress.started is not None, display.notice):
        found = invocation.session.backfill(
            options.select,
            options.partition,
            share=options.share,
            oldest_first=options.oldest_first,
            resume=options.resume,
            on_event=display,
            cancel=cancel,
        )
    write_json(out, backfill(found)) if invocation.json else out.write(*backfill_lines([found], out.page))
    if found.ended is RunStatus.INTERRUPTED:
        return signals.exit_code(cancel.signal)
    return DONE if not found.left else FAILED
