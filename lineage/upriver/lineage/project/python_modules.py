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
from typing import TypeAlias

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.loading.import_reads import Observed
from upriver.assets.model import CodePart
from upriver.assets.project.files import ProjectFiles
from upriver.lineage.project.manifest import Described, Manifest, PythonModules, load_parts, trusted
from upriver.lineage.project.project import CACHE

DESCRIBE_TIMEOUT = 300.0
"""Seconds that loading a project's Python modules may take."""


Declared: TypeAlias = tuple[PythonModules, dict[str, tuple[CodePart, ...]] | None]
"""What the Python modules declare; with their code parts when they were loaded again or looked at closer."""


@contextmanager
def python_modules(
    root: Path, files: ProjectFiles, before: Manifest | None
) -> Iterator[Callable[[], Declared]]:
    """Begin to find out what the Python modules declare; call what is yielded to wait for it.

    Where a process has to load them, there is time until then for other work.
    """
    known = _known(root, files, before)
    if known is not None:
        yield lambda: known
        return
    present = (*files.python, *files.helpers)
    digests = tuple(_digest_of(root / file.path) for file in present)
    with describing(root) as described:

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
def describing(root: Path) -> Iterator[Callable[[], Described]]:
    """Load the project's Python modules in a process of their own; what is yielded waits for its report."""
    import subprocess  # most commands need no process

    from upriver.assets.support.supervised_process import Kept

    receive, send = os.pipe()
    try:
        process = Kept(
            "upriver.lineage.project.describe_process",
            [str(root), str(send)],
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
        stderr = process.process.stderr
        assert stderr is not None
        reader = threading.Thread(target=lambda: errors.append(stderr.read()), daemon=True)
        reader.start()

        def report() -> Described:
            *told, data = pipe.read().split(b"\n")
            code = process.process.wait()
            reader.join(1.0)
            return _report(told, data, b"".join(errors), code)

        with os.fdopen(receive, "rb") as pipe:
            yield report
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
