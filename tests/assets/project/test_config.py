"""``upriver.toml``."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assets.conftest import Project

from upriver.assets.errors import UsageError
from upriver.assets.project.config import AllowedRead, Config, Environment, find_project, locate, read_config


def test_everything_that_can_be_said(project: Project) -> None:
    project.write(
        "upriver.toml",
        """\
        [project]
        name = "flights"

        [variables]
        region = "eu"
        year = 2013
        full = false

        [pools]
        api = 2

        [build]
        jobs = 4
        memory = "8GB"
        isolation = "observed"
        allow_read = ["/models/", { path = "/big", stat = true }]

        [secrets]
        API_KEY = "/run/secrets/key"

        [environments.prod.variables]
        region = "us"

        [environments.test]
        """,
    )
    config, diagnoses = read_config(project.root)
    assert not diagnoses
    assert config == Config(
        name="flights",
        variables={"region": "eu", "year": 2013, "full": False},
        pools={"api": 2},
        jobs=4,
        memory=8 * 10**9,
        isolation="observed",
        allow_read=(AllowedRead("/models"), AllowedRead("/big", stat=True)),
        secrets={"API_KEY": "/run/secrets/key"},
        environments={"prod": Environment({"region": "us"}), "test": Environment()},
    )


@pytest.mark.parametrize("text", ["", "\ufeff", "# nothing\n"])
def test_an_empty_file_is_enough(project: Project, text: str) -> None:
    project.write("upriver.toml", text)
    assert read_config(project.root) == (Config(name="project"), ())


def test_everything_that_is_wrong_is_told_at_its_line(project: Project) -> None:
    project.write(
        "upriver.toml",
        """\
        [project]
        nmae = "flights"
        name = 3
        [pool]
        api = 2
        [build]
        jobs = "many"
        memory = 512
        [variables]
        since = 2024-01-01
        "a b" = 1
        [secrets]
        API_KEY = "s3cret\\n"
        [pools]
        db = 0
        [environments]
        prod = { variabls = 1 }
        """,
    )
    config, diagnoses = read_config(project.root)
    assert config == Config(name="project", environments={"prod": Environment()})
    assert [(diagnosis.place.line, diagnosis.message) for diagnosis in diagnoses if diagnosis.place] == [
        (4, "there is no section or setting 'pool'"),
        (2, "[project] has no 'nmae'"),
        (3, "project.name: a line of text is expected, not 3"),
        (7, "build.jobs: a whole number from 1 to 10,000 is expected, not 'many'"),
        (8, "build.memory: 512 is less than 1 MiB; is the unit missing? Write it like '512MB' or '2GiB'"),
        (11, "'a b' is no name for [variables]: letters, digits and underscores"),
        (
            10,
            "variables.since: text, a number, true or false is expected, not datetime.date(2024, 1, 1); "
            "put dates in quotes",
        ),
        (15, "pools.db: a whole number from 1 to 10,000 is expected, not 0"),
        (
            13,
            "secrets.API_KEY: the path of a file is expected; the secret itself belongs in .upriver/secrets/NAME",
        ),
        (17, "[environments.prod] has no 'variabls'"),
    ]
    hints = [diagnosis.hint for diagnosis in diagnoses if diagnosis.hint]
    assert hints == ["did you mean 'pools'?", "did you mean 'name'?", "did you mean 'variables'?"]


def test_a_section_that_is_no_table_is_told(project: Project) -> None:
    project.write("upriver.toml", "pools = 3\nbuild = 'x'\n[environments]\nprod = 3\n")
    _, diagnoses = read_config(project.root)
    assert [str(diagnosis) for diagnosis in diagnoses] == [
        "upriver.toml:1: [pools] is a table, not 3",
        "upriver.toml:2: [build] is a table, not 'x'",
        "upriver.toml:4: [environments.prod] is a table, not 3",
    ]


def test_a_syntax_error_is_shown_with_a_caret(project: Project) -> None:
    project.write("upriver.toml", "[project]\nname = \n")
    _, (diagnosis,) = read_config(project.root)
    assert str(diagnosis) == dedent("""\
        upriver.toml:2:8: upriver.toml is not valid TOML: invalid value
          2 | name =\x20
            |        ^""")


@given(st.text(max_size=40))
def test_any_text_is_a_configuration_or_a_diagnosis(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    root = tmp_path_factory.mktemp("any")
    (root / "upriver.toml").write_text(text, encoding="utf-8", newline="")
    config, diagnoses = read_config(root)
    assert config.name == root.name or text
    assert all(diagnosis.place for diagnosis in diagnoses)


def test_a_file_that_is_not_text_is_told(project: Project) -> None:
    project.write("upriver.toml", b"[project]\nname = '\xff'\n")
    _, (diagnosis,) = read_config(project.root)
    assert "is not UTF-8 text" in diagnosis.message


@pytest.mark.parametrize(
    ("at", "line"),
    [
        (("a", "b"), 2),
        (("a", "c", "d"), 3),
        (("e", "f", "g"), 5),
        (("e", "q r"), 6),
        (("t", "u", "v"), 7),
        (("t", "u"), 7),
        (("t",), 7),
        (("x", "y"), 1),
    ],
)
def test_a_setting_is_found_in_its_line(at: tuple[str, ...], line: int) -> None:
    text = "[a]\nb = 1\nc.d = 2\n[e]\nf = { g = 1 }\n'q r' = 1\n[t.u]\nv = 1\n".replace("v = 1\n", "")
    assert locate(text, at) == line


def test_a_project_is_found_from_any_folder_in_it(project: Project) -> None:
    deep = project.write("assets/marts/x.sql", "").parent
    assert find_project(deep) == project.root
    assert find_project(project.root) == project.root


def test_where_there_is_none_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no upriver\.toml in .* or above; `upriver init` makes a project"):
        find_project(tmp_path)
    with pytest.raises(UsageError, match=r"can't look for a project in .*gone: No such file"):
        find_project(tmp_path / "gone")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'isolation = "enforce"',
            'build.isolation: "enforced" or "observed" is expected, not \'enforce\'; did you mean',
        ),
        ("isolation = true", "is expected, not True"),
        ('allow_read = "/models"', "build.allow_read: a list of paths"),
        ('allow_read = ["models"]', "'models' is no absolute path; files of the project are named by reads="),
        ('allow_read = ["{root}/data"]', "lies in the project; name it by reads="),
        ('allow_read = ["{root}/.."]', "holds the project"),
        ('allow_read = ["/"]', "holds the project"),
        (
            'allow_read = [{ path = "/m", stats = true }]',
            "'stats' is not known here; possible are path, stat",
        ),
        ('allow_read = [{ path = "/m", stat = 1 }]', "true or false for stat is expected, not 1"),
        ("allow_read = [1]", "a path, or { path = "),
    ],
)
def test_wrong_permissions_are_explained_at_their_line(project: Project, line: str, said: str) -> None:
    """And count as not given."""
    project.write("upriver.toml", "[build]\n" + line.replace("{root}", str(project.root)) + "\n")
    config, [diagnosis] = read_config(project.root)
    assert said in diagnosis.message
    assert diagnosis.place is not None
    assert diagnosis.place.line == 2
    assert (config.isolation, config.allow_read) == (None, ())
