"""What docs/goals.md says of systemd and cron works: the unit is one, the line is one, and the options exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cronsim import CronSim
from tests.acceptance.command import Project, run

PAGE = (Path(__file__).parents[2] / "docs" / "goals.md").read_text(encoding="utf-8")


def test_the_unit_is_understood_by_systemd(tmp_path: Path) -> None:
    """With the program where it is on this machine."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    unit = next(block for block in re.findall(r"```ini\n(.*?)```", PAGE, re.S) if "[Service]" in block)
    unit = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit, flags=re.M)
    path = tmp_path / "upriver.service"
    path.write_text(unit.replace("%h/shop", str(tmp_path)))
    done = subprocess.run(["systemd-analyze", "verify", "--user", str(path)], capture_output=True, text=True)
    assert "upriver.service" not in done.stderr, done.stderr


def test_the_unit_names_what_stops_it() -> None:
    """The exit codes and the signal that the loop keeps."""
    assert "SuccessExitStatus=143 130" in PAGE
    assert "KillMode=mixed" in PAGE


def test_the_line_of_cron_runs(tmp_path: Path) -> None:
    """Its times are times, and its command ends with 0 where nothing is due."""
    line = next(text for text in PAGE.splitlines() if "watch --once" in text and text.startswith("*"))
    next(CronSim(" ".join(line.split()[:5]), datetime(2024, 1, 1, tzinfo=UTC)))
    project = Project(tmp_path)
    project.write("upriver.toml", "")
    words = re.search(r"upriver (watch --once)", line)
    assert words is not None
    assert run(*words[1].split(), folder=project.root).code == 0
