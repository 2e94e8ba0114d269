"""``upriver version``: versions of Upriver and of its engines."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

from upriver.tui.cli.arguments import Parser, add_json
from upriver.tui.cli.invocation import Invocation

_ENGINES = ("duckdb", "polars", "pyarrow", "sqlglot", "apsw", "textual")


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = "Prints the versions of Upriver, Python and the engines."
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.spans import Span, line

    python = ".".join(map(str, sys.version_info[:3]))
    versions = {
        "upriver": _version("upriver"),
        "python": python,
        **{name: _version(name) for name in _ENGINES},
    }
    if invocation.json:
        write_json(invocation.out, versions)
        return 0
    others = ", ".join(
        f"{name} {number}" for name, number in versions.items() if name != "upriver" and number
    )
    invocation.out.write(line(f"upriver {versions['upriver']}"), line(Span(others, "dim")))
    return 0


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
