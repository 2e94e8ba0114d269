"""Copies of projects, with what they have built and without."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.acceptance.command import Project

NO_STATE = shutil.ignore_patterns(".upriver", "__pycache__")


def copied(project: Project, root: Path) -> Project:
    """A copy of *project* with all that it has built."""
    shutil.copytree(project.root, root)
    return Project(root)


def from_scratch(project: Project, root: Path, *select: str) -> Project:
    """The files of *project* copied to *root*; there *select*, and what it needs, is built for the first time."""
    shutil.copytree(project.root, root, ignore=NO_STATE)
    scratch = Project(root)
    assert set(scratch.build(*select).values()) == {"built"}
    return scratch
