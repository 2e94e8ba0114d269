"""The table of faults names tests that there are, and every test against faults is in it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.ways import WAYS, table

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:tests/[\w/]+\.py)?)::(test_\w+)`")
NOT_FAULTS = {
    "test_a_build_survives_hundreds_of_kills",  # the soak of another
    "test_a_pool_limits_what_runs_together",
    "test_waiting_for_another_build_can_be_interrupted",
}


def named() -> set[tuple[str, str]]:
    """File and name of every test in the table; one without a file is in that of the test before it."""
    found, file = set(), ""
    for path, name in NAMED.findall((ROOT / "docs" / "faults.md").read_text(encoding="utf-8")):
        file = path or file
        found.add((file, name))
    return found


def test_every_way_to_read_is_in_its_table() -> None:
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert [row for row in table() if row not in text.splitlines()] == []
    assert len(WAYS) >= 60


def test_every_named_test_is_there() -> None:
    there = {
        (file, name)
        for file, name in named()
        if re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named() - there == set()


def test_every_test_against_faults_is_named() -> None:
    written = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / "tests" / "faults").glob("test_*.py")
        for name in re.findall(
            r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if name not in NOT_FAULTS
    }
    assert written - named() == set()
