"""``upriver test``: run the unit tests of recipes."""

from __future__ import annotations

from upriver.materializer.quality.unit_test_report import UnitTestResult
from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, add_json, add_select
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Runs the unit tests of SELECT: files below tests/ that give rows to a recipe and say which rows it makes of "
        "them. Nothing that is built is read or changed. Exit code 1 when a test fails, 2 when one can't be run."
    )
    parser.examples = (
        ("upriver test", "all unit tests"),
        ("upriver test 'marts.*'", "those of some assets"),
        ("upriver test --watch", "again whenever something is touched, only what may end otherwise"),
    )
    add_select(parser)
    parser.add_argument(
        "--watch",
        action="store_true",
        help="run again whenever a file of the project is touched, until Ctrl-C",
    )
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.failure import DONE, FAILED, WRONG
    from upriver.tui.present.json.unit_tests import unit_tests
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.unit_tests import test_lines

    options, out = invocation.options, invocation.out
    if options.watch:
        if invocation.json:
            raise WrongUsage("--watch and --json can't be combined", "--json is one document")
        return _watch(invocation)
    report = invocation.session.test(options.select)
    if invocation.json:
        write_json(out, unit_tests(report))
    else:
        out.write(*test_lines(report, out.page))
    return WRONG if report.broken else FAILED if report.failed else DONE


def _watch(invocation: Invocation) -> int:
    """Run the tests again and again; ends with KeyboardInterrupt."""
    from upriver.materializer.automation.file_watch import FolderWatch
    from upriver.tui.present.text.unit_tests import test_lines

    session, out = invocation.session, invocation.out
    watch = FolderWatch(session.root)
    last: dict[str, UnitTestResult] = {}
    began = False
    try:
        while True:
            report = session.test(invocation.options.select, known=[*last])
            if report.tests or report.diagnoses or not began:
                out.write(*test_lines(report, out.page))
                out.flush()
            began = True
            last |= {one.identity: one for one in report.tests if one.identity}
            while not watch.wait(3600.0):
                pass
    finally:
        watch.close()
