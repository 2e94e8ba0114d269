"""Where a project is, where a command is started and in which time zone is nobody's business but the person's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import pytest
from tests.acceptance.command import ENVIRONMENT, Project, run


def names_in_warehouse(project: Project) -> list[str]:
    """What another program reads from the warehouse."""
    with duckdb.connect(project.warehouse, read_only=True) as db:
        return [row[0] for row in db.execute("select name from marts.best_customers").fetchall()]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_path_is_data_whatever_it_holds(tmp_path: Path) -> None:
    """Spaces, quotes, brackets and stars, in the project's path and in a feed's."""
    folder = tmp_path / 'it\'s "mine" [old] * {x} 100% é'
    folder.mkdir()
    assert run("init", "shop", folder=folder).code == 0
    shop = Project(folder / "shop")
    orders = shop.root / "data/orders"
    (orders / "2026-02.csv").rename(orders / "[2026] '2' *.csv")
    (orders / "[2026] '2' *.csv").with_name("decoy.txt").write_text("none of our business")
    assert set(shop.build().values()) == {"built"}
    assert shop.build() == {}
    assert shop.read("sql", "select count(*) as n from raw.orders") == [{"n": 8}]
    assert names_in_warehouse(shop) == ["Emmy", "Blaise", "Ada"]
    assert shop.run("fsck").code == 0


def test_a_moved_project_is_as_fresh_as_before(shop: Project, tmp_path: Path) -> None:
    """Nothing is rebuilt, and after a `build` other programs find the tables at the new place."""
    moved = Project(Path(shutil.move(shop.root, tmp_path / "moved")))
    assert moved.plan() == {}
    assert moved.build() == {}
    assert names_in_warehouse(moved) == ["Emmy", "Blaise", "Ada"]
    assert moved.run("fsck").code == 0


def test_a_command_finds_the_project_from_inside_and_through_a_link(shop: Project, tmp_path: Path) -> None:
    """The same project, with the same state."""
    (tmp_path / "link").symlink_to(shop.root, target_is_directory=True)
    states = run("status", "--json", folder=shop.root).document
    assert run("status", "--json", folder=shop.root / "assets/marts").document == states
    assert run("-C", "link", "status", "--json", folder=tmp_path).document == states
    assert run("-C", "link", "build", "--json", folder=tmp_path).document["assets"][0]["action"] == "fresh"


def test_a_time_zone_changes_no_content(shop: Project, tmp_path: Path) -> None:
    """The same query on the same data gives the same rows on every machine."""
    query = "select cast(timestamptz '2026-01-01 00:00:00+00' as varchar) as at, cast(max(ordered_on) as timestamptz)"
    shop.write("assets/marts/moments.sql", f"{query} as last from raw.orders\n")
    rows = []
    for zone in ("UTC", "Asia/Tokyo"):
        done = run(
            "build", "--force", "marts.moments", folder=shop.root, environment=ENVIRONMENT | {"TZ": zone}
        )
        assert done.code == 0
        rows.append(shop.read("sql", "from marts.moments"))
    assert rows[0] == rows[1]
