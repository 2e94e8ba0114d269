"""Fresh state for a forked process: set once before foreign code runs, it makes the process like a new interpreter.

The fork parent collects it while it imports libraries (seeds that all forks would share, threads that no fork has);
the program of the new process does it once it is confined.
"""

from __future__ import annotations

from collections.abc import Callable

AFTER_FORK: list[Callable[[], None]] = []
"""To be called in each new process. Empty in an interpreter that was started for one."""


def begin_afresh() -> None:
    """Do it, unless it was done already."""
    functions, AFTER_FORK[:] = AFTER_FORK[:], []
    for function in functions:
        function()
