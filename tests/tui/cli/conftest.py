"""What every test of the command line starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tui.cli.scripted import Outcomes, ScriptedSession, run_line

Run = Callable[..., Outcomes]


@pytest.fixture
def session() -> ScriptedSession:
    """A small project in memory, to be changed by the test."""
    return ScriptedSession.open()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that is a project."""
    (tmp_path / "upriver.toml").write_text('[project]\nname = "shop"\n')
    return tmp_path


@pytest.fixture
def run(session: ScriptedSession, project: Path) -> Run:
    """Run one command line on *session*: ``run("status", "--json")``."""

    def call(*words: str, **options: object) -> Outcomes:
        return run_line(["-C", str(project), *words], session, **options)  # type: ignore[arg-type]

    return call
