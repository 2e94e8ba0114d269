"""Rename of a column: found, proven on a copy of the project, and written as a whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from upriver.assets.errors import Diagnosis, UsageError
from upriver.assets.model import Key, Schema
from upriver.assets.project.files import ProjectFiles
from upriver.assets.project.layout import ROOM
from upriver.lineage.analysis.analyzer import AnalysisCache, Analyzer
from upriver.lineage.analysis.planner_process import Planner
from upriver.lineage.model import Analysis
from upriver.lineage.project.derive import derive
from upriver.lineage.project.project import CACHE, Project
from upriver.lineage.refactoring.rename.columns.compare import Names
from upriver.lineage.refactoring.rename.columns.find import column_renaming
from upriver.lineage.refactoring.rename.columns.python import PythonColumns
from upriver.lineage.refactoring.rename.columns.sql import with_column
from upriver.lineage.refactoring.rename.values import ColumnRenaming, FileChange
from upriver.lineage.sql.plan.binder import Binder
from upriver.materializer.context import FOLDER, Context
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.refactoring.rename_asset import new_problem, write_files
from upriver.materializer.sources.observe import sources_of


def find_column_renaming(
    context: Context, key: Key, column: str, new: str, *, leave: bool = False
) -> ColumnRenaming:
    """What calling *column* of *key* *new* changes, after a proof that everything then is what it was but for the name.

    Raises UsageError, with each place and why, when it can't be called so or a place needs a person; with *leave* such
    places are left, and nothing is proven of their assets.
    """
    project = context.project()
    schemas = Schemas(context, SourceViews(sources_of(context)))
    binder = Binder(context.variables(project))
    try:
        python = PythonColumns(context.root, context.analyzer().what_if, project.parts)
        found = column_renaming(project, key, column, new, schemas.of, binder, python, leave=leave)
    finally:
        binder.close()
    problem = _Proof(context, project, schemas, found).problem()
    if problem is not None:
        raise UsageError(f"{key}.{found.old} can't be called {new}: {problem}\n  Nothing was changed.")
    context.analyzer().flush()
    return found


def write_column_renaming(context: Context, renaming: ColumnRenaming) -> None:
    """Write all files of *renaming* or none. It is found and proven again first, for the project as it is by now.

    Raises UsageError when it is another by now, StoreError when the disk refuses.
    """
    leave = bool(renaming.left)
    again = find_column_renaming(context, renaming.key, renaming.old, renaming.new, leave=leave)
    if again.files != renaming.files or again.left != renaming.left:
        edited = sorted(
            {file.path for file in set(again.files) ^ set(renaming.files)}
            | {one.place.path for one in set(again.left) ^ set(renaming.left)}
        )
        raise UsageError(
            f"{', '.join(edited)}: edited meanwhile; nothing was changed\n  hint: look at the rename again"
        )
    before = context.project()
    refusal = f"{renaming.key}.{renaming.old} can't be called {renaming.new}"
    write_files(context, renaming.files, lambda after: _graph_differs(before, after), refusal)


class _Proof:
    """The project with *found* written, in a copy, against the project as it is."""

    def __init__(self, context: Context, project: Project, schemas: Schemas, found: ColumnRenaming) -> None:
        self._context = context
        self._project = project
        self._schemas = schemas
        self._found = found
        self._carried = frozenset({found.key, *found.follows})
        self._names = Names(found.old, found.new, self._carried)

    def problem(self) -> str | None:
        """Which asset would be something else, and why; None when none would be."""
        with _copied(self._context.root, self._project.files, self._found.files) as root:
            after = derive(root, clock=self._context.clock.now)
            if (problem := _graph_differs(self._project, after)) is not None:
                return problem
            planner: list[Planner] = []

            def planning() -> Planner:
                if not planner:
                    planner.append(Planner(root))
                return planner[0]

            cache = AnalysisCache(root / CACHE / "analyses.db")
            analyzer = Analyzer(after, cache, planning, self._context.variables(self._project))
            try:
                return self._compared(after, analyzer)
            finally:
                for one in planner:
                    one.close()

    def _compared(self, after: Project, analyzer: Analyzer) -> str | None:
        left = {one.key for one in self._found.left}
        kept = {one.key for one in self._found.kept}
        for key in self._project.graph.order:
            if key not in self._project.assets or key in left:
                continue
            reads = self._project.reads[key]
            same = after.fingerprints[key] == self._project.fingerprints[key]
            if same and not self._carried.intersection(reads):
                continue  # the same recipe over the same columns
            before = self._schemas.analysis(key)
            upstreams = self._renamed(reads)
            if upstreams is None or not isinstance(before, Analysis):
                return f"it can't be told what {key} would be: its columns are not known"
            found = analyzer.analyze(key, upstreams)
            if isinstance(found, Diagnosis):
                return f"{key} could not be bound: {found}"
            if found.opaque and key in kept and after.reads[key] == reads:
                continue  # code that can't be looked into is given the frames that it was given
            if (difference := self._names.difference(key, before, found)) is not None:
                return f"{key}: {difference}"
        return None

    def _renamed(self, reads: Sequence[Key]) -> Mapping[Key, Schema] | None:
        """The columns of upstreams as they are called then."""
        found: dict[Key, Schema] = {}
        for key in reads:
            schema = self._schemas.of(key)
            if schema is None:
                return None
            renamed = key in self._carried
            found[key] = with_column(schema, self._found.old, self._found.new) if renamed else schema
        return found


def _graph_differs(before: Project, after: Project) -> str | None:
    """What else the project would declare or read, None when that is the same."""
    if (problem := new_problem(before, after)) is not None:
        return problem
    for key in before.reads.keys() | after.reads.keys():
        if before.reads.get(key) != after.reads.get(key):
            return f"{key} would read something else"
    return None


@contextmanager
def _copied(root: Path, files: ProjectFiles, changes: Sequence[FileChange]) -> Iterator[Path]:
    """A copy of the project's own files with *changes* made; all else is linked to. Gone afterwards."""
    own = {file.path for file in (*files.sql, *files.python, *files.helpers, *files.checks)}
    own |= {files.config.path} if files.config is not None else set()
    folders = {""} | {str(parent) for path in own for parent in Path(path).parents if str(parent) != "."}
    with tempfile.TemporaryDirectory(prefix="upriver-") as made:
        target = Path(made).resolve()
        for folder in sorted(folders):
            (target / folder).mkdir(exist_ok=True)
            for entry in os.scandir(root / folder):
                path = f"{folder}/{entry.name}" if folder else entry.name
                hidden = path in (FOLDER, ".git", ".venv")
                module_folder = path.split("/")[0] == ROOM and entry.is_dir()
                if path in own:
                    shutil.copy2(entry.path, target / path)
                elif path not in folders and not hidden and not module_folder:
                    (target / path).symlink_to(entry.path)
        for change in changes:
            (target / change.path).write_bytes(change.content)
        kept = root / CACHE
        if kept.is_dir():  # what has not changed is not read again
            skipped = shutil.ignore_patterns("analyses.db*")
            shutil.copytree(kept, target / CACHE, ignore=skipped)
        yield target
