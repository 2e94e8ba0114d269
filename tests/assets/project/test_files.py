"""Finding a project's files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests.assets.conftest import Project

from upriver.assets.project.files import ProjectFile, discover


def paths(files: tuple[ProjectFile, ...]) -> list[str]:
    return [file.path for file in files]


def test_modules_are_below_assets_and_other_python_files_are_helpers(project: Project) -> None:
    for path in (
        *("assets/b.sql", "assets/a.py", "assets/marts/c.sql", "assets/marts/assets/d.py", "assets/x.txt"),
        *("assets/M.SQL", "lib/e.py", "f.py", "lib/assets/g.py", "lib/h.sql", "data/x.csv"),
    ):
        project.write(path, "")
    files = project.files
    assert paths(files.sql) == ["assets/M.SQL", "assets/b.sql", "assets/marts/c.sql"]
    assert paths(files.python) == ["assets/a.py", "assets/marts/assets/d.py"]
    assert paths(files.helpers) == ["f.py", "lib/assets/g.py", "lib/e.py"]
    assert files.config is not None
    assert not files.diagnoses


def test_hidden_folders_caches_and_virtual_environments_are_not_entered(project: Project) -> None:
    for folder in (
        ".git",
        ".upriver",
        ".venv",
        "node_modules",
        "__pycache__",
        "lib/site-packages",
        "assets/.x",
    ):
        project.write(f"{folder}/a.py", "")
        project.write(f"{folder}/a.sql", "")
    project.write("env/pyvenv.cfg", "")
    project.write("env/lib/a.py", "")
    project.write("assets/.hidden.sql", "")
    files = project.files
    assert not (*files.sql, *files.python, *files.helpers)


def test_stamps_are_those_of_the_file_system(project: Project) -> None:
    path = project.write("assets/a.sql", "select 1")
    (found,) = project.files.sql
    stat = path.stat()
    assert found == ProjectFile("assets/a.sql", 8, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    os.utime(path, ns=(1, 1))
    assert project.files.sql[0] != found


def test_a_project_without_assets_has_no_files_and_no_problems(project: Project) -> None:
    files = project.files
    assert (files.sql, files.python, files.helpers, files.diagnoses) == ((), (), (), ())


def test_a_root_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    (diagnosis,) = discover(tmp_path / "gone").diagnoses
    assert "can't be read: No such file" in diagnosis.message


def test_links_out_of_the_project_are_told(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.sql").write_text("select 1")
    project.write("assets/inside.sql", "select 1")
    (project.root / "assets" / "out.sql").symlink_to(outside / "x.sql")
    (project.root / "assets" / "gone.sql").symlink_to("nothing.sql")
    (project.root / "assets" / "folder").symlink_to(outside)
    (project.root / "assets" / "again.sql").symlink_to("inside.sql")
    (project.root / "helper.py").symlink_to(outside / "helper.py")
    (project.root / "data").symlink_to(outside)
    (project.root / "assets" / "data.csv").symlink_to(outside / "x.csv")
    files = project.files
    assert paths(files.sql) == ["assets/again.sql", "assets/inside.sql"]
    assert {(str(found.place), found.code) for found in files.diagnoses} == {
        ("assets/folder:1", "linked-folder"),
        ("assets/gone.sql:1", "broken-link"),
        ("assets/out.sql:1", "link-outside"),
        ("helper.py:1", "link-outside"),
    }
    assert all(found.hint or found.code == "broken-link" for found in files.diagnoses)


def test_a_link_to_an_own_folder_can_not_make_a_loop(project: Project) -> None:
    project.write("assets/a.sql", "select 1")
    (project.root / "assets" / "loop").symlink_to(project.root / "assets")
    files = project.files
    assert paths(files.sql) == ["assets/a.sql"]
    assert [found.code for found in files.diagnoses] == ["linked-folder"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_text_is_told_readably(project: Project) -> None:
    project.write("assets/a.sql", "select 1")
    Path(os.fsdecode(os.fsencode(project.root / "assets") + b"/\xff.sql")).write_text("select 1")
    (diagnosis,) = project.files.diagnoses
    assert str(diagnosis) == "assets/\\xff.sql:1: the name of this file is not UTF-8"


def test_folders_that_look_like_modules_are_folders(project: Project) -> None:
    project.write("assets/x.sql/y.sql", "select 1")
    assert paths(project.files.sql) == ["assets/x.sql/y.sql"]


def test_what_is_found_does_not_depend_on_how_the_root_is_written(project: Project, tmp_path: Path) -> None:
    project.write("assets/a.py", "")
    (tmp_path / "link").symlink_to(project.root)
    assert discover(tmp_path / "link") == project.files == discover(project.root / "assets" / "..")


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("version: 2\n\nmodels:\n  - name: orders\n", 3, "the header of each query"),
        ("sources:\n  - name: raw\n    tables:\n      - name: orders\n", 1, 'source("raw.orders"'),
        ("models:\n  - name: orders\n    columns:\n      - name: id\n", 1, "the header of each query"),
    ],
)
def test_a_properties_file_of_dbt_is_told_that_it_is_not_read(
    project: Project, text: str, line: int, hint: str
) -> None:
    """Its descriptions, tests and sources would be passed over in silence."""
    project.write("assets/marts/schema.yml", text)
    (found,) = project.files.diagnoses
    assert (found.code, str(found.place)) == ("foreign-file", f"assets/marts/schema.yml:{line}")
    assert hint in (found.hint or "")


@pytest.mark.parametrize("text", ["models:\n  - xgboost\n", "version: 2\n", "a: [1, 2]\n", "", "\x00\xff"])
def test_other_yaml_files_are_no_business_of_upriver(project: Project, text: str) -> None:
    """A recipe may read them."""
    project.write("assets/settings.yml", text)
    project.write("data/schema.yml", "version: 2\nmodels:\n  - name: a\n")
    assert project.files.diagnoses == ()
