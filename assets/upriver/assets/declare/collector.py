"""Collector of declarations: they report to it while a project is loaded.

There is no registry: outside a load a wrong declaration raises, and a right one is just a value. During a
load (and only in the loading context) problems are collected instead, so that one run shows all of them, and
the declarations made are noted, so that one that got lost (a second function of the same name) is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from upriver.assets.errors import DeclarationError, Diagnosis


class Declared(Protocol):
    """An asset function or a source declaration."""

    @property
    def file(self) -> str:
        """The absolute path of the file that it stands in."""
        ...

    @property
    def line(self) -> int:
        """Its line there, from 1."""
        ...


class Collected:
    """What was declared, and what was wrong with it, during one load. Places have absolute paths."""

    def __init__(self) -> None:
        self.declared: list[Declared] = []
        self.problems: list[Diagnosis] = []


_current: ContextVar[Collected | None] = ContextVar("upriver_collected", default=None)


@contextmanager
def collecting() -> Iterator[Collected]:
    """Collect what is declared in this context instead of raising."""
    collected = Collected()
    token = _current.set(collected)
    try:
        yield collected
    finally:
        _current.reset(token)


def report(problems: Sequence[Diagnosis]) -> None:
    """Say what is wrong with a declaration: raises DeclarationError, except while a project is loaded."""
    if not problems:
        return
    collected = _current.get()
    if collected is None:
        raise DeclarationError(problems)
    collected.problems.extend(problems)


def note(declared: Declared) -> None:
    """Tell the load that is going on, if any, of a declaration."""
    collected = _current.get()
    if collected is not None:
        collected.declared.append(declared)
