"""What the Python modules of a project declare, as told by a process that imports them.

That process is started only when a Python file, or something that the modules read while loading, has
changed.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import msgspec

from upriver.assets.discover import ProjectFiles
from upriver.assets.errors import Diagnosis
from upriver.assets.model import CodePart
from upriver.assets.observe import Observed
from upriver.lineage.manifest import Described, Manifest, PythonModules, load_parts, trusted
from upriver.lineage.project import CACHE

DESCRIBE_TIMEOUT = 300.0
"""Seconds that loading a project's Python modules may take."""


def python_modules(
    root: Path, files: ProjectFiles, before: Manifest | None
) -> tuple[PythonModules, dict[str, tuple[CodePart, ...]] | None]:
    """What the Python modules declare; with their code parts when they were loaded again or looked at closer."""
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
    described = describe(root)
    return msgspec.structs.replace(described.modules, files=present, digests=digests), described.parts


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


def describe(root: Path) -> Described:
    """Load the project's Python modules in a process of their own and take its report."""
    import subprocess  # most commands need no process

    from upriver.assets.kept import Kept
    from upriver.assets.secrets import Hiding

    receive, send = os.pipe()
    try:
        process = Kept(
            "upriver.lineage.describe", [str(root), str(send)], stderr=subprocess.PIPE, descriptors=(send,)
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
        with os.fdopen(receive, "rb") as pipe:
            *told, data = pipe.read().split(b"\n")
        code = process.process.wait()
        reader.join(1.0)
    finally:  # also when the user has lost patience
        killer.cancel()
        process.close()
    try:
        return msgspec.json.decode(data, type=Described)
    except msgspec.DecodeError:
        hiding = Hiding()
        for secret in told:
            hiding.add(*msgspec.json.decode(secret, type=tuple[str, str]))
        said = hiding.hide(b"".join(errors).decode("utf-8", "replace")).strip().splitlines()
        problem = Diagnosis(
            "load-crashed",
            "the process that loads the project's Python modules ended before it reported "
            f"(exit code {code})",
            facts=tuple(said[-5:]),
            hint="something at module level ends the process or crashes it; move it into a function",
        )
        # Unseen: whatever ended it may not happen again, so this is not remembered.
        observed = Observed(unseen=("its loading ended early",))
        return Described(PythonModules(observed=observed, failed=("assets",), diagnoses=(problem,)), {})
