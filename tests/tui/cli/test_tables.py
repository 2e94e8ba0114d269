"""What people see, at three widths, with and without colour: compared with files under ``golden/``.

After an intended change run with ``UPRIVER_UPDATE_GOLDEN=1`` and read the difference in git.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.tui.cli.conftest import Run
from tests.tui.cli.scripted import ScriptedSession

from upriver.tui.present.spans import text_width

GOLDEN = Path(__file__).parent / "golden"
SGR = re.compile(r"\x1b\[[0-9;]+m")

COMMANDS = {
    "status": ("status",),
    "status-attention": ("status", "--sort", "attention"),
    "plan": ("plan",),
    "plan-all": ("plan", "--all"),
    "build": ("build",),
    "why": ("why", "marts.revenue"),
    "lineage-column": ("lineage", "staging.orders.amount"),
    "lineage-mermaid": ("lineage", "staging.orders.amount", "--format", "mermaid"),
    "lineage-dot": ("lineage", "staging.orders.amount", "--format", "dot"),
    "impact": ("impact",),
    "rename": ("rename", "staging.orders", "core.sales"),
    "impact-drop": ("impact", "--drop", "staging.orders.amount"),
    "rename-column": ("rename", "staging.orders.amount", "amount_usd", "--dry-run"),
    "rename-dry-run": ("rename", "staging.orders", "core.sales", "--dry-run"),
    "fix": ("fix", "marts.churn"),
    "fix-dry-run": ("fix", "marts.churn", "--dry-run"),
    "accept": ("accept", "raw.orders"),
    "show": ("show", "marts.revenue"),
    "show-changes": ("show", "marts.revenue", "--changes"),
    "sql": ("sql", "from x"),
    "history": ("history",),
    "history-asset": ("history", "marts.revenue"),
    "cost": ("cost",),
    "cost-memory": ("cost", "--sort", "memory"),
    "log": ("log", "last"),
    "fsck": ("fsck",),
    "fsck-repair": ("fsck", "--repair"),
    "gc": ("gc",),
    "gc-dry-run": ("gc", "--dry-run"),
}
PAGES = {"60": (60, False), "80": (80, False), "120": (120, False), "120-colour": (120, True)}


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are shown in the user's zone."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", COMMANDS)
def test_output_is_as_recorded(run: Run, name: str, page: str) -> None:
    """The exact text, so that a change of it is a decision."""
    width, colour = PAGES[page]
    done = run(*COMMANDS[name], "--color", "always" if colour else "never", width=width)
    parts = [done.out, *(["-- stderr --\n", done.err] if done.err else [])]
    text = "".join(parts).replace("\x1b", "␛")
    path = GOLDEN / name / f"{page}.txt"
    if os.environ.get("UPRIVER_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"lineage-mermaid", "lineage-dot", "build", "log"}))
def test_no_line_is_wider_than_the_page(run: Run, name: str, width: int) -> None:
    """Nothing wraps, from a phone's width on; long words of prose may stand out on the very narrowest."""
    out = run(*COMMANDS[name], width=width).out
    assert all(text_width(text) <= max(width, 40) for text in out.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_colour_changes_nothing_but_colour(run: Run, name: str) -> None:
    """Whoever can't see colours reads the same."""
    plain = run(*COMMANDS[name], "--color", "never", width=100)
    coloured = run(*COMMANDS[name], "--color", "always", width=100)
    assert SGR.sub("", coloured.out) == plain.out
    assert "\x1b" not in plain.out + plain.err


@pytest.mark.parametrize("name", COMMANDS)
def test_ascii_mode_is_ascii(run: Run, session: ScriptedSession, name: str) -> None:
    """UPRIVER_ASCII=1, or a stream that can't carry Unicode; only data may differ."""
    session.table = session.table.__class__(("a",), ("VARCHAR",), (("x",),))
    done = run(*COMMANDS[name], environ={"UPRIVER_ASCII": "1"}, width=100)
    assert done.out.isascii(), done.out
    assert done.err.isascii(), done.err


@pytest.mark.parametrize(
    ("environ", "words", "terminal", "coloured"),
    [
        ({}, (), False, False),
        ({}, (), True, True),
        ({"NO_COLOR": "1"}, (), True, False),
        ({"NO_COLOR": ""}, (), True, True),
        ({"FORCE_COLOR": "1"}, (), False, True),
        ({"FORCE_COLOR": "0"}, (), False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, (), True, False),
        ({"TERM": "dumb"}, (), True, False),
        ({"NO_COLOR": "1"}, ("--color", "always"), False, True),
        ({}, ("--color=never",), True, False),
    ],
)
def test_who_decides_about_colour(
    run: Run, environ: dict[str, str], words: tuple[str, ...], terminal: bool, coloured: bool
) -> None:
    """--color, then NO_COLOR, then FORCE_COLOR, then the terminal."""
    done = run("status", *words, environ=environ, terminal=terminal)
    assert ("\x1b[" in done.out) is coloured


def test_a_pipe_gets_everything_uncut(run: Run) -> None:
    """`upriver status | grep` must find whole reasons; only a terminal has a width."""
    out = run("status").out
    assert "raw.orders changed in amount, status (+12,411 rows) (+1 more)" in out
    assert "…" not in out


def test_csv_keeps_bytes_in_a_pipe_and_is_safe_at_a_terminal(run: Run) -> None:
    """Exports are exact; eyes are protected."""
    piped = run("sql", "x", "--format", "csv").out
    assert piped == "carrier,flights,delay\r\nUA,58665,3.5\r\n日本航空,12,\r\nbad\x1b[2Jname,0,-1.25\r\n"
    assert "\x1b" not in run("sql", "x", "--format", "csv", terminal=True).out


def test_thousands_of_assets_show_what_needs_attention(session: ScriptedSession, run: Run) -> None:
    """At a terminal what is fresh is only counted; a pipe and --all get every row."""
    from msgspec.structs import replace

    stale, fresh = session.statuses[1], session.statuses[4]
    session.statuses = (
        *(replace(fresh, asset=f"marts.fresh_{i}") for i in range(1000)),
        *(replace(stale, asset=f"marts.stale_{i}") for i in range(30)),
    )
    shown = run("status", terminal=True, environ={"NO_COLOR": "1"}).out
    assert shown.count("stale_") == 30
    assert "fresh_" not in shown
    assert "1,000 of 1,030 are not shown; --all shows them" in shown
    assert "✓ 1,000 fresh   ◔ 30 stale" in shown
    assert run("status", "--limit", "5").out.count("stale_") == 5
    assert run("status", "--all", terminal=True).out.count("fresh_") == 1000
    assert run("status").out.count("fresh_") == 1000


def test_a_long_error_keeps_its_beginning_and_its_end(session: ScriptedSession, run: Run) -> None:
    """A traceback of hundreds of lines does not push everything else away."""
    from msgspec.structs import replace

    error = "\n".join(f"frame {i}" for i in range(500))
    session.results = (replace(session.results[2], error=error),)
    err = run("build").err
    assert err.count("\n") < 40
    assert "frame 0" in err
    assert "frame 499" in err
    assert "lines left out" in err
