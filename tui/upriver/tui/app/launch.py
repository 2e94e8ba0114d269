"""Entry point of ``upriver ui``: paints the cached frame first, then imports and runs the program."""

from __future__ import annotations

import errno
import gc
import os
import shlex
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upriver.assets.errors import UsageError
from upriver.tui.app.memory import be_frugal
from upriver.tui.app.startup_frame import paint_cached_frame, take_down
from upriver.tui.app.web_access import WebAccess

if TYPE_CHECKING:
    from upriver.materializer.operations import ProjectApi

WEB_HOST = "localhost"


def run_ui(
    root: Path,
    *,
    environment: str = "dev",
    ascii: bool = False,
    theme: str | None = None,
    web_port: int | None = None,
    web_hosts: Sequence[str] = (),
) -> int:
    """Show the project at *root* until the user leaves; the exit code.

    *theme* is the name of one, *ascii* draws with ASCII only, *web_port* serves it to a browser on this machine,
    where *web_hosts* are further names under which it may be asked for.
    """
    theme = theme or os.environ.get("UPRIVER_THEME") or None
    if web_port is not None:
        return serve(root, web_port, web_hosts, environment=environment, ascii=ascii, theme=theme)
    if "TEXTUAL_DRIVER" not in os.environ:
        # The terminal knows its size. Exported by a shell or a service manager, these would hold the picture to
        # what they say through every resize: Textual asks them first. A browser's size is told by them.
        os.environ.pop("COLUMNS", None)
        os.environ.pop("LINES", None)
    restore = paint_cached_frame(root, theme=theme, ascii=ascii)
    be_frugal()
    from upriver.materializer.session.remote import session_server

    # The project is read by another process, while this one imports what draws it.
    process = session_server.start(root, environment)
    try:
        # Imports make a great many objects that stay: looking through them for garbage again and again is waste.
        gc.disable()
        # Frames are drawn when something changed, at most so often; a key need not wait for the next sixtieth.
        os.environ.setdefault("TEXTUAL_FPS", "120")
        from upriver.materializer.session.remote.session_client import SessionClient
        from upriver.tui.app.app import UpriverApp

        session = SessionClient.open(root, environment, process=process)
        app = UpriverApp(session, ascii=ascii, theme=theme)
    except BaseException:
        process.kill()
        restore()
        take_down()
        raise
    gc.freeze()
    gc.enable()
    restore()
    return run_app(app, session)


def run_app(app: object, session: ProjectApi) -> int:
    """Run *app* to its end and let go of *session*."""
    from upriver.tui.app.app import UpriverApp

    assert isinstance(app, UpriverApp)
    try:
        app.run()
    finally:
        app.run_controller.wait()
        session.close()
    return app.return_code or 0


def serve(
    root: Path, port: int, hosts: Sequence[str], *, environment: str, ascii: bool, theme: str | None
) -> int:
    """Serve the same program to a browser, on this machine only.

    Raises UsageError when *port* can't be listened at.
    """
    try:
        from textual_serve.server import Server
    except ImportError:
        sys.stderr.write(
            "upriver ui --web needs textual-serve, which is not installed.\n"
            f"  {Path(sys.executable).name} -m pip install textual-serve\n"
            "It serves this project on localhost only, to those who have the address that it prints.\n"
        )
        return 2
    words = [sys.executable, "-m", "upriver", "-C", str(root), "ui", "--env", environment, "--create"]
    words += ["--ascii"] if ascii else []
    words += ["--theme", theme] if theme else []
    from upriver.assets.project.config import read_config

    _ensure_free(port)
    access = WebAccess(WEB_HOST, port, hosts)

    class Guarded(Server):
        """The server behind the token."""

        async def _make_app(self) -> Any:
            app = await super()._make_app()
            app.middlewares.append(access.middleware())
            return app

        async def on_startup(self, app: Any) -> None:
            sys.stdout.write(f"Open {access.address}\nPress Ctrl+C to quit.\n")
            sys.stdout.flush()

    title = f"{read_config(root)[0].name} · Upriver"
    page = Path(__file__).parent / "web_page"
    Guarded(shlex.join(words), host=WEB_HOST, port=port, title=title, templates_path=page).serve()
    return 0


def _ensure_free(port: int) -> None:
    """Raise UsageError when *port* can't be listened at."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        why = "it is taken" if error.errno == errno.EADDRINUSE else (error.strerror or str(error)).lower()
        raise UsageError(
            f"port {port} can't be served: {why}; `upriver ui --web --port N` takes another"
        ) from None
