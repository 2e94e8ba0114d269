"""What holds for all tests."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.heavy import PARTS, in_ci, lacking
from tests.servers.postgres import PostgresServer, running

# How long an example takes depends on what else the machine does.
settings.register_profile("unhurried", deadline=None)
# A change is refused for what it breaks, not for the luck of a draw: CI draws the same examples each time. By hand and
# in the soak they differ from run to run.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "unhurried")

# The projects of the tests are their own; tests/tui/cli/test_consent.py takes this away.
os.environ["UPRIVER_ALLOW"] = "1"
# Builds note that they were allowed, which is nothing for the home of the person who runs the tests.
os.environ["XDG_STATE_HOME"] = os.devnull

QUICK = (
    "assets/declare", "assets/project", "assets/support/test_redaction.py", "guards", "lineage/columns",
    "lineage/sql/parse", "lineage/sql/text", "materializer/execution/test_scheduler.py",
    "materializer/freshness/test_decide.py", "materializer/freshness/test_decider.py",
    "materializer/freshness/test_stages.py", "materializer/state/test_contract.py",
    "materializer/test_selection.py", "tui/cli/test_text.py", "tui/cli/test_tables.py", "tui/present",
)  # fmt: skip
"""What `make quick` runs, below this folder: tests that take no worker processes, no screens and no oracles."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one for all tests of a process; each makes its own database."""
    with running() as server:
        yield server


def pytest_configure(config: pytest.Config) -> None:
    """In CI nothing may be skipped that can be had."""
    if in_ci() and (
        absent := [why for name, part in PARTS.items() if part.installed and (why := lacking(name))]
    ):
        raise pytest.UsageError("CI runs every suite, but these can't run here:\n  " + "\n  ".join(absent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a heavy part that is not installed; mark as slow what is not quick."""
    here = Path(__file__).parent
    absent = {name: why for name in PARTS if (why := lacking(name)) is not None}
    for item in items:
        for mark in item.iter_markers():
            if mark.name in absent:
                item.add_marker(pytest.mark.skip(reason=absent[mark.name]))
        place = item.path.relative_to(here).as_posix()
        if not any(place == one or place.startswith(f"{one}/") for one in QUICK):
            item.add_marker("slow")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the suites that did not run, once each."""
    told = {why: name for name in PARTS if (why := lacking(name)) is not None}
    skipped = Counter(
        why
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple)
        and (why := report.longrepr[2].removeprefix("Skipped: ")) in told
    )
    if skipped:
        terminalreporter.section("suites that did not run")
        for why, count in sorted(skipped.items()):
            terminalreporter.line(f"{why}: {count} skipped")
