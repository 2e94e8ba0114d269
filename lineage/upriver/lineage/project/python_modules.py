"""What the Python modules of a project declare, as told by a process that imports them.

That process is started only when a Python file, or something that the modules read while loading, has
changed.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.loading.import_reads import Observed
from upriver.assets.model import CodePart
from upriver.assets.project.files import ProjectFiles
from upriver.lineage.project.manifest import Described, Manifest, PythonModules, load_parts, trusted
from upriver.lineage.project.project import CACHE

if TYPE_CHECKING:
    from upriver.assets.support.supervised_process import Starter

DESCRIBE_TIMEOUT = 300.0
"""Seconds that loading a project's Python modules may take."""


Declared: TypeAlias = tuple[PythonModules, dict[str, tuple[CodePart, ...]] | None]
"""What the Python modules declare; with their code parts when they were loaded again or looked at closer."""


@contextmanager
def python_modules(
    root: Path, files: ProjectFiles, before: Manifest | None, starter: Callable[[], Starter] | None = None
) -> Iterator[Callable[[], Declared]]:
    """Begin to find out what the Python modules declare; call what is yielded to wait for it.

    Where a process has to load them (what *starter* gives starts it), there is time until then for other work.
    """
    known = _known(root, files, before)
    if known is not None:
        yield lambda: known
        return
    present = (*files.python, *files.helpers)
    digests = tuple(_digest_of(root / file.path) for file in present)
    with describing(root) if starter is None else describing(root, starter()) as described:

        def declared() -> Declared:
            found = described()
            return msgspec.structs.replace(found.modules, files=present, digests=digests), found.parts

        yield declared


def _known(root: Path, files: ProjectFiles, before: Manifest | None) -> Declared | None:
    """What is remembered of the modules, None when they have to be loaded."""
    if not files.python:
        return PythonModules(), None if before is not None and before.python == PythonModules() else {}
    present = (*files.python, *files.helpers)
    known = before.python if before is not None else PythonModules()
    if before is not None and known.files:
        same = known.files == present and all(trusted(file, before.written) for file in present)
        if same and _as_observed(root, known):
            return known, None
    digests = tuple(_digest_of(root / file.path) for file in present)
    paths = [file.path for file in present]
    if (
        known.digests == digests
        and [file.path for file in known.files] == paths
        and _as_observed(root, known)
    ):
        return msgspec.structs.replace(known, files=present), load_parts(root / CACHE)
    return None


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"


def _as_observed(root: Path, known: PythonModules) -> bool:
    """Whether everything else that the modules read while loading is as it was. What could not be seen is
    not.
    """
    return not known.observed.unseen and not known.observed.changed(str(root), os.environ)


@contextmanager
def describing(root: Path, starter: Starter | None = None) -> Iterator[Callable[[], Described]]:
    """Load the project's Python modules in a process of their own; what is yielded waits for its report."""
    if starter is None:
        from upriver.assets.support.supervised_process import Spawn  # most commands need no process

        starter = Spawn()
    with _loading(root, starter) as first:

        def report() -> Described:
            ended = first()
            if ended.lost:  # what it was forked from was killed; there is another one
                with _loading(root, starter) as second:
                    ended = second()
            return _report(ended.told, ended.data, ended.said, ended.code)

        yield report


class _Ended(NamedTuple):
    """What a process has left: the secrets that it told, its report, what it printed, and how it ended."""

    told: list[bytes]
    data: bytes
    said: bytes
    code: int
    lost: bool


@contextmanager
def _loading(root: Path, starter: Starter) -> Iterator[Callable[[], _Ended]]:
    import subprocess

    receive, send = os.pipe()
    try:
        process = starter.start(
            "upriver.lineage.project.describe_process",
            [str(root)],
            stderr=subprocess.PIPE,
            descriptors=(send,),
        )
    except BaseException:
        os.close(receive)
        raise
    finally:
        os.close(send)
    killer = threading.Timer(DESCRIBE_TIMEOUT, process.end)
    killer.daemon = True
    try:
        killer.start()
        errors: list[bytes] = []
        stderr = process.stderr
        assert stderr is not None
        reader = threading.Thread(target=lambda: errors.append(stderr.read()), daemon=True)
        reader.start()

        def ended() -> _Ended:
            process.begun(DESCRIBE_TIMEOUT)
            *told, data = pipe.read().split(b"\n")
            process.wait()
            reader.join(1.0)
            code = process.code
            assert code is not None
            return _Ended(told, data, b"".join(errors), code, process.lost)

        with os.fdopen(receive, "rb") as pipe:
            yield ended
    finally:  # also when the user has lost patience
        killer.cancel()
        process.close()


def _report(told: list[bytes], data: bytes, said: bytes, code: int) -> Described:
    """What the process has reported as *data*, after the secrets that it *told*."""
    from upriver.assets.support.redaction import Hiding

    try:
        return msgspec.json.decode(data, type=Described)
    except msgspec.DecodeError:
        hiding = Hiding()
        for secret in told:
            hiding.add(*msgspec.json.decode(secret, type=tuple[str, str]))
        lines = hiding.hide(said.decode("utf-8", "replace")).strip().splitlines()
        problem = Diagnosis(
            "load-crashed",
            "the process that loads the project's Python modules ended before it reported "
            f"(exit code {code})",
            facts=tuple(lines[-5:]),
            hint="something at module level ends the process or crashes it; move it into a function",
        )
        # Unseen: whatever ended it may not happen again, so this is not remembered.
        observed = Observed(unseen=("its loading ended early",))
        return Described(PythonModules(observed=observed, failed=("assets",), diagnoses=(problem,)), {})
