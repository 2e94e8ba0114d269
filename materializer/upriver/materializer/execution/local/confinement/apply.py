"""Confining the present process, once and for ever, before any foreign code is in it."""

from __future__ import annotations

import importlib.machinery
import os
import platform
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache

from upriver.assets.model import Value
from upriver.materializer.execution.local.confinement import capabilities, landlock, seccomp
from upriver.materializer.execution.local.confinement.policy import (
    SYSTEM,
    Grants,
    Interpreter,
    Policy,
    Rule,
    contains,
    interpreter_rules,
    policy,
)


class Offer(Value, frozen=True):
    """Whether reads can be enforced here. Where not, *cause* says why; *missing* is what the kernel can't restrict."""

    enforced: bool
    cause: str = ""
    missing: tuple[str, ...] = ()


@cache
def offer() -> Offer:
    """What this machine can enforce."""
    files, calls = landlock.offered(), seccomp.offered()
    if files.abi < 1:
        return Offer(False, files.cause)
    if not calls.possible:
        return Offer(False, calls.cause)
    return Offer(True, missing=files.missing)


class ConfinementError(OSError):
    """This process could not be confined; nothing foreign may run in it."""


def confine(grants: Grants, root: str) -> Policy:
    """Confine this process to *grants*, the interpreter and the system. Raises ConfinementError.

    It must have one thread. What it has open stays open.
    """
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise ConfinementError(f"a process with {threads} threads can't be confined: one would stay free")
    own = f"/proc/{os.getpid()}"
    # Held open for ever: the right hangs on the kernel's object for this folder, which lives while it is open.
    os.open(own, os.O_PATH | os.O_CLOEXEC)
    made = policy(base_rules(root), grants, own)
    try:
        landlock.restrict(made.rules, network=made.network)
        capabilities.give_up()
        seccomp.install(network=made.network)
    except OSError as error:
        raise ConfinementError(f"this process could not be confined: {error.strerror}") from error
    return made


def prepare() -> None:
    """Find out what is the same for all projects, for a process that forks many to be confined."""
    if offer().enforced:
        _rules_of_any_project()
        for network in (False, True):
            seccomp.program(platform.machine(), network=network)


@cache
def base_rules(root: str) -> tuple[Rule, ...]:
    """What every attempt of the project at *root* may read."""
    here = this_interpreter()
    entries = {*here.prefixes, *here.libraries, *here.path, *here.programs, *here.system}
    if not any(contains(entry, root) or contains(root, entry) for entry in entries):
        return _rules_of_any_project()
    return interpreter_rules(root, here, _names, _importable)


@cache
def _rules_of_any_project() -> tuple[Rule, ...]:
    """What an attempt may read where the project has nothing to do with where Python and the system are."""
    return interpreter_rules("/dev/null/project", this_interpreter(), _names, _importable)


@cache
def this_interpreter() -> Interpreter:
    """Where the running Python has its programs and libraries."""
    prefixes = _resolved([sys.base_prefix, sys.prefix, sys.base_exec_prefix, sys.exec_prefix])
    kinds = ("stdlib", "platstdlib", "purelib", "platlib", "include", "scripts")
    libraries = [sysconfig.get_path(kind) for kind in kinds]
    libraries += [os.path.dirname(os.path.realpath(sys.executable)), os.path.dirname(os.__file__)]  # noqa: PTH120
    packages = [*libraries, *(entry for entry in sys.path if entry.endswith("-packages"))]
    return Interpreter(
        prefixes=prefixes,
        system=_resolved(SYSTEM),
        libraries=_resolved([*libraries, *_linked(_resolved(packages))]),
        path=_resolved([*sys.path, *_redirected()]),
        programs=_resolved(os.environ.get("PATH", "").split(os.pathsep)),
    )


def _resolved(paths: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(os.path.realpath(path) for path in paths if path))


def _linked(folders: Iterable[str]) -> Iterator[str]:
    """The packages in *folders* that are links: some installers keep one copy of each for all environments."""
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            yield from (entry.path for entry in entries if entry.is_symlink())


def _redirected() -> Iterator[str]:
    """Where editable installs that are no entries of ``sys.path`` point: their finders map names to paths."""
    for finder in sys.meta_path:
        home = sys.modules.get(getattr(finder, "__module__", ""))
        if home is None or home.__name__.startswith(("_frozen_importlib", "upriver.", "importlib")):
            continue
        for held in (vars(home), getattr(finder, "__dict__", {})):
            for mapping in list(held.values()):
                if isinstance(mapping, dict):
                    yield from _absolute(mapping)


def _absolute(mapping: dict[object, object]) -> Iterator[str]:
    for value in mapping.values():
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, str) and one.startswith("/"):
                with suppress(ValueError):
                    if os.path.exists(one):  # noqa: PTH110 -- plain strings throughout
                        yield one


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


_CODE = (*importlib.machinery.SOURCE_SUFFIXES, *importlib.machinery.EXTENSION_SUFFIXES)


def _importable(folder: str) -> Iterator[str]:
    """Modules in *folder*, and all that is code in its packages."""
    for name in _names(folder):
        path = f"{folder}/{name}"
        if name.endswith(_CODE):
            yield os.path.realpath(path)
        elif os.path.isfile(f"{path}/__init__.py"):  # noqa: PTH113
            for inner, _, files in os.walk(path):
                yield from (os.path.realpath(f"{inner}/{file}") for file in files if file.endswith(_CODE))
