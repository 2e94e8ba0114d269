"""What holds for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all others as slow."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix()
        if not any(place == one or place.startswith(f"{one}/") for one in QUICK):
            item.add_marker("slow")
