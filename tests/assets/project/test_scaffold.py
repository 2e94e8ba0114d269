"""The project that ``upriver init`` writes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from upriver.assets.errors import UsageError
from upriver.assets.loading.load import load_python
from upriver.assets.model import FileLocation, SqlRecipe
from upriver.assets.project.config import find_project, read_config
from upriver.assets.project.files import discover
from upriver.assets.project.scaffold import write_bare, write_project
from upriver.lineage.project.derive import derive


def test_it_is_a_project_in_which_nothing_is_wrong(tmp_path: Path) -> None:
    written = write_project(tmp_path / "new" / "shop", "shop")
    root = find_project(tmp_path / "new" / "shop" / "assets")
    assert set(written) == {path for path in root.rglob("*") if path.is_file()}
    config, problems = read_config(root)
    assert config.name == "shop"
    project = derive(root)
    assert (problems, project.diagnoses) == ((), ())
    assert sorted(project.assets) == [
        "marts.best_customers",
        "marts.revenue_by_country",
        "staging.orders",
    ]
    assert sorted(project.sources) == ["raw.customers", "raw.orders"]
    assert all(found.description for found in project.assets.values())
    assert all(found.description for found in project.sources.values())


def test_its_queries_and_its_function_run(tmp_path: Path) -> None:
    write_project(tmp_path, "shop")
    files = discover(tmp_path)
    assets = derive(tmp_path).assets.values()
    loaded = load_python(tmp_path, files)
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create schema staging")
        for found in loaded.sources:
            assert isinstance(found.location, FileLocation)
            files_sql = tmp_path / found.location.patterns[0]
            connection.execute(f"create table {found.key} as from '{files_sql}'")
        queries = {found.key: found.recipe.text for found in assets if isinstance(found.recipe, SqlRecipe)}
        connection.execute(f"create table staging.orders as {queries['staging.orders']}")
        assert len(connection.execute(queries["marts.revenue_by_country"]).fetchall()) == 5
        orders = connection.sql("from staging.orders").pl()
    best = loaded.functions["marts.best_customers"](orders.lazy())
    assert isinstance(best, pl.LazyFrame)
    assert best.collect()["name"].to_list() == ["Emmy", "Blaise", "Ada"]


def test_nothing_is_overwritten_and_the_files_in_the_way_are_named(tmp_path: Path) -> None:
    (tmp_path / "upriver.toml").write_text("mine")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "sources.py").symlink_to("nowhere")
    (tmp_path / "other.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"are there already: upriver.toml, assets/sources.py$"):
        write_project(tmp_path, "shop")
    assert (tmp_path / "upriver.toml").read_text() == "mine"
    assert not (tmp_path / "data").exists()


def test_an_existing_gitignore_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine")
    assert tmp_path / ".gitignore" not in write_project(tmp_path, "shop")
    assert (tmp_path / ".gitignore").read_text() == "mine"


def test_a_file_where_a_folder_is_needed_is_told(tmp_path: Path) -> None:
    (tmp_path / "assets").write_text("")
    with pytest.raises(UsageError, match=r"can't write .*assets"):
        write_project(tmp_path, "shop")


@pytest.mark.parametrize("name", ['it\'s "quoted" \\ here', "ü", "a\tb", ""])
def test_any_line_of_text_is_a_name(tmp_path: Path, name: str) -> None:
    if name.isprintable() and name:
        write_project(tmp_path, name)
        assert read_config(tmp_path)[0].name == name
    else:
        with pytest.raises(UsageError, match="a project's name is a line of text"):
            write_project(tmp_path, name)


def test_a_bare_project_has_nothing_in_it_and_nothing_wrong(tmp_path: Path) -> None:
    """The settings, what git is to ignore, and a folder for the assets."""
    written = write_bare(tmp_path / "shop", "shop")
    assert sorted(path.name for path in written) == [".gitignore", "upriver.toml"]
    assert (tmp_path / "shop" / "assets").is_dir()
    project = derive(tmp_path / "shop")
    assert (project.config.name, project.diagnoses, project.graph.order) == ("shop", (), ())
