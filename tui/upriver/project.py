"""``from upriver.project import Project``: a project in a notebook or a script; AsyncProject beside a loop."""

from __future__ import annotations

from upriver.tui.notebook.asynchronous import AsyncProject
from upriver.tui.notebook.project import Project

__all__ = ["AsyncProject", "Project"]
