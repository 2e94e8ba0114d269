"""In a real terminal (tmux), on a real project: start, resize, a build of another shell, an edit, leaving."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

TMUX = shutil.which("tmux")
pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux is not installed: a real terminal can't be tried")

PATIENCE = 60.0


class Terminal:
    """A tmux session with a shell in the project."""

    def __init__(self, project: Path) -> None:
        self.socket = f"upriver-{uuid.uuid4().hex[:8]}"
        self.project = project
        environment = {
            k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TMUX", "PYTEST_CURRENT_TEST")
        }
        environment |= {"PS1": "shell> ", "ENV": "", "HOME": str(project), "LC_ALL": "C.UTF-8"}
        environment |= {"COLUMNS": "80", "LINES": "24"}  # exported somewhere: the terminal knows better
        shell = [
            "env",
            "-i",
            *(f"{k}={v}" for k, v in environment.items() if k != "TERM"),
            "TERM=tmux-256color",
            "sh",
        ]
        self("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "36", "-c", str(project), *shell)

    def __call__(self, *words: str) -> str:
        """Run a tmux command."""
        assert TMUX is not None
        done = subprocess.run([TMUX, "-L", self.socket, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def keys(self, *keys: str) -> None:
        """Press keys."""
        self("send-keys", *keys)

    def text(self) -> str:
        """What the terminal shows."""
        return self("capture-pane", "-p")

    def until(self, *texts: str, gone: str | None = None) -> str:
        """Wait until the terminal shows all of *texts* (and not *gone*)."""
        end = time.monotonic() + PATIENCE
        while True:
            text = self.text()
            if all(wanted in text for wanted in texts) and (gone is None or gone not in text):
                return text
            assert time.monotonic() < end, f"{texts} did not come; the terminal shows\n{text}"
            time.sleep(0.1)

    def close(self) -> None:
        """End the session."""
        self("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A shell in a small real project."""
    (tmp_path / "upriver.toml").write_text('[project]\nname = "brook"\n')
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text("id,amount\n1,10\n2,20\n")
    (tmp_path / "assets" / "staging").mkdir(parents=True)
    (tmp_path / "assets" / "staging" / "orders.sql").write_text("select id, amount from 'data/orders.csv'\n")
    (tmp_path / "assets" / "marts").mkdir()
    (tmp_path / "assets" / "marts" / "total.sql").write_text(
        "select sum(amount) as total from staging.orders\n"
    )
    terminal = Terminal(tmp_path)
    try:
        yield terminal
    finally:
        terminal.close()


def test_a_day_in_a_real_terminal(terminal: Terminal) -> None:
    """One test, because each start takes seconds."""
    upriver = f"{sys.executable} -m upriver"
    terminal.until("shell>")
    terminal.keys("stty -a > before.txt; clear", "Enter")
    terminal.keys(f"{upriver} ui", "Enter")
    terminal.until("UPRIVER  brook", "marts.total", "nothing is built yet", "◌ 2")

    # Resized down and back: everything is drawn again, nothing of the old picture stays.
    before = terminal.text().split("\n")[1]
    terminal("resize-window", "-x", "60", "-y", "20")
    small = terminal.until("marts.total", "1 Assets", gone="^p palette")
    assert max(len(line) for line in small.split("\n")) <= 60
    terminal("resize-window", "-x", "120", "-y", "36")
    terminal.until("^p palette", "╭─ marts.total" if "╭─ marts.total" in before else "Lineage of")

    # Another shell builds: the list follows.
    built = subprocess.run(
        [sys.executable, "-m", "upriver", "build"],
        cwd=terminal.project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    terminal.until("✓ 3", gone="◌ 2")

    # A file is edited while the UI runs.
    (terminal.project / "assets" / "marts" / "total.sql").write_text(
        "select sum(amount) + 1 as total from staging.orders\n"
    )
    terminal.until("◔ 1")
    terminal.keys("n", "w")
    terminal.until("Why is marts.total stale?", "sum(amount) + 1")
    terminal.keys("m")
    terminal.until("Build marts.total", "1 build")
    terminal.keys("Enter")
    terminal.until("✓ RUN", "success")
    # The run is printed in the ordinary terminal, and s leads back to the window.
    terminal.keys("s")
    terminal.until("shell>", "marts.total", "is done: 1 built", "s returns to the window", gone="UPRIVER")
    terminal.keys("s")
    terminal.until("✓ RUN", "success")
    terminal.keys("Escape", "Escape")
    terminal.until("✓ 3", "usual")

    # A broken declaration is shown with its place, and goes when it is mended.
    total = terminal.project / "assets" / "marts" / "total.sql"
    total.write_text("select sum(amount) as total from staging.order\n")
    terminal.until("1 declaration error", "assets/marts/total.sql")
    total.write_text("select sum(amount) + 1 as total from staging.orders\n")
    terminal.until("✓ 3", gone="declaration error")

    # Leaving gives the terminal back as it was.
    terminal.keys("q")
    terminal.until("shell>", gone="UPRIVER")
    terminal.keys("stty -a > after.txt; echo now''written", "Enter")
    terminal.until("nowwritten")
    assert (terminal.project / "before.txt").read_text() == (terminal.project / "after.txt").read_text()
    assert terminal("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split() == [
        "0",
        "1",
        "0",
    ]

    # The next start shows the last picture at once.
    assert list((terminal.project / ".upriver" / "cache").glob("frame-120x36-*.ansi"))
    terminal.keys("clear", "Enter")
    terminal.keys(f"{upriver} ui --theme upriver-light", "Enter")
    terminal.until("marts.total", "✓ 3")
    terminal.keys("C-c")
    terminal.until("shell>", gone="UPRIVER")
