"""Ctrl-C and SIGTERM: within five seconds all is stopped, nothing partial is visible, and the summary still prints."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.faults.project import Project, finish, wait_for
from tests.faults.shops import Trouble, sql_shop, troubles

STUBBORN = Trouble(
    "stubborn",
    """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sh", "-c", "trap '' TERM INT HUP; sleep 600; sleep 600"])
(here / "at/started").write_text("yes\\n")
while True: time.sleep(600)
""",
    "writes=['at/*']",
)
ENDLESS = "select count(*) as n from range(1000000) a(i), range(1000000) b(j) where (i * j) % 7 = 3\n"


def busy(root: Path) -> Project:
    """A project whose build never ends: a recipe and a query that don't, and assets that wait for them."""
    project = troubles(root, STUBBORN)
    project.write("assets/endless.sql", ENDLESS)
    project.write("assets/later.sql", "select * from endless\n")
    return project


def calmed(project: Project) -> None:
    """Let the project be one that can be built."""
    project.write("assets/endless.sql", "select 1 as n\n")
    project.write(
        "assets/recipes.py",
        "import pyarrow as pa\n\nfrom upriver.assets import asset\n\n\n@asset()\n"
        "def stubborn(numbers: pa.Table) -> pa.Table:\n    return numbers\n\n\n@asset()\n"
        "def sibling(numbers: pa.Table) -> pa.Table:\n    return numbers\n",
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=lambda it: str(int(it)),
)
def test_a_signal_stops_a_build(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """A recipe that ignores SIGTERM, its child, and a query that never ends are gone; what was done is kept."""
    project = busy(tmp_path / "p")
    process = project.start("build", "--json", "--jobs", "3")
    wait_for(project.root / "at/started")
    wait_for_built(project, "sibling")
    began = time.monotonic()
    process.send_signal(number)
    done = finish(process)
    assert time.monotonic() - began < 5
    assert done.code == code
    assert done.document["status"] == "interrupted"
    assert done.actions["stubborn"] == done.actions["endless"] == "cancelled"
    assert done.actions["later"] == done.actions["after_stubborn"] == "cancelled"
    assert done.actions["numbers"] == done.actions["sibling"] == "built"
    assert project.processes() == {}
    runs = project.here("history", "--json").document["runs"]
    assert [run["status"] for run in runs] == ["interrupted"]
    calmed(project)
    built = project.settle()
    assert built.actions["numbers"] == "fresh"


def wait_for_built(project: Project, key: str, within: float = 30.0) -> None:
    """Wait until the running build tells that *key* is built."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        for log in (project.folder / "runs").glob("*/events.jsonl"):
            if any(
                '"asset_finished"' in line and f'"{key}"' in line for line in log.read_text().splitlines()
            ):
                return
        time.sleep(0.05)
    raise AssertionError(f"{key} was not built within {within} s")


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    """Without the second that a recipe has for ending by itself; still with the summary."""
    project = busy(tmp_path / "p")
    process = project.start("build", "--jobs", "3")
    wait_for(project.root / "at/started")
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert time.monotonic() - began < 2
    assert done.code == 130
    assert "interrupted" in done.said
    project.all_gone(within=1.0)
    calmed(project)
    project.settle()


def test_a_module_that_hangs_when_it_is_loaded_can_be_interrupted(tmp_path: Path) -> None:
    """Also with what it has started; nothing was built, nothing is recorded as running."""
    project = sql_shop(tmp_path / "p")
    hangs = project.write(
        "assets/hangs.py",
        "import subprocess, time\nfrom pathlib import Path\nsubprocess.Popen(['sleep', '600'])\n"
        "Path('started').write_text('yes\\n')\ntime.sleep(600)\n",
    )
    process = project.start("build")
    wait_for(project.root / "started")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert time.monotonic() - began < 5
    assert done.code == 130
    project.all_gone(within=1.0)
    hangs.unlink()
    (project.root / "started").unlink()
    project.settle()


def test_a_module_that_hangs_when_it_is_loaded_does_not_outlive_the_command(tmp_path: Path) -> None:
    """``kill -9`` of ``upriver status`` ends what it was loading."""
    project = sql_shop(tmp_path / "p")
    hangs = project.write(
        "assets/hangs.py",
        "import subprocess, time\nfrom pathlib import Path\nsubprocess.Popen(['sleep', '600'])\n"
        "Path('started').write_text('yes\\n')\ntime.sleep(600)\n",
    )
    process = project.start("status")
    wait_for(project.root / "started")
    process.kill()
    project.all_gone()
    process.communicate()
    hangs.unlink()
    (project.root / "started").unlink()
    project.settle()


def test_waiting_for_another_build_can_be_interrupted(tmp_path: Path) -> None:
    """The one that waits ends; the one that builds does not notice."""
    project = busy(tmp_path / "p")
    first = project.start("build")
    wait_for(project.root / "at/started")
    second = project.start("build", "--wait")
    time.sleep(1.5)
    assert second.poll() is None
    second.send_signal(signal.SIGTERM)
    assert finish(second, 5).code == 143
    assert first.poll() is None
    os.kill(first.pid, signal.SIGINT)
    assert finish(first, 5).code == 130
    calmed(project)
    project.settle()
