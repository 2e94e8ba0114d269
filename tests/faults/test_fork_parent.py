"""The process that attempts are forked from is killed: no attempt is reported wrong, and none hangs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from tests.faults.project import Project, finish, wait_for
from tests.faults.shops import Trouble, troubles

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forking is for Linux only")

FOUND = "found = int(Path(f'/proc/{os.getppid()}/stat').read_text().rpartition(')')[2].split()[1])\n"
"""Finds the parent of the keeper."""


def watched(project: Project) -> Project:
    """The project with recipes that are not confined: these look for the process that they were forked from."""
    settings = (project.root / "upriver.toml").read_text()
    assert "[build]" not in settings
    project.write("upriver.toml", f'{settings}\n[build]\nisolation = "observed"\n')
    return project


def calmed(project: Project) -> None:
    """Let the recipes be ones that can be built."""
    text = (project.root / "assets/recipes.py").read_text()
    names = [one.split("(")[0] for one in text.split("def ")[1:]]
    calm = "@asset()\ndef {}(numbers: pa.Table) -> pa.Table:\n    return table\n"
    project.write(
        "assets/recipes.py", text.split("@asset(")[0] + "\n\n".join(calm.format(name) for name in names)
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda it: it.name)
def test_what_a_killed_fork_parent_has_taken_along_is_made_again(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Without using up retries, and nothing of the first attempts goes on."""
    body = (
        "if not (here / 'again_{0}').exists():\n"
        "    subprocess.Popen(['setsid', 'sleep', '600'])\n"
        "    (here / 'again_{0}').write_text('')\n"
        + "".join(f"    {line}\n" for line in FOUND.splitlines())
        + "    (here / 'told_{0}').write_text(f'{{found}}\\n')\n"
        "    time.sleep(600)"
    )
    project = watched(
        troubles(
            tmp_path / "p",
            *(
                Trouble(name, body.replace("{0}", name).replace("{{", "{").replace("}}", "}"))
                for name in "ab"
            ),
        )
    )
    process = project.start("build", "--json", "--jobs", "3")
    parents = {int(wait_for(project.root / f"told_{name}")) for name in "ab"}
    assert len(parents) == 1
    os.kill(parents.pop(), number)
    done = finish(process)
    assert done.code == 0, done.said
    assert {done.actions[name] for name in ("a", "b", "sibling")} == {"built"}
    assert project.processes() == {}
    for name in "ab":
        (project.root / f"told_{name}").unlink()
        (project.root / f"again_{name}").unlink()
    calmed(project)
    project.settle()


def test_a_recipe_that_kills_what_it_was_forked_from_fails_alone(tmp_path: Path) -> None:
    """Each time that it is made: with the cause named, while others are built."""
    kills = FOUND + "os.kill(found, signal.SIGKILL)\ntime.sleep(600)"
    project = watched(
        troubles(
            tmp_path / "p",
            Trouble("kills", kills),
            Trouble("slow", "time.sleep(1.5)"),
            Trouble("quick", "pass"),
        )
    )
    done = project.build("--jobs", "4")
    assert done.code == 1
    assert "the process that it was forked from has ended" in done.errors["kills"]
    assert "SIGKILL" in done.errors["kills"] or "-9" in done.errors["kills"]
    assert done.actions["after_kills"] == "blocked"
    assert {done.actions[name] for name in ("slow", "quick", "sibling")} == {"built"}
    calmed(project)
    project.settle()


def test_a_stopped_fork_parent_holds_nothing_up(tmp_path: Path) -> None:
    """A recipe that stops it: the attempts that come after it are forked all the same."""
    stops = FOUND + "os.kill(found, signal.SIGSTOP)"
    project = watched(troubles(tmp_path / "p", Trouble("stops", stops), Trouble("other", "pass")))
    done = project.build("--jobs", "1")
    assert done.code == 0, done.said
    assert project.processes() == {}
    project.settle()
