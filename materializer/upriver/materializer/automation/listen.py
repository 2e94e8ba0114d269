"""The loop over HTTP: ``/healthz``, with prometheus-client ``/metrics``, and ``/look`` for who has a token."""

from __future__ import annotations

import contextlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from upriver.assets.errors import UsageError
from upriver.materializer.automation.model import GoalState, WatchFigures

TOKEN = "UPRIVER_TOKEN"  # noqa: S105 -- its name
"""The secret of the project that pushes have to show."""

MOST_BYTES = 1 << 20
_TEXT = "text/plain; charset=utf-8"

STUCK = 300.0
"""Seconds without a look at the goals after which the loop is not healthy any more."""


class Watched(Protocol):
    """What is asked for figures."""

    figures: WatchFigures

    def silent(self) -> float:
        """Seconds since the last sign of life."""
        ...

    def look_now(self) -> None:
        """Look at the goals and their sources now."""
        ...


@contextlib.contextmanager
def listen(
    watch: Watched, host: str, port: int, token: Callable[[], str | None] = lambda: None
) -> Iterator[str]:
    """While inside, answer at *host* and *port*; the address. Raises UsageError when it is taken.

    *token* is what a push has to show; None: nothing may be pushed.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/healthz":
                    age = watch.silent()
                    body = {"ok": age < STUCK, "seconds_since_sign_of_life": round(age, 3)}
                    self._answer(200 if age < STUCK else 503, "application/json", json.dumps(body).encode())
                case "/metrics":
                    try:
                        kind, text = metrics(watch.figures)
                    except ImportError:
                        hint = b"metrics need prometheus-client: pip install 'upriver[metrics]'\n"
                        self._answer(501, "text/plain; charset=utf-8", hint)
                    else:
                        self._answer(200, kind, text)
                case _:
                    self._answer(404, "text/plain; charset=utf-8", b"/healthz and /metrics are here\n")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit() or int(length) > MOST_BYTES:
                self._answer(413, _TEXT, b"that is too much\n")
                return
            self.rfile.read(int(length))  # what it says does not matter: the source is looked at
            wanted = token()
            shown = self.headers.get("Authorization", "").removeprefix("Bearer ").encode()
            if self.path != "/look":
                self._answer(404, _TEXT, b"POST /look lets the sources be looked at\n")
            elif wanted is None:
                self._answer(403, _TEXT, f"pushes need a token: the secret {TOKEN} of the project\n".encode())
            elif not hmac.compare_digest(shown, wanted.encode()):
                self._answer(401, _TEXT, b"Authorization: Bearer TOKEN is expected\n")
            else:
                watch.look_now()
                self._answer(202, _TEXT, b"looking\n")

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:
            """Nothing: the loop's own output is not to be mixed with a log of requests."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise UsageError(f"--listen: can't answer at {host}:{port}: {error}") from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="health and metrics", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def metrics(figures: WatchFigures) -> tuple[str, bytes]:
    """The figures in the text format of Prometheus, after its content type. Raises ImportError without its library."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest
    from prometheus_client.exposition import CONTENT_TYPE_LATEST

    registry = CollectorRegistry()
    goals = Gauge("upriver_goals", "Goals by how they stand.", ["state"], registry=registry)
    for state in GoalState:
        goals.labels(state.value).set(figures.goals.get(state, 0))
    for name, text, value in (
        ("builds", "Builds begun since the loop began.", figures.builds),
        ("builds_failed", "Builds that failed since the loop began.", figures.failed),
        ("builds_running", "Builds that go on.", figures.running),
        ("assets_held", "Assets that wait for a person.", figures.held),
        ("last_look_timestamp_seconds", "When the goals were last looked at.", figures.looked or 0.0),
    ):
        Gauge(f"upriver_{name}", text, registry=registry).set(value)
    return CONTENT_TYPE_LATEST, generate_latest(registry)
