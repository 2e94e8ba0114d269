"""A project's code as it was at a git revision, over today's data."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upriver.assets.errors import UsageError


@contextmanager
def checkout(root: Path, revision: str) -> Iterator[Path]:
    """A temporary folder with the project's files of *revision*; what git does not track is linked to as it
    is now.

    Raises UsageError when there is no git, no repository or no such revision.
    """
    if revision.startswith("-"):
        raise UsageError(f"{revision!r} is not a git revision")
    _checked(root, revision)
    archive = _git(root, "archive", "--format=tar", revision, ".")
    with tempfile.TemporaryDirectory(prefix="upriver-") as folder:
        target = Path(folder).resolve()
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(target, filter="data")
        for entry in root.iterdir():
            if entry.name not in (".upriver", ".git", ".venv") and not (target / entry.name).exists():
                (target / entry.name).symlink_to(entry)
        yield target


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError:
        raise UsageError("git is not installed: `impact --since` compares with a git revision") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(said[-1].removeprefix("fatal: ") if said else "git failed")
    return done.stdout


def _checked(root: Path, revision: str) -> None:
    """Raise UsageError, in words of ours, when there is no repository or no such revision in it."""
    try:
        _git(root, "rev-parse", "--git-dir")
    except UsageError as error:
        if "not a git repository" not in str(error):  # no git, or a repository of another user
            raise
        message = "the project is in no git repository, so there is no revision to compare with"
        raise UsageError(message) from None
    try:
        _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{tree}")
    except UsageError:
        raise UsageError(f"the project's git repository has no revision {revision!r}") from None
