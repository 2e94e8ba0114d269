"""``upriver build``: materialize what is stale, show how it goes, say what it came to."""

from __future__ import annotations

import argparse

from upriver.tui.cli.arguments import Parser, add_environment, add_json, add_select, seconds, whole_number
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Materializes what is stale among SELECT and everything upstream of it. Assets whose inputs turn out "
        "unchanged are not built; results of earlier builds with the same code and inputs are reused."
    )
    parser.examples = (
        ("upriver build", "everything that is stale"),
        ("upriver build marts.revenue", "one asset, and what it needs"),
        ("upriver build staging.orders+", "an asset and everything downstream of it"),
        (
            "upriver build marts.daily --partition 2013-01-05..2013-02-01",
            "some slices of a partitioned asset",
        ),
        ("upriver build --dry-run", "only say what would be done"),
        ("upriver build state:failed", "what failed last time"),
    )
    add_select(parser)
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="only show the plan, like `upriver plan`"
    )
    parser.add_argument(
        "-f", "--force", action="store_true", help="build the selected assets even when fresh"
    )
    parser.add_argument("-j", "--jobs", type=whole_number, metavar="N", help="how many assets at a time")
    parser.add_argument("--fail-fast", action="store_true", help="start nothing more after the first failure")
    parser.add_argument(
        "--wait",
        nargs="?",
        type=_wait,
        default=0.0,
        const=None,
        metavar="SECONDS",
        help="when gc, a repair or a rename holds the project, wait for its end (for at most SECONDS)",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="CHECK",
        help="publish although this check fails, and record that (needs --because); KEY:CHECK names it exactly",
    )
    parser.add_argument("--because", default="", metavar="WHY", help="why a failure is accepted")
    parser.add_argument(
        "--partition",
        action="append",
        default=[],
        metavar="RANGE",
        help="only these slices of what is selected: 2013-01-05, 2013-01-05..2013-02-01 (inclusive), carrier=AA",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="tell only failures and the summary")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show what recipes print, and fresh assets"
    )
    add_environment(parser)
    add_json(parser)


def _wait(text: str) -> float | None:
    if text == "forever":
        return None
    try:
        return seconds(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length of time such as 30 or 5m") from None


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    options = invocation.options
    if options.dry_run:
        from upriver.tui.cli.commands.plan import show_plan

        return show_plan(invocation, force=options.force)
    return _build(invocation)


def _build(invocation: Invocation) -> int:
    from upriver.materializer.answers import NotShownError
    from upriver.materializer.execution.cancel import Cancel
    from upriver.materializer.model import RunStatus
    from upriver.tui.cli import signals
    from upriver.tui.cli.failure import FAILED, WRONG, Failure
    from upriver.tui.present.build_display import LiveDisplay, PlainDisplay
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.checks import warning_lines
    from upriver.tui.present.text.diagnoses import diagnoses_lines
    from upriver.tui.present.text.plan import summary_lines

    options, out, err = invocation.options, invocation.out, invocation.err
    verbosity = -1 if options.quiet else 1 if options.verbose else 0
    live = err.live and verbosity >= 0
    display = LiveDisplay(err, verbosity, invocation.clock) if live else PlainDisplay(err, verbosity)
    cancel = Cancel()

    def started() -> bool:
        return display.progress.started is not None

    began = invocation.clock()
    session = invocation.session
    not_shown: NotShownError | None = None
    with display, signals.stopping(cancel, started, display.notice):
        try:
            result = session.build(
                options.select,
                force=options.force,
                jobs=options.jobs,
                fail_fast=options.fail_fast,
                wait=options.wait,
                accept=options.accept,
                because=options.because,
                partition=options.partition,
                on_event=display,
                cancel=cancel,
            )
        except NotShownError as error:
            result, not_shown = error.result, error
    if told := tuple(dict.fromkeys(one for asset in result.assets for one in asset.diagnoses)):
        err.write(*diagnoses_lines(told))
    if invocation.json:
        write_json(out, json_output.build(result))
    else:
        out.write(*warning_lines(check for asset in result.assets for check in asset.checks))
        elapsed = invocation.clock() - began
        # Where messages and the answer are read at one place, the answer repeats no failure that stands above it.
        above = display.told if out.same_place_as(err) else frozenset[str]()
        out.write(
            *summary_lines(
                result,
                out.page,
                elapsed=elapsed,
                saved=display.progress.saved,
                told=above,
            )
        )
    if not_shown is not None:
        err.write(*Failure(not_shown, invocation.environ).lines())
    if result.status is RunStatus.INTERRUPTED:
        return signals.exit_code(cancel.signal)
    if result.broken:
        return WRONG
    return 0 if result.status is RunStatus.SUCCESS and not_shown is None else FAILED
