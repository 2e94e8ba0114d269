"""``upriver export``: write what is known of a project in a form for others: static pages."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Writes a folder of pages that a browser opens without a server: every asset with its description, columns, "
        "lineage, freshness and why, checks, goals, history and code. The pages hold no rows, and load nothing from "
        "elsewhere."
    )
    parser.examples = (
        ("upriver export site", "write the pages to the folder `site`"),
        ("upriver export site public --no-code", "without the text of the recipes"),
    )
    parser.add_argument("what", choices=("site",), metavar="site", help="what is wanted: static pages")
    parser.add_argument("folder", nargs="?", default="site", metavar="DIR", help="where to (default: site)")
    parser.add_argument("--no-code", action="store_true", help="leave out the text of the recipes")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from importlib.metadata import version

    from upriver.tui.present.figures import size
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.spans import line
    from upriver.tui.present.words import plural
    from upriver.tui.site.writer import write_site

    options, out = invocation.options, invocation.out
    folder = (invocation.directory / options.folder).absolute()
    written = write_site(
        invocation.session,
        folder,
        now=invocation.clock(),
        version=version("upriver"),
        code=not options.no_code,
    )
    if invocation.json:
        write_json(
            out,
            {"folder": str(folder), "assets": written.assets, "files": written.files, "bytes": written.bytes},
        )
    else:
        out.write(
            line(f"wrote {plural(written.assets, 'asset')} to {options.folder} ({size(written.bytes)})"),
            line(f"open {folder / 'index.html'} in a browser"),
        )
    return 0
