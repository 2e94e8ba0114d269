"""Projects built once, and copied for each test that edits one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.command import Project, run
from tests.acceptance.copies import copied


@pytest.fixture(scope="session")
def built_shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What ``upriver init`` writes, built. Never edited: tests take copies."""
    folder = tmp_path_factory.mktemp("built")
    assert run("init", "shop", folder=folder).code == 0
    project = Project(folder / "shop")
    assert project.run("build").code == 0
    return project


@pytest.fixture
def shop(built_shop: Project, tmp_path: Path) -> Project:
    """A small project with everything fresh."""
    return copied(built_shop, tmp_path / "shop")
