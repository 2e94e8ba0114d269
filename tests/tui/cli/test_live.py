"""The live display, in a real pseudo-terminal, and its plain form elsewhere."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.tui.cli.terminal import Screen, Terminal

from upriver.materializer.answers import AssetResult
from upriver.materializer.events import AssetFinished, AssetStarted, RunStarted
from upriver.materializer.model import Outcome
from upriver.tui.present.progress import Progress
from upriver.tui.present.spans import Page, plain, width
from upriver.tui.present.text.progress import frame

SGR = re.compile(r"\x1b\[[0-9;]*m")
PROGRAM = Path(__file__).parent / "scripted_build.py"


def command(project: Path, lasts: float, *words: str) -> list[str]:
    """A build of *lasts* seconds."""
    return [sys.executable, str(PROGRAM), str(lasts), "-C", str(project), "build", *words]


def test_on_a_terminal_running_assets_are_shown_and_finished_ones_stay(project: Path) -> None:
    """In the end the scrollback holds finished lines and the summary; nothing live is left."""
    terminal = Terminal(command(project, 1.2))

    def shown(written: str) -> object:
        screen = Screen(90)
        screen.feed(written)
        running = re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] marts.slow +[█░]+ +\d\.\ds of about 2\.0s  64 MB", screen.text)
        return running and re.search(r"3/5  ✓ 1 built  ✗ 1 failed  · 1 fresh  0:0\d", screen.text)

    terminal.read_until(shown)
    code = terminal.finish()
    assert code == 1
    after = Screen(90)
    after.feed(terminal.written)
    assert "✓ staging.one        1,234 rows   0.10s  its code changed" in after.text
    assert "    Binder Error: no column\n      3 | x\n        | ^" in after.text
    assert "↻ marts.bad" in after.text
    assert "marts.slow" in after.text
    assert not re.search("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", after.text)
    assert after.text.count("✓ staging.one") == 1


def test_the_display_is_redrawn_at_most_ten_times_a_second(project: Path) -> None:
    """Whatever the number of events: here some 10,000 a second."""
    terminal = Terminal(command(project, 1.5))
    terminal.finish()
    frames = terminal.written.count("\x1b[J")
    assert 4 <= frames <= 18
    assert len(terminal.written) < 20_000


def test_resizing_leaves_no_wreckage(project: Path) -> None:
    """Each frame fits the width that the terminal has when it is drawn."""
    terminal = Terminal(command(project, 2), columns=100)
    terminal.read_until(lambda written: written.count("\x1b[J") >= 2)
    terminal.resize(40, 10)
    terminal.read(0.1)
    # One frame may have been under way when the window changed.
    after = terminal.written.count("\x1b[J") + 1
    terminal.finish()
    narrow = terminal.written.split("\x1b[J")[after:-2]
    assert narrow
    for drawn in narrow:
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", drawn)
        assert all(len(line) < 40 for line in text.split("\n"))


@pytest.mark.parametrize("columns", [1, 30])
def test_a_very_narrow_terminal_is_no_reason_to_fail(project: Path, columns: int) -> None:
    """It shows what fits."""
    assert Terminal(command(project, 0.5), columns=columns).finish() == 1


def test_no_colour_on_a_terminal(project: Path) -> None:
    """NO_COLOR leaves only cursor movements."""
    terminal = Terminal(command(project, 0.6), environ={"NO_COLOR": "1"})
    terminal.finish()
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.written)


def test_quiet_on_a_terminal_draws_nothing(project: Path) -> None:
    """Only failures and the summary."""
    terminal = Terminal(command(project, 0.5, "-q"))
    terminal.finish()
    assert "\x1b[J" not in terminal.written
    assert "marts.bad" in terminal.written


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("live", [True, False])
def test_a_signal_stops_the_build_and_the_summary_is_still_told(
    project: Path, number: signal.Signals, code: int, live: bool
) -> None:
    """Ctrl-C asks; what was built is kept and told; the shell gets 130 or 143."""
    if live:
        terminal = Terminal(command(project, 30))
        terminal.read_until(lambda written: "marts.slow" in written)
        terminal.process.send_signal(number)
        assert terminal.finish() == code
        out = SGR.sub("", terminal.written)
    else:
        process = subprocess.Popen(
            command(project, 30), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert process.stderr is not None
        assert "staging.one" in process.stderr.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == code
        assert "stopping; once more to stop at once\n" in err
    assert "✓ 1 built" in out
    assert "interrupted after" in out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_build_that_has_not_started_stops_at_once(project: Path, number: signal.Signals, code: int) -> None:
    """While it waits for another build (`--wait`) or makes its plan, there is nothing to end gently."""
    terminal = Terminal(command(project, 30, "waiting"))
    terminal.read_until(lambda written: "looking at what changed" in written)
    terminal.process.send_signal(number)
    assert terminal.finish(10) == code
    assert "interrupted" in terminal.written
    assert "Traceback" not in terminal.written


def test_elsewhere_there_is_one_plain_line_for_each_asset(project: Path) -> None:
    """In a log: no cursor movements, no colours; the answer on stdout, the rest on stderr."""
    done = subprocess.run(
        command(project, 0.2), capture_output=True, text=True, encoding="utf-8", check=False
    )
    lines = done.stderr.splitlines()
    assert "\x1b" not in done.stderr + done.stdout
    assert lines[0] == "✓ staging.one        1,234 rows   0.10s  its code changed"
    assert [text for text in lines if "marts.slow" in text and "7 rows" in text]
    assert "hello" not in done.stderr
    assert "failed after" in done.stdout


def test_verbose_shows_what_recipes_print_without_what_they_tell_the_terminal(project: Path) -> None:
    """Their colours are dropped, anything else is written out."""
    done = subprocess.run(
        command(project, 0.1, "-v"), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert "staging.one | hello from\\x1b]0;evil\\x07 the recipe\n" in done.stderr
    assert "raw.a" in done.stderr


def test_json_keeps_stdout_clean_while_progress_goes_on(project: Path) -> None:
    """Progress is on stderr, the document alone on stdout."""
    import json

    done = subprocess.run(
        command(project, 0.1, "--json"), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert json.loads(done.stdout)["status"] == "failed"
    assert "staging.one" in done.stderr


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    """`upriver … | head -1`."""
    shell = f"{sys.executable} {PROGRAM} 0 -C {project} log | head -1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    shell = f"{sys.executable} {PROGRAM} 0 -C {project} status --check | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "")


def test_a_full_disk_is_told(project: Path) -> None:
    """Redirecting to a full disk fails with a sentence."""
    shell = f"{sys.executable} {PROGRAM} 0 -C {project} status > /dev/full"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: the output can't be written: No space left on device\n"


def test_a_build_goes_on_when_nobody_can_be_told_about_it(project: Path) -> None:
    """Its messages are lost, its work is not."""
    shell = f"{sys.executable} {PROGRAM} 0.1 -C {project} build 2> /dev/full"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "✓ 2 built" in done.stdout


def test_the_frame_never_exceeds_its_height_and_width() -> None:
    """Fifty running assets on a small screen."""
    progress = Progress()
    keys = tuple(f"marts.asset_number_{i}" for i in range(50))
    progress.apply(RunStarted(0.0, "1", keys, 50, tuple((key, 5.0) for key in keys)))
    for i, key in enumerate(keys):
        progress.apply(AssetStarted(float(i) / 10, key, 1, i, ()))
    for columns in (10, 30, 79, 200):
        for height in (1, 2, 5, 60):
            lines = frame(progress, Page(columns), now=9.0, height=height, tick=3, notice="stopping")
            assert len(lines) <= height
            assert all(width(text) <= columns for text in lines)


def test_what_is_left_comes_from_what_assets_usually_take() -> None:
    """Two slots, one asset half done; nothing is promised when nothing is known."""
    progress = Progress()
    progress.apply(RunStarted(0.0, "1", ("a", "b", "c", "d"), 2, (("a", 4.0), ("b", 4.0), ("c", 4.0))))
    assert progress.left(0.0) == 8.0  # d was never built: it counts as the others
    progress.apply(AssetStarted(0.0, "a", 1, 1, ()))
    assert progress.left(2.0) == 7.0
    progress.apply(AssetFinished(4.0, AssetResult("a", Outcome.BUILT)))
    progress.apply(AssetFinished(4.0, AssetResult("b", Outcome.REUSED)))
    assert progress.left(4.0) == 4.0
    assert progress.saved == 4.0
    assert Progress().left(0.0) is None


def test_before_the_plan_is_made_it_says_what_it_is_doing() -> None:
    """On a large project that can take a moment."""
    (text,) = frame(Progress(), Page(80), now=time.time(), height=10, tick=0)
    assert plain(text) == "⠋ looking at what changed"
