"""Writing a rename: all files or none, and none that was edited since it was looked at."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from upriver.assets.errors import StoreError, UsageError
from upriver.assets.model import Key
from upriver.lineage.project.project import Project
from upriver.lineage.refactoring.rename.find import renaming
from upriver.lineage.refactoring.rename.values import FileChange, Renaming, line_changes
from upriver.materializer.context import Context
from upriver.materializer.sources.lock import LOCK, renamed


def find_renaming(context: Context, project: Project, old: Key, new: Key) -> Renaming:
    """What calling *old* *new* changes, the shape that is kept of a text source included. Nothing is written.

    Raises UsageError and DeclarationError as :func:`~upriver.lineage.refactoring.rename.find.renaming` does.
    """
    found = renaming(project, old, new)
    path = context.root / LOCK
    if old not in project.sources or not path.is_file():
        return found
    content = path.read_bytes()
    becomes = renamed(content, old, new)
    if becomes is None:
        return found
    digest = hashlib.sha256(content).hexdigest()
    kept = FileChange(LOCK, LOCK, digest, becomes, 1, line_changes(content, becomes))
    return msgspec.structs.replace(found, files=(*found.files, kept))


def write_renaming(context: Context, renaming: Renaming) -> None:
    """Write all files of *renaming*, and look whether the project is the same under the new name.

    Each file is replaced in one step. Whatever goes wrong, all are put back. Raises UsageError when a file is not what
    it was when the renaming was found, StoreError when the disk refuses.
    """
    before = context.project()
    refusal = f"{renaming.old} can't be called {renaming.new}"
    write_files(context, renaming.files, lambda after: _differs(before, after, renaming), refusal)


def write_files(
    context: Context,
    files: Sequence[FileChange],
    differs: Callable[[Project], str | None],
    refusal: str,
) -> None:
    """Write all *files*; when the project as derived from them *differs*, say so after *refusal* and put all back."""
    root = context.root
    for file in files:
        _check_unchanged(root, file)
    drafts: list[Path] = []
    undo = contextlib.ExitStack()
    try:
        with undo:
            undo.callback(_remove, drafts)
            staged = [(file, _draft(root, file, drafts)) for file in files]
            for file, draft in staged:
                _check_unchanged(root, file)
                _put(root, file, draft, undo)
            problem = differs(context.project())
            if problem is not None:
                raise UsageError(f"{refusal}: {problem}\n  Nothing was changed.")
            undo.pop_all()
    except OSError as error:
        raise StoreError(
            f"{error.filename or 'a file'} can't be written: {error.strerror}\n  Nothing was changed."
        ) from error
    finally:
        _remove(drafts)
        context.project()


def _check_unchanged(root: Path, file: FileChange) -> None:
    try:
        content = (root / file.path).read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != file.digest:
        raise UsageError(
            f"{file.path} was edited meanwhile; nothing was changed\n  hint: look at the rename again"
        )
    if file.becomes != file.path and (root / file.becomes).exists():
        raise UsageError(f"{file.becomes} is there already; nothing was changed")


def _draft(root: Path, file: FileChange, drafts: list[Path]) -> Path:
    """The new content beside the old, on the disk."""
    draft = root / f"{file.path}.renamed-{os.getpid()}"
    drafts.append(draft)
    with draft.open("wb") as opened:
        opened.write(file.content)
        opened.flush()
        os.fsync(opened.fileno())
    shutil.copymode(root / file.path, draft)
    return draft


def _put(root: Path, file: FileChange, draft: Path, undo: contextlib.ExitStack) -> None:
    path, becomes = root / file.path, root / file.becomes
    content, mode = path.read_bytes(), path.stat().st_mode
    for folder in _made(becomes.parent):
        undo.callback(_remove_folder, folder)
    undo.callback(_restore, path, content, mode)
    if becomes != path:
        undo.callback(becomes.unlink, missing_ok=True)
    draft.replace(becomes)
    if becomes != path:
        path.unlink()


def _made(folder: Path) -> Iterator[Path]:
    """Make *folder*; those that were not there, outermost first."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        yield one


def _remove_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # something was put into it
        folder.rmdir()


def _restore(path: Path, content: bytes, mode: int) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    draft = path.with_name(f"{path.name}.restored-{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(mode & 0o777)
    draft.replace(path)


def _remove(drafts: list[Path]) -> None:
    for draft in drafts:
        draft.unlink(missing_ok=True)


def new_problem(before: Project, after: Project) -> str | None:
    """What can't be used *after* and could be before, None when there is no such thing."""
    if after.refusals:
        return str(after.refusals[0])
    return next((str(broken) for key, broken in after.broken.items() if key not in before.broken), None)


def _differs(before: Project, after: Project, renaming: Renaming) -> str | None:
    """What is not the same under the new name, None when all is."""
    if (problem := new_problem(before, after)) is not None:
        return problem

    def named(key: Key) -> Key:
        return renaming.new if key == renaming.old else key

    wanted = {named(key): tuple(sorted(map(named, reads))) for key, reads in before.reads.items()}
    for key, reads in wanted.items():
        if key not in after.reads:
            return f"there would be no {key}"
        if tuple(sorted(after.reads[key])) != reads:
            return (
                f"{key} would read {', '.join(after.reads[key]) or 'nothing'} instead of {', '.join(reads)}"
            )
    extra = after.reads.keys() - wanted.keys()
    return f"there would be {', '.join(sorted(extra))} besides" if extra else None
