"""Loader of a project's Python modules: asks a process that imports them for what they declare.

That process is started only when a Python file, or something that the modules read while loading, has
changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import CodePart, Place
from upriver.assets.project.files import ProjectFiles
from upriver.assets.project.layout import ROOM
from upriver.lineage.project.manifest import Described, Manifest, PythonModules, load_parts, trusted
from upriver.lineage.project.project import CACHE

if TYPE_CHECKING:
    from upriver.assets.support.spawned_process import Starter

DESCRIBE_TIMEOUT = 300.0
"""Seconds that loading a project's Python modules may take."""
_LIBRARIES = re.compile(rb"\b(?:asset|polars|pyarrow|pandas|duckdb)\b")
_MOST_ENDED = 5
"""So many modules that end the process are found one by one."""


Declared: TypeAlias = tuple[PythonModules, dict[str, tuple[CodePart, ...]] | None]
"""What the Python modules declare; with their code parts when they were loaded again or looked at closer."""


@contextmanager
def python_modules(
    root: Path, files: ProjectFiles, before: Manifest | None, starter: Callable[[], Starter] | None = None
) -> Iterator[Callable[[], Declared]]:
    """Begin to find out what the Python modules declare; call what is yielded to wait for it.

    Where a process has to load them (what *starter* gives starts it), there is time until then for other work. For
    modules that only declare sources, one that has imported libraries beforehand takes more than it saves.
    """
    known = _known(root, files, before)
    if known is not None:
        yield lambda: known
        return
    present = (*files.python, *files.helpers)
    digests = tuple(_digest_of(root / file.path) for file in present)
    prepared = starter() if starter is not None and _uses_libraries(root, files) else None
    with describing(root) if prepared is None else describing(root, prepared) as described:

        def declared() -> Declared:
            found = described()
            modules = msgspec.structs.replace(found.modules, files=present, digests=digests)
            if (problems := modules.failed.get(ROOM)) is not None:  # nothing is known of any module
                failed = dict.fromkeys((file.path for file in files.python), problems)
                modules = msgspec.structs.replace(modules, failed=failed)
            return modules, found.parts

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


def _uses_libraries(root: Path, files: ProjectFiles) -> bool:
    """Whether a Python file may declare recipes, or names a library that takes long to import."""
    for file in (*files.python, *files.helpers):
        try:
            if _LIBRARIES.search((root / file.path).read_bytes()):
                return True
        except OSError:
            return True
    return False


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
    """Load the project's Python modules in a process of their own; what is yielded waits for its report.

    A module that ends the process breaks itself only: the others are loaded again, without it.
    """
    if starter is None:
        from upriver.assets.support.spawned_process import Spawn  # most commands need no process

        starter = Spawn()
    with _loading(root, starter, {}) as report:
        yield lambda: _whole(root, starter, report())


def _whole(root: Path, starter: Starter, ended: _Ended) -> Described:
    """What is declared; modules that end the process are refused one after the other until the rest is known."""
    refused: dict[str, Diagnosis] = {}
    lost = False
    found = _report(ended)
    while isinstance(found, _Culprit):
        if ended.lost and not lost:
            lost = True  # what it was forked from was killed; there is another one
        elif found.module is None or found.module in refused or len(refused) == _MOST_ENDED:
            problems = (found.problem,)
            return _with_unseen(Described(PythonModules(failed={ROOM: problems}, diagnoses=problems), {}))
        else:
            refused[found.module] = found.problem
        with _loading(root, starter, refused) as report:
            ended = report()
        found = _report(ended)
    return _with_unseen(found) if refused else found


def _with_unseen(found: Described) -> Described:
    # Whatever ended it may not happen again, so this is not remembered.
    observed = msgspec.structs.replace(found.modules.observed, unseen=("its loading ended early",))
    return Described(msgspec.structs.replace(found.modules, observed=observed), found.parts)


class _Ended(NamedTuple):
    """What a process has left: what it told on its way, its report, what it printed, and how it ended."""

    told: list[bytes]
    data: bytes
    said: bytes
    code: int
    lost: bool


class _Culprit(NamedTuple):
    """The module during whose execution the process ended before it reported (None: not known which)."""

    module: str | None
    problem: Diagnosis


@contextmanager
def _loading(
    root: Path, starter: Starter, refused: Mapping[str, Diagnosis]
) -> Iterator[Callable[[], _Ended]]:
    import subprocess

    receive, send = os.pipe()
    try:
        process = starter.start(
            "upriver.lineage.project.describe_process",
            [str(root), *([msgspec.json.encode(refused).decode()] if refused else [])],
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


def _report(ended: _Ended) -> Described | _Culprit:
    """What the process has reported; else during what it ended."""
    from upriver.assets.support.redaction import Redactor

    try:
        return msgspec.json.decode(ended.data, type=Described)
    except msgspec.DecodeError:
        redactor = Redactor()
        executed: list[str] = []
        for line in ended.told:
            match msgspec.json.decode(line, type=tuple[str, str] | str | None):
                case (name, value):
                    redactor.add(name, value)
                case None:
                    executed.pop()
                case path:
                    executed.append(str(path))
        module = executed[-1] if executed else None
        what = "this module" if module else "the project's Python modules"
        problem = Diagnosis(
            "load-crashed",
            f"the process that loads {what} ended before it reported (exit code {ended.code})",
            None if module is None else Place(module),
            facts=tuple(redactor.hide(ended.said.decode("utf-8", "replace")).strip().splitlines()[-5:]),
            hint="something at module level ends the process or crashes it; move it into a function",
        )
        return _Culprit(module, problem)
