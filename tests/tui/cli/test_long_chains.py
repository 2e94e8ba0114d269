"""Projects whose chains are longer than Python's stack is deep."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from upriver.tui.cli.main import main


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Assets that each read the one before, and the last of them."""
    root = tmp_path_factory.mktemp("chain")
    (root / "assets").mkdir()
    (root / "upriver.toml").write_text("")
    (root / "a.csv").write_text("x\n1\n")
    last = sys.getrecursionlimit() + 100
    for number in range(last + 1):
        above = f"t{number - 1}" if number else "'a.csv'"
        (root / "assets" / f"t{number}.sql").write_text(f"select x from {above}")
    return root, f"t{last}"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("why",), "t0"),
        (("lineage", "--upstream"), "t0"),
        (("lineage", "--upstream", "--format", "dot"), "t0"),
    ],
)
def test_the_far_end_of_a_chain_is_told(
    chain: tuple[Path, str], command: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root, last = chain
    name, *options = command
    assert main(["-C", str(root), name, last, *options]) == 0
    assert expected in capsys.readouterr().out


def test_plan_and_status_tell_all_of_it(chain: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    root, last = chain
    for command in ("plan", "status"):
        assert main(["-C", str(root), command]) == 0
        assert last in capsys.readouterr().out


def test_a_tree_that_would_leave_the_page_goes_on_as_another(
    chain: tuple[Path, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    root, _ = chain
    assert main(["-C", str(root), "lineage", "t20", "--upstream"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 60 for line in lines)
    (left,) = (line for line in lines if line.endswith("(see below)"))
    assert left.split()[-3] in lines  # the head of its own tree
    drawn = [line.split()[1] for line in lines if "─" in line]
    assert drawn[:-1] == [f"t{number}" for number in range(19, -1, -1)]
