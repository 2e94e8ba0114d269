"""``upriver ui``: the terminal UI."""

from __future__ import annotations

import argparse

from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, whole_number
from upriver.tui.cli.invocation import Invocation

_LAST_PORT = 65_535


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = "Opens the terminal UI: freshness, lineage, live builds, data and history in one place."
    parser.examples = (("upriver ui", "in this terminal"), ("upriver ui --web", "the same in a browser"))
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    parser.add_argument("--theme", metavar="NAME", help="colour theme")
    parser.add_argument("--web", action="store_true", help="serve it to a browser on this machine")
    parser.add_argument(
        "--port", type=_port, default=8765, metavar="N", help="where --web serves it (default: 8765)"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="a name under which --web may be asked for: that of a proxy, or of a forwarded port",
    )
    add_environment(parser)


def _port(text: str) -> int:
    port = whole_number(text)
    if port > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port: they go from 1 to {_LAST_PORT}")
    return port


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    options = invocation.options
    root = invocation.root
    # Started by --web for a browser: it talks to that through pipes, and shows whatever a font has.
    served = "TEXTUAL_DRIVER" in invocation.environ
    if not options.web and not served and not invocation.out.terminal:
        raise WrongUsage(
            "the terminal UI needs a terminal", "`upriver status` writes to a pipe; --web serves a browser"
        )
    if options.environment not in (None, "dev"):
        invocation.session.close()  # one that is not known is told before the screen is taken
    from upriver.tui.app.launch import run_ui

    return run_ui(
        root,
        environment=options.environment or "dev",
        ascii=options.ascii or (not options.web and not served and not invocation.out.unicode),
        theme=options.theme,
        web_port=options.port if options.web else None,
        web_hosts=options.allow_host,
    )
