"""Derivation of a project: from its files to its graph."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.model import Key
from upriver.assets.project.config import Config, read_config
from upriver.assets.project.files import ProjectFiles, discover
from upriver.lineage.project.assemble import assemble
from upriver.lineage.project.broken import last_readable
from upriver.lineage.project.check_modules import check_modules
from upriver.lineage.project.manifest import Manifest, load_manifest, program, save_manifest, save_parts
from upriver.lineage.project.project import CACHE, Project
from upriver.lineage.project.python_modules import python_modules
from upriver.lineage.project.sql_modules import sql_modules

if TYPE_CHECKING:
    from upriver.assets.support.spawned_process import Starter
    from upriver.lineage.sql.parse.query import Query


def derive(
    root: Path,
    *,
    clock: Callable[[], float] = time.time,
    last: Project | None = None,
    starter: Callable[[], Starter] | None = None,
) -> Project:
    """Derive the project at *root*, reading only what has changed since it was last derived. Never raises for
    user errors.

    *last* is what was derived here before, if anything was: it comes back when nothing has changed since. *starter*
    gives what starts the process that loads Python modules.
    """
    folder = root / CACHE
    files = discover(root)
    config, refusals = read_config(root)
    kept = load_manifest(folder) if last is None else last.manifest
    before = kept if kept is not None and kept.current else None
    queries: dict[Key, Query] = {}
    with python_modules(root, files, before, starter) as declared:
        # A process loads the Python modules meanwhile.
        sql, sql_changed = sql_modules(root, files, before, queries)
        checks, checks_changed = check_modules(root, files, before)
        python, parts = declared()
    readable = last_readable(kept, files, sql, python)
    if parts is not None:
        save_parts(folder, parts)
    if sql_changed or checks_changed or parts is not None or before is None or readable != before.readable:
        before = Manifest(program(), clock(), sql, python, readable, checks)
        save_manifest(folder, before)
    elif last is not None and _same(last, files, config) and not refusals:
        return last
    project = assemble(root, config, refusals, files, before)
    project.keep_queries(queries)
    return project


def _same(last: Project, files: ProjectFiles, config: Config) -> bool:
    return not last.diagnoses and last.files == files and last.config == config
