"""Change token of a project: a digest that is another when its files, its sources or its state may have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from upriver.assets.model import Source
from upriver.assets.project.files import discover
from upriver.materializer.context import Context
from upriver.materializer.sources.lock import LOCK
from upriver.materializer.sources.registry import stamped_paths
from upriver.materializer.sources.stamps import stamps_of


def revision(context: Context) -> str:
    """A digest of the stamps of all project files and sources, and of the state's revision."""
    return revision_of(context, context.project(refresh=False).readable_sources.values())


def revision_of(context: Context, sources: Iterable[Source]) -> str:
    """The same for a project that reads *sources*, which is not derived for it."""
    files = discover(context.root)
    digest = hashlib.blake2b(digest_size=16)
    for file in (
        *files.sql,
        *files.python,
        *files.helpers,
        *files.checks,
        *((files.config,) if files.config else ()),
    ):
        digest.update(f"{file.path}\0{file.size} {file.mtime} {file.ctime} {file.inode}\n".encode())
    for stamp in stamps_of(context.root, (LOCK,)):
        digest.update(f"{stamp.size} {stamp.mtime} {stamp.ctime} {stamp.inode}\n".encode())
    digest.update(contents_revision(context, sources).encode())
    return digest.hexdigest()


def contents_revision(context: Context, sources: Iterable[Source]) -> str:
    """A digest of the stamps of *sources* and of the state's revision: what there is, whatever is declared."""
    digest = hashlib.blake2b(digest_size=16)
    for stamp in stamped_paths(context.root, sources):
        digest.update(f"{stamp.path}\0{stamp.size} {stamp.mtime} {stamp.ctime} {stamp.inode}\n".encode())
    # Opening the state would make it: a project that is only looked at stays as it is.
    if (context.folder / "state.db").exists():
        digest.update(str(context.state.revision()).encode())
    return digest.hexdigest()
