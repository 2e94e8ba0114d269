"""``upriver fix``: puts a misspelled name right where it is certain what is meant."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Puts right what a diagnosis names: a column or table that is called otherwise. Only where it is certain what "
        "is meant and where it stands; else it says why not, and nothing is written."
    )
    parser.examples = (
        ("upriver fix marts.churn --dry-run", "the line as it is and as it would be"),
        ("upriver fix marts.churn", "write it"),
    )
    parser.add_argument("asset", metavar="ASSET", help="the key of an asset that can't be built")
    parser.add_argument("-n", "--dry-run", action="store_true", help="only say what would change")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.asset_names import asset_named
    from upriver.tui.present.json import documents as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.rename import fix_lines

    options, out, session = invocation.options, invocation.out, invocation.session
    # With a wrong declaration nothing but its own key is known.
    wrong = {diagnosis.key for diagnosis in session.diagnoses()}
    key = options.asset if options.asset in wrong else asset_named(session, options.asset)
    found = session.fix(key)
    if not options.dry_run:
        session.apply_fix(found)
    if invocation.json:
        write_json(out, json_output.fix(found, dry_run=options.dry_run))
    else:
        out.write(*fix_lines(found, out.page, dry_run=options.dry_run))
    return 0
