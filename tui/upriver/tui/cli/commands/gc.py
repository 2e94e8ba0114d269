"""``upriver gc``: drop what nothing points to."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json, byte_count, seconds, whole_number
from upriver.tui.cli.invocation import Invocation

_DAY = 86_400.0


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Drops old materializations and the artifacts that only they needed. What is current in any environment is "
        "always kept."
    )
    parser.examples = (
        ("upriver gc --dry-run", "what would be dropped"),
        ("upriver gc --keep 7d --keep-count 1", "keep a week, and the last of each asset"),
        ("upriver gc --max-size 10GB", "and no more than 10 GB in all"),
    )
    parser.add_argument(
        "--keep",
        type=seconds,
        default=30 * _DAY,
        metavar="AGE",
        help="keep what is younger than this (default: 30d)",
    )
    parser.add_argument(
        "--keep-count",
        type=whole_number,
        default=3,
        metavar="N",
        help="keep the newest N of each asset (default: 3)",
    )
    parser.add_argument(
        "--max-size", type=byte_count, metavar="SIZE", help="then drop the oldest beyond SIZE in all"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="only say what would be dropped")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.materializer.upkeep.gc import Keep
    from upriver.tui.present.json import upkeep as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.upkeep import gc_lines

    options, out = invocation.options, invocation.out
    keep = Keep(days=options.keep / _DAY, count=options.keep_count, total=options.max_size)
    collected = invocation.session.gc(keep, dry_run=options.dry_run)
    if invocation.json:
        write_json(out, json_output.gc(collected, dry_run=options.dry_run))
    else:
        out.write(*gc_lines(collected, out.page, dry_run=options.dry_run))
    return 0
