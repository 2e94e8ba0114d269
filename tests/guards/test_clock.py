"""Time is asked of a clock: nothing but what waits for the kernel asks the machine itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.guards.imports import ROOT

CLOCK = "materializer/upriver/materializer/storage/clock.py"
ALLOWED = {
    "materializer/upriver/materializer/automation/file_watch.py": "how long the kernel is waited for",
    CLOCK: "it is the machine's clock",
    "materializer/upriver/materializer/state/database.py": "SQLite's locks are held by other processes",
    "materializer/upriver/materializer/execution/local/pool.py": "the process of an attempt runs in real time",
    "materializer/upriver/materializer/execution/local/memory.py": "how long the kernel takes for its answers",
    "lineage/upriver/lineage/project/derive.py": "the default of what a context gives it",
    "assets/upriver/assets/support/fork_parent.py": "waits for processes to end",
    "assets/upriver/assets/support/forked_process.py": "waits for processes to end",
    "assets/upriver/assets/support/process_tree.py": "waits for processes to end",
    "assets/upriver/assets/support/supervised_process.py": "waits for processes to end",
}
"""The files that ask the machine for the time, and why they may."""

ASKED = {
    "time": {
        "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep",
    },
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
}  # fmt: skip


def asks(tree: ast.AST) -> Iterator[int]:
    """The lines at which the machine is asked for the time, or to wait."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="time"):
                yield node.lineno
            case ast.Attribute(attr=name, value=ast.Name(id=of) | ast.Attribute(attr=of)) if (
                name in ASKED.get(of, ())
            ):
                yield node.lineno


def asking() -> dict[str, list[int]]:
    """The files of the parts below the faces that ask the machine, with the lines."""
    files = (path for part in ("assets", "lineage", "materializer") for path in (ROOT / part).rglob("*.py"))
    found = {path: sorted(asks(ast.parse(path.read_text(encoding="utf-8")))) for path in files}
    return {path.relative_to(ROOT).as_posix(): lines for path, lines in found.items() if lines}


def test_only_what_waits_for_the_kernel_asks_the_machine_for_the_time() -> None:
    """All else is given a clock, which a test can set: see ``ports/clock.py``."""
    assert {path: lines for path, lines in asking().items() if path not in ALLOWED} == {}


def test_what_is_allowed_to_ask_does() -> None:
    """A file that asks no more has to go from the list."""
    assert set(ALLOWED) - set(asking()) == set()


def test_the_machines_clock_is_chosen_by_the_composition_alone() -> None:
    """Else a test's clock would be passed by. A default of an argument is no choice."""
    chosen = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "materializer").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call | ast.Attribute)
        for named in (node.func if isinstance(node, ast.Call) else node.value,)
        if isinstance(named, ast.Name) and named.id in {"SystemClock", "MACHINE"}
    }
    assert chosen - {CLOCK} == {"materializer/upriver/materializer/composition.py"}


def test_every_way_of_asking_is_noticed() -> None:
    code = """
from time import sleep
import time, datetime
time.sleep(1); clock = time.monotonic
datetime.datetime.now(); datetime.date.today(); date.today()
time.strftime("%H", time.localtime(moment)); datetime.fromtimestamp(moment); clock.now()
"""
    assert list(map(len, [[line for line in asks(ast.parse(code)) if line == n] for n in range(2, 7)])) == [
        1, 0, 2, 3, 0,
    ]  # fmt: skip
