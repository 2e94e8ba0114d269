"""The SQL modules of a project, as the loader finds them: assets, and everything that is wrong with their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from upriver.assets.model import SqlRecipe
from upriver.lineage.project.derive import derive
from upriver.lineage.project.project import Project


def project(root: Path, files: Mapping[str, str | bytes]) -> Project:
    """The project with these files."""
    (root / "upriver.toml").write_text("[project]\nname = 'test'\n")
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return derive(root)


def test_sql_modules_of_a_project_are_loaded_and_all_problems_told(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        {
            "assets/a.sql": "select 1",
            "assets/marts/b.SQL": "select 1",
            "assets/c.sql": b"select 1,\n '\xff'",
            "assets/d.sql": "",
            "other/e.sql": "select 1",
        },
    )
    assert sorted(found.assets) == ["a", "marts.b"]
    assert [str(diagnosis) for diagnosis in found.diagnoses] == [
        "assets/c.sql:2: this file is not UTF-8 text: byte 0xff in this line",
        "assets/d.sql:1: there is no query in this file",
    ]


def test_line_ends_inside_the_query_stay_as_they_are(tmp_path: Path) -> None:
    text = b"/* upriver:\r\ntags: [x]\r\n*/\r\nselect 'a\r\nb'"
    found = project(tmp_path, {"assets/a.sql": text})
    assert found.assets["a"].recipe == SqlRecipe("select 'a\r\nb'", line=4)


@pytest.mark.parametrize("folder", ["", "a/"])
@pytest.mark.parametrize("name", ["Orders", "ORDERS", "ｏrders"])
def test_a_name_that_differs_only_in_case_or_form_is_told_with_the_other(
    tmp_path: Path, name: str, folder: str
) -> None:
    """Renamed as its path suggests, it would replace the other file."""
    paths = [f"assets/{folder}{stem}.sql" for stem in ("orders", name)]
    found = project(tmp_path, dict.fromkeys(paths, "select 1 as x"))
    assert list(found.assets) == [f"{folder}orders".replace("/", ".")]
    (diagnosis,) = found.diagnoses
    assert diagnosis.facts == (
        f"it differs from assets/{folder}orders.sql only in case or in the form of its letters",
    )
    assert diagnosis.hint == "keep one of them, or give them different names"


def test_two_unusable_names_that_differ_only_in_case_name_each_other(tmp_path: Path) -> None:
    found = project(tmp_path, {"assets/Ab.sql": "select 1", "assets/AB.sql": "select 1"})
    assert {diagnosis.hint for diagnosis in found.diagnoses} == {
        "keep one of them, or give them different names"
    }


def test_the_look_alike_is_told_when_the_other_file_comes_later(tmp_path: Path) -> None:
    """What was read before is not read again, and yet told with what is there now."""
    first = project(tmp_path, {"assets/Orders.sql": "select 1"})
    assert first.diagnoses[0].hint == "rename it to assets/orders.sql, or set `key:` in its header"
    second = project(tmp_path, {"assets/orders.sql": "select 1"})
    assert second.diagnoses[0].hint == "keep one of them, or give them different names"
