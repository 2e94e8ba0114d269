"""``upriver init``: an empty project, and one over the data that is there, which is built at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.cli.test_whole import upriver

from upriver.assets.project.templates import TEMPLATES
from upriver.tui.cli.arguments import Parser
from upriver.tui.cli.commands import init


def test_a_project_over_data_is_built_by_the_same_command(tmp_path: Path) -> None:
    """One command from a folder of files to tables that can be asked."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "orders.csv").write_text("order_id,Ordered On,amount\n1,2026-01-02,3.5\n2,2026-01-03,4\n")
    (data / "notes.txt").write_text("x")
    done = upriver(tmp_path, "init", "--from", "data")
    assert done.code == 0, done
    assert "one per order_id" in done.out
    assert "data/notes.txt: its ending" in done.out
    assert "1 built" in done.out
    table = upriver(
        tmp_path, "sql", "select ordered_on, amount from staging.orders order by 1", "--json"
    ).document
    assert [tuple(row.values()) for row in table] == [("2026-01-02", 3.5), ("2026-01-03", 4.0)]
    assert upriver(tmp_path, "status", "--check").code == 0


def test_data_outside_of_the_project_is_named_by_its_whole_path(tmp_path: Path) -> None:
    """The project may lie elsewhere."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("id\n1\n2\n")
    done = upriver(tmp_path, "init", "shop", "--from", "data")
    assert done.code == 0, done
    assert f'"{tmp_path}/data/a.csv"' in (tmp_path / "shop" / "assets" / "sources.py").read_text()
    assert upriver(tmp_path / "shop", "status", "--check").code == 0


def test_nothing_is_written_when_there_is_no_data_or_something_is_in_the_way(tmp_path: Path) -> None:
    """Wrong usage, with what to do."""
    (tmp_path / "data").mkdir()
    done = upriver(tmp_path, "init", "shop", "--from", "data")
    assert (done.code, "no table was found in data" in done.err) == (2, True)
    assert not (tmp_path / "shop").exists()
    assert upriver(tmp_path, "init", "--bare").code == 0
    (tmp_path / "data" / "a.csv").write_text("id\n1\n2\n")
    done = upriver(tmp_path, "init", "--from", "data")
    assert (done.code, "upriver.toml" in done.err) == (2, True)
    assert not (tmp_path / "assets" / "sources.py").exists()


def test_a_bare_project_can_be_asked_and_built(tmp_path: Path) -> None:
    """It has nothing in it, and nothing is wrong with it."""
    assert upriver(tmp_path, "init", "shop", "--bare").code == 0
    assert upriver(tmp_path / "shop", "status").code == 0
    assert upriver(tmp_path / "shop", "build").code == 0


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_builds_passes_its_tests_and_is_fresh(name: str, tmp_path: Path) -> None:
    """And its assets and sources say what they are."""
    assert upriver(tmp_path, "init", "made", "--template", name).code == 0
    made = tmp_path / "made"
    built = upriver(made, "build", "--json")
    assert built.code == 0, built
    assert {one["action"] for one in built.document["assets"]} == {"built"}
    tested = upriver(made, "test")
    assert tested.code == 0, tested
    status = upriver(made, "status", "--check", "--json")
    assert status.code == 0, status
    assert (made / "tests").is_dir()


def test_every_template_can_be_asked_for() -> None:
    """The option lists those that there are, without loading them."""
    parser = Parser("init")
    init.configure(parser)
    (option,) = (one for one in parser.actions() if one.dest == "template")
    assert option.choices is not None
    assert set(option.choices) == set(TEMPLATES)
