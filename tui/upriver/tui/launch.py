"""The entry of ``upriver ui``: the cached picture first, then the program."""

from __future__ import annotations

import gc
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.tui.first_frame import paint_cached_frame, take_down

if TYPE_CHECKING:
    from upriver.materializer.session import Session

WEB_HOST, WEB_PORT = "localhost", 8765


def run_ui(
    root: Path,
    *,
    environment: str = "dev",
    ascii: bool = False,
    theme: str | None = None,
    web: bool = False,
) -> int:
    """Show the project at *root* until the user leaves; the exit code.

    *theme* is the name of one, *ascii* draws with ASCII only, *web* serves it to a browser on this machine.
    """
    theme = theme or os.environ.get("UPRIVER_THEME") or None
    if web:
        return serve(root, environment=environment, ascii=ascii, theme=theme)
    # The terminal knows its size. Exported by a shell or a service manager, these would hold the picture to
    # what they say through every resize: Textual asks them first.
    os.environ.pop("COLUMNS", None)
    os.environ.pop("LINES", None)
    restore = paint_cached_frame(root, theme=theme, ascii=ascii)
    from upriver.materializer import reader

    # The project is read by another process, while this one imports what draws it.
    process = reader.start(root, environment)
    try:
        # Imports make a great many objects that stay: looking through them for garbage again and again is waste.
        gc.disable()
        # Frames are drawn when something changed, at most so often; a key need not wait for the next sixtieth.
        os.environ.setdefault("TEXTUAL_FPS", "120")
        from upriver.materializer.distant import DistantSession
        from upriver.tui.app import UpriverApp

        session = DistantSession(root, environment, process=process)
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


def run_app(app: object, session: Session) -> int:
    """Run *app* to its end and let go of *session*."""
    from upriver.tui.app import UpriverApp

    assert isinstance(app, UpriverApp)
    try:
        app.run()
    finally:
        app.running.wait()
        session.close()
    return app.return_code or 0


def serve(root: Path, *, environment: str, ascii: bool, theme: str | None) -> int:
    """Serve the same program to a browser, on this machine only."""
    try:
        from textual_serve.server import Server
    except ImportError:
        sys.stderr.write(
            "upriver ui --web needs textual-serve, which is not installed.\n"
            f"  {Path(sys.executable).name} -m pip install textual-serve\n"
            "It serves this project on localhost only; whoever can open that port can build and edit.\n"
        )
        return 2
    words = [sys.executable, "-m", "upriver", "-C", str(root), "ui", "--env", environment]
    words += ["--ascii"] if ascii else []
    words += ["--theme", theme] if theme else []
    Server(shlex.join(words), host=WEB_HOST, port=WEB_PORT, title="upriver").serve()
    return 0
