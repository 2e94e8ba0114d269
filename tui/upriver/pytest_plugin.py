"""pytest plugin: the unit tests of an Upriver project (``tests/**/*.yaml`` with ``asset:``), collected beside others.

It ships with Upriver and does nothing outside a project: a file belongs to the nearest folder above it that holds
``upriver.toml``, and counts when it is below that folder's ``tests/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from upriver.assets.loading.unit_test import UnitTest
    from upriver.materializer.session import Session

_SESSIONS: pytest.StashKey[dict[Path, Session]] = pytest.StashKey()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file of unit tests."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    root = next((folder for folder in file_path.parents if (folder / "upriver.toml").is_file()), None)
    if root is None or file_path.relative_to(root).parts[0] != "tests":
        return None
    from upriver.assets.loading.unit_test import read_unit_tests

    if read_unit_tests(root, file_path.relative_to(root).as_posix()) is None:
        return None
    return _File.from_parent(parent, path=file_path)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the projects that were opened."""
    for session in config.stash.get(_SESSIONS, {}).values():
        session.close()


class _File(pytest.File):
    """A file of unit tests."""

    def collect(self) -> Iterator[pytest.Item]:
        from upriver.assets.loading.unit_test import read_unit_tests

        root = next(folder for folder in self.path.parents if (folder / "upriver.toml").is_file())
        found = read_unit_tests(root, self.path.relative_to(root).as_posix())
        assert found is not None
        for problem in found.diagnoses:
            raise self.CollectError(str(problem))
        for test in found.tests:
            yield _Item.from_parent(self, name=f"{test.asset}[{test.name}]", root=root, test=test)


class _Failed(Exception):
    """A unit test that did not pass; its text is the whole report."""


class _Item(pytest.Item):
    """One unit test."""

    def __init__(self, *, root: Path, test: UnitTest, **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._root = root
        self._test = test

    def runtest(self) -> None:
        """Run it by itself: pytest has chosen it."""
        from upriver.materializer.quality.unit_test_report import UnitTestOutcome
        from upriver.tui.present.spans import Page, paint
        from upriver.tui.present.text.unit_tests import result_lines

        report = self._session().test(paths=[self._test.place.path], name=self._test.name)
        for one in report.tests:
            if one.outcome is not UnitTestOutcome.PASSED:
                lines = result_lines(one, Page(None, ascii=False))
                raise _Failed("\n".join(paint(line, colour=False) for line in lines))

    def _session(self) -> Session:
        from upriver.materializer.session import Session

        sessions = self.config.stash.setdefault(_SESSIONS, {})
        if self._root not in sessions:
            sessions[self._root] = Session(self._root)
        return sessions[self._root]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The report of the test instead of a traceback of the plugin."""
        if isinstance(excinfo.value, _Failed):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is declared."""
        return self.path, self._test.place.line - 1, self.name
