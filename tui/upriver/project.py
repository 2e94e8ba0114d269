"""``from upriver.project import Project``: a project in a notebook or a script."""

from __future__ import annotations

from upriver.tui.notebook.project import Project

__all__ = ["Project"]
