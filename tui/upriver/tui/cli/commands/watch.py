"""``upriver watch``: the loop that keeps goals, in the foreground."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from upriver.assets.errors import AssetError, UsageError
from upriver.tui.cli.arguments import Parser, add_environment, add_json
from upriver.tui.cli.invocation import Invocation

if TYPE_CHECKING:
    from upriver.materializer.automation.watch import Watch


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Looks at the sources of assets that have goals, and builds what is due, the nearest deadline first. It holds "
        "nothing that must not be lost: stop it, kill it, or run several beside each other. SIGTERM and Ctrl-C let "
        "what runs finish."
    )
    parser.examples = (
        ("upriver watch", "keep the goals until it is stopped"),
        ("upriver watch --once", "for cron: build what is due now, then end"),
        ("upriver watch --listen 9187", "/healthz and /metrics at 127.0.0.1:9187"),
    )
    parser.add_argument("--once", action="store_true", help="build what is due now, then end")
    parser.add_argument(
        "--listen",
        type=_address,
        metavar="[HOST:]PORT",
        help="answer /healthz, /metrics and POST /look (host: 127.0.0.1)",
    )
    add_environment(parser)
    add_json(parser)


def _address(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(?:\[?([^\[\]]*?)\]?:)?(\d{1,5})", text)
    if match is None or not 0 <= int(match[2]) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address; write a port, or HOST:PORT")
    return match[1] or "127.0.0.1", int(match[2])


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.materializer.automation.model import WatchEvent
    from upriver.materializer.execution.cancel import Cancel
    from upriver.materializer.session import Session
    from upriver.materializer.session.automation import watch_of
    from upriver.tui.cli import signals
    from upriver.tui.cli.failure import DONE, FAILED
    from upriver.tui.present.json import goals as json_output
    from upriver.tui.present.json.incidents import incident
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.spans import line
    from upriver.tui.present.text.goals import watch_line

    options, out = invocation.options, invocation.out
    session = invocation.session
    if not isinstance(session, Session):
        raise UsageError("`upriver watch` works on a project of this machine")

    def tell(event: WatchEvent) -> None:
        if invocation.json:
            write_json(out, json_output.watch_event(event), line=True)
        else:
            out.write(watch_line(event))
        out.flush()

    stop = Cancel()
    watch = watch_of(session, tell, stop, incident)

    def notice(text: str) -> None:
        watch.wake()
        invocation.err.write(line(text))
        invocation.err.flush()

    listening = _listening(watch, options.listen, invocation)
    with contextlib.closing(watch), listening, signals.stopping(stop, lambda: True, notice):
        good = watch.run(once=options.once)
    if stop.level:
        return signals.exit_code(stop.signal)
    return DONE if good else FAILED


@contextlib.contextmanager
def _listening(watch: Watch, address: tuple[str, int] | None, invocation: Invocation) -> Iterator[None]:
    if address is None:
        yield
        return
    from upriver.assets.declare.secret import Secret
    from upriver.materializer.automation.listen import TOKEN, listen
    from upriver.tui.present.spans import line

    secret = Secret(TOKEN, str(invocation.session.root))

    def token() -> str | None:
        try:
            return secret.reveal() or None
        except AssetError:
            return None

    with listen(watch, *address, token) as place:
        invocation.err.write(line(f"answers at {place}"))
        invocation.err.flush()
        yield
