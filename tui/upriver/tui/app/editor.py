"""Opens a place of the project in the user's own editor."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from textual.app import SuspendNotSupported

from upriver.assets.model import Place
from upriver.tui.app.host import Host

_PLUS_LINE = ("vi", "vim", "nvim", "nano", "emacs", "emacsclient", "kak", "micro", "ed", "joe", "mg", "ne")
_UNFIT = re.compile(r"[^\w.-]+")
_COLON_LINE = ("hx", "subl", "zed")


def editor_command(environ: Mapping[str, str], root: Path, place: Place) -> list[str] | None:
    """The words that open *place* in the user's editor, at its line where it is known how; None without editor.

    Raises ValueError when what is set for it has a quotation mark too many.
    """
    wanted = environ.get("VISUAL") or environ.get("EDITOR")
    words = shlex.split(wanted) if wanted else []
    if not words:
        return None
    name = Path(words[0]).name
    path = str(root / place.path)
    at = f"{path}:{place.line}" + (f":{place.column}" if place.column else "")
    if name in ("code", "codium", "cursor"):
        return [*words, "--wait", "--goto", at]
    if name in _COLON_LINE:
        return [*words, at]
    return [*words, f"+{place.line}", path] if name in _PLUS_LINE else [*words, path]


def open_text(host: Host, name: str, text: str, line: int) -> None:
    """Show *text* in the editor, in a file called *name* that is gone when the editor is closed."""
    with tempfile.TemporaryDirectory(prefix="upriver-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / _UNFIT.sub("-", name)
        path.write_text(text, encoding="utf-8", errors="replace")
        open_editor(host, Place(str(path), line))


def open_editor(host: Host, place: Place) -> None:
    """Leave the terminal to the editor until it is closed; what goes wrong is said."""
    try:
        words = editor_command(os.environ, host.session.root, place)
    except ValueError:
        host.say("the value of EDITOR can't be read: a quotation mark is not closed", wrong=True)
        return
    if words is None:
        host.say("set EDITOR to the editor that you want", wrong=True)
        return
    if shutil.which(words[0]) is None:
        host.say(f"{words[0]} can't be started: there is no such program; set EDITOR to another", wrong=True)
        return
    problem = None
    try:
        with host.suspend():
            # An error must not leave this block: Textual would not take the terminal back.
            try:
                ended = subprocess.run(words, check=False)
            except OSError as error:
                problem = f"{words[0]} can't be started: {error.strerror}"
            else:
                if ended.returncode:
                    problem = f"{words[0]} has ended with exit status {ended.returncode}"
    except SuspendNotSupported:
        problem = "an editor can't be opened from here"
    if problem is not None:
        host.say(problem, wrong=True)
