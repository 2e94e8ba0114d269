"""Runs tests in forks of one process that has imported what takes long: a mutant that is killed costs a second."""

from __future__ import annotations

import compileall
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest
from hypothesis import HealthCheck, Phase, settings

PARTS = ("assets", "lineage", "materializer", "tui")
_COPIED = (*PARTS, "tests", "sample_data", "pyproject.toml", "README.md")
_SLOW_IMPORTS = (
    "apsw", "duckdb", "hypothesis.stateful", "hypothesis.strategies", "msgspec", "polars", "pyarrow",
    "pyarrow.parquet", "sqlglot", "sqlglot.optimizer", "sqlglot.optimizer.qualify", "unittest.mock", "yaml",
    "_hypothesis_pytestplugin", "pytest_asyncio.plugin", "pytest_timeout",
)  # fmt: skip
_PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin")
_QUIET = (
    *(word for plugin in _PLUGINS for word in ("-p", plugin)),
    "-x", "-q", "-p", "no:cacheprovider", "--timeout=0", "--assert=plain", "--hypothesis-seed=0",
)  # fmt: skip
"""The same every time: what a test chooses at random must not decide whether a mutant lives. And nothing that takes
time: other plugins, and telling why an assertion fails.
"""


class Copy:
    """The project in a folder of its own, in which one module after another can be changed."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.folder = folder
        for name in _COPIED:
            copy = shutil.copytree if (project / name).is_dir() else shutil.copy
            copy(project / name, folder / name)
        for part in (*PARTS, "tests"):
            compileall.compile_dir(folder / part, quiet=2)

    @contextmanager
    def holding(self, module: str, text: str) -> Iterator[None]:
        """The module holds *text* meanwhile."""
        path = self.folder / module
        before = path.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")

    def forget(self, module: str) -> None:
        """Drop the byte code of a module that is going to be changed more than once a second."""
        path = self.folder / module
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()


@dataclass(frozen=True)
class Known:
    """What a run on the module as it is has told: the tests with their seconds, and those that run each line."""

    seconds: dict[str, float]
    by_line: dict[int, list[str]]

    def of(self, lines: Collection[int] | None) -> list[str]:
        """The tests that run one of *lines* (None: all of them), the fastest first."""
        if lines is None:
            return sorted(self.seconds, key=self.seconds.__getitem__)
        found = {test for line in lines for test in self.by_line.get(line, ())}
        return sorted(found & self.seconds.keys(), key=self.seconds.__getitem__)


def warm() -> None:
    """Import what the tests import and mutants don't change. No threads are started by it."""
    for name in _SLOW_IMPORTS:
        importlib.import_module(name)
    gc.freeze()


def explore(copy: Copy, module: str, files: Sequence[str]) -> Known:
    """Run all tests of *files* once. Raises RuntimeError when one fails: then nothing could be told of mutants."""
    answer = copy.folder / "explored.json"
    code = _wait(fork(copy, lambda: _explore(copy.folder / module, files, answer), quiet=False), 600)
    if code != 0:
        raise RuntimeError(f"tests fail although {module} is as it should be")
    seconds, by_line = json.loads(answer.read_text(encoding="utf-8"))
    return Known(seconds, {int(line): tests for line, tests in by_line.items()})


def begin(copy: Copy, tests: Sequence[str]) -> int:
    """The process id of a fork that runs *tests* in this order and ends with 0 when all pass."""
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    return fork(copy, lambda: int(pytest.main([*_QUIET, *files], plugins=[_Chosen(tests)])))


def fork(copy: Copy, work: Callable[[], int], *, quiet: bool = True) -> int:
    """The process id of a fork that has *copy* for its project, does *work* and ends with its answer."""
    child = os.fork()
    if child:
        return child
    code = 99
    try:
        os.setpgid(0, 0)
        if quiet:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
        _move_in(copy)
        code = work()
    finally:
        os._exit(code)
    raise AssertionError("not reached")


def _move_in(copy: Copy) -> None:
    project = Path(__file__).resolve().parents[2]
    own = [str(project), *(str(project / part) for part in PARTS)]
    roots = [str(copy.folder), *(str(copy.folder / part) for part in PARTS)]
    sys.path[:] = roots + [path for path in sys.path if path not in ("", *own)]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "upriver")]:
        del sys.modules[name]
    os.chdir(copy.folder)
    os.environ["PYTHONPATH"] = os.pathsep.join(roots)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["TMPDIR"] = str(copy.folder)
    sys.dont_write_bytecode = True
    settings.register_profile(
        "mutants",
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")


def _wait(child: int, seconds: float) -> int:
    ended, end = 0, time.monotonic() + seconds
    status = 0
    while not ended and time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    if not ended:
        kill(child)
        return 98
    return os.waitstatus_to_exitcode(status)


def kill(child: int) -> None:
    """End a fork and what it has started."""
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


class _Chosen:
    """Only these tests, in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._rank = {test: rank for rank, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self._rank), key=lambda i: self._rank[i.nodeid])


class _Watched:
    """Tells coverage which test runs, and takes the time."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._measured.switch_context(item.nodeid)
        begun = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - begun
        return result


def _explore(module: Path, files: Sequence[str], answer: Path) -> int:
    measured = coverage.Coverage(data_file=None, config_file=False, include=[str(module)])
    watched = _Watched(measured)
    measured.start()
    code = int(pytest.main([*_QUIET, *files], plugins=[watched]))
    measured.stop()
    lines = measured.get_data().contexts_by_lineno(str(module))
    answer.write_text(json.dumps((watched.seconds, lines)), encoding="utf-8")
    return code
