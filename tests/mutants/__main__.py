"""``python -m tests.mutants [MODULE…]``: which small changes of a module do its tests not notice?

Each mutant is tried on the tests that run its line, the fastest first, until one fails; those that survive are told,
with the command that tries them again. What can't make a difference is written down in ``equivalent.toml``, with the
reason, and not tried. ``modules.toml`` says which tests specify which module.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import tomllib
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.mutations import Mutant, mutants, reached_lines
from tests.mutants.trial import Copy, Known, begin, explore, kill, warm

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
_MEMORY = Path("/dev/shm")


@dataclass
class Report:
    """What became of the mutants of one module."""

    made: int
    killed: int
    equivalent: int
    survived: list[Mutant]
    unknown: list[str]
    """Mutants that ``equivalent.toml`` speaks of and that are not made (any more)."""


class Equivalent:
    """The mutants of *module* that are known to make no difference."""

    def __init__(self, module: str) -> None:
        entries = tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8")).get(module, [])
        self._known = {(entry["line"], now) for entry in entries for now in entry["mutants"]}
        self._met: set[tuple[str, str]] = set()

    def __contains__(self, mutant: Mutant) -> bool:
        """Whether *mutant* is one of them."""
        found = (mutant.before, mutant.now)
        if found in self._known:
            self._met.add(found)
        return found in self._known

    def unknown(self) -> list[str]:
        """What has not been asked for."""
        return [f"{before} -> {now}" for before, now in sorted(self._known - self._met)]


def try_all(module: str, files: Sequence[str], only: str, jobs: int) -> Report:
    """Try the mutants of *module* on the tests in *files*, those alone whose line has *only* in it."""
    text = (PROJECT / module).read_text(encoding="utf-8")
    equivalent = Equivalent(module)
    every = list(mutants(text))
    made = [mutant for mutant in every if mutant not in equivalent]
    unknown = equivalent.unknown()
    report = Report(len(every), 0, len(every) - len(made), [], unknown)
    with ExitStack() as stack:
        place = _MEMORY if _MEMORY.is_dir() else None
        copies = []
        for _ in range(jobs):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="upriver-mutants-", dir=place))
            copies.append(Copy(PROJECT, Path(folder)))
            copies[-1].forget(module)
        known = explore(copies[0], module, files)
        _try(module, text, [m for m in made if only in m.before], known, copies, report)
    return report


def _try(
    module: str, text: str, made: list[Mutant], known: Known, copies: Sequence[Copy], report: Report
) -> None:
    waiting, free = deque(made), list(copies)
    running: dict[int, tuple[Mutant, Copy, ExitStack, float]] = {}
    while waiting or running:
        while waiting and free:
            mutant = waiting.popleft()
            tests = known.of(reached_lines(text, mutant.line))
            if not tests:
                _survived(module, mutant, report, "no test runs it")
                continue
            copy, stack = free.pop(), ExitStack()
            stack.enter_context(copy.holding(module, mutant.text))
            limit = time.monotonic() + 20 + 5 * sum(known.seconds[test] for test in tests)
            running[begin(copy, tests)] = mutant, copy, stack, limit
        for child, (mutant, copy, stack, limit) in list(running.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            late = not ended and time.monotonic() > limit
            if late:
                kill(child)
            if ended or late:
                del running[child]
                stack.close()
                free.append(copy)
                if late or os.waitstatus_to_exitcode(status) != 0:
                    report.killed += 1
                else:
                    _survived(module, mutant, report, "")
        time.sleep(0.005)


def _survived(module: str, mutant: Mutant, report: Report, remark: str) -> None:
    report.survived.append(mutant)
    print(f"{module}:{mutant.line}: survived{f' ({remark})' if remark else ''}")
    print(f"  - {mutant.before}\n  + {mutant.now}", flush=True)


def main() -> int:
    """Try what was asked for. 1 when a mutant has survived."""
    config: dict[str, Any] = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="a part of a module's path (default: all)"
    )
    parser.add_argument("--line", default="", help="only mutants of lines with this text in them")
    parser.add_argument("--slow", action="store_true", help="on the slow tests as well")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    warm()
    alive = False
    for module, tests in config.items():
        if given.modules and not any(part in module for part in given.modules):
            continue
        begun = time.monotonic()
        files = [*tests["tests"], *(tests.get("slow", ()) if given.slow else ())]
        report = try_all(module, files, given.line, given.jobs)
        print(
            f"{module}: {report.made} mutants, {report.killed} killed, {report.equivalent} equivalent,"
            f" {len(report.survived)} survived ({time.monotonic() - begun:.0f} s)",
            flush=True,
        )
        for one in report.unknown:
            print(f"  in equivalent.toml, but not made: {one}")
        alive = alive or bool(report.survived or report.unknown)
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
