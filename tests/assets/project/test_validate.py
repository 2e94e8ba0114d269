"""Keys that are declared twice, and settings that are missing."""

from __future__ import annotations

import pytest
from tests.assets.conftest import Project

from upriver.assets.project.config import read_config
from upriver.assets.project.validate import check_settings


def test_the_same_key_in_two_places_is_one_diagnosis_naming_both(project: Project) -> None:
    project.write("assets/marts/x.sql", "select 1")
    project.module("assets/marts/m.py", "@asset\ndef x(): ...\n")
    assert [str(diagnosis) for diagnosis in project.diagnoses()] == [
        "assets/marts/x.sql:1: 'marts.x' is declared twice\n"
        "  the other declaration is at assets/marts/m.py:2\n"
        "  hint: rename one of them"
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"assets/a.sql": "select 1", "assets/b/a.sql": "/* upriver: {key: a} */ select 1"}, "'a' is declared twice"),
        ({"assets/m.py": "source('a', 'x.csv')\nsource('a', 'y.csv')\n"}, "'a' is declared twice"),
        ({"assets/a.sql": "select 1", "assets/m.py": "source('a', 'x.csv')\n"}, "as an asset and as a source"),
        ({"assets/a.sql": "select 1", "assets/main/a.sql": "select 1"}, "'main.a' and 'a' are the same name"),
    ],
)  # fmt: skip
def test_every_pair_of_declarations_is_compared(project: Project, files: dict[str, str], said: str) -> None:
    for path, text in files.items():
        (project.module if path.endswith(".py") else project.write)(path, text)
    diagnosis, *others = project.diagnoses()
    assert said in diagnosis.message
    # Two names that are one to the engine are two keys, and neither can be used.
    assert {one.key for one in (diagnosis, *others)} == ({"a", "main.a"} if "main.a" in said else {"a"})
    assert {one.code for one in (diagnosis, *others)} == {"duplicate-key"}


def test_a_key_declared_three_times_is_told_twice(project: Project) -> None:
    project.module("assets/m.py", "for name in 'xyz': source('a', name + '.csv')\n")
    assert len(project.diagnoses()) == 2


@pytest.mark.parametrize("schema", ["temp", "system", "information_schema", "pg_catalog"])
def test_schemas_of_the_engine_are_reserved(project: Project, schema: str) -> None:
    project.write(f"assets/{schema}/a.sql", "select 1")
    project.write(f"assets/marts/{schema}.sql", "select 1")
    project.write(f"assets/{schema}.sql", "select 1")
    (diagnosis,) = project.diagnoses()
    assert (
        diagnosis.message
        == f"the key '{schema}.a' can't begin with '{schema}', which names something of DuckDB's own"
    )


def test_variables_and_pools_must_be_in_the_configuration(project: Project) -> None:
    project.write("upriver.toml", "[variables]\nregion = 'eu'\n[pools]\napi = 2\n")
    module = """
        @asset(variables=["regoin"], pool="db")
        def a(): ...
        @asset(variables=["region"], pool="api")
        def b(): ...
        """
    project.module("assets/m.py", module)
    config, _ = read_config(project.root)
    assets = project.sound_python().assets
    assert [str(diagnosis) for diagnosis in check_settings(assets, config)] == [
        "assets/m.py:3: asset 'a': upriver.toml has no 'regoin' in [variables]\n  hint: did you mean 'region'?",
        "assets/m.py:3: asset 'a': upriver.toml has no 'db' in [pools]\n  hint: add `db = 2` to [pools]",
    ]


def test_everything_wrong_in_a_project_is_told_at_once(project: Project) -> None:
    project.write("assets/Bad.sql", "select 1")
    project.write("assets/header.sql", "/* upriver:\ntgas: [x]\n*/ select 1")
    project.write("assets/x.sql", "select 1")
    project.module("assets/raises.py", "1 / 0\n")
    project.module("assets/syntax.py", "def f(:\n")
    project.module("assets/m.py", "@asset\ndef x(): ...\n@asset(timeout='soon')\ndef y(): ...\n")
    (project.root / "assets" / "out.sql").symlink_to("/etc/hosts")
    assert sorted(diagnosis.code for diagnosis in project.diagnoses()) == [
        "bad-key",
        "bad-value",
        "duplicate-key",
        "link-outside",
        "module-raises",
        "syntax",
        "unknown-option",
    ]
