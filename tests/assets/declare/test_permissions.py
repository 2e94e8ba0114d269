"""What a recipe may touch besides what it is handed: ``reads``, ``writes``, ``network``, ``processes``, ``environment``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets import asset
from upriver.assets.declare.paths import base_folder, read_pattern, write_pattern
from upriver.assets.errors import DeclarationError
from upriver.assets.loading.sql_module import parse_sql_module
from upriver.assets.model import Permissions


def test_permissions_are_read_to_plain_paths() -> None:
    declared = asset(
        reads=["config/*.json", "./lookup//rates.csv"],
        writes="out/report.json",
        network=True,
        processes=True,
        environment=["AWS_*", "RATE"],
    )(lambda: 1)
    assert declared.options.permissions == Permissions(
        ("config/*.json", "lookup/rates.csv"), ("out/report.json",), True, True
    )
    assert declared.options.environment == ("AWS_*", "RATE")


WRONG = [
    ({"reads": "/models/x.bin"}, "reads: '/models/x.bin' is not in the project", "[build] allow_read"),
    ({"reads": "~/x.bin"}, "reads: '~/x.bin' is not in the project", "[build] allow_read"),
    ({"reads": "../x.csv"}, "reads: '../x.csv' leads out of the project", ""),
    ({"reads": "a/../.."}, "leads out of the project", ""),
    ({"reads": ["."]}, "is the whole project", "name folders and files"),
    ({"reads": [".upriver/store/*"]}, "is Upriver's own", "through its assets"),
    ({"reads": [" "]}, "is no path", ""),
    ({"reads": ["a\0b"]}, "is no path", ""),
    ({"reads": ["./~/x"]}, "begins with '~'", "rename"),
    ({"reads": [1]}, "a path or pattern is expected, not 1", ""),
    ({"writes": ["report.json"]}, "is in no folder of its own", "'out/*.json'"),
    ({"writes": ["*/x.json"]}, "is in no folder of its own", "'out/*.json'"),
    ({"writes": ["/x.json"]}, "is in no folder of its own", "'out/*.json'"),
    ({"writes": ["assets/x.json"]}, "is among the project's modules", "'out'"),
    ({"writes": [".upriver/x/y"]}, "is Upriver's own", "written"),
    ({"network": "yes"}, "network: true or false is expected", ""),
    ({"processes": 1}, "processes: true or false is expected", ""),
    ({"environment": ["*"]}, "would be all variables", "name them"),
    ({"environment": ["AWS-*"]}, "'AWS-*' is no variable name", ""),
]


@pytest.mark.parametrize(("options", "said", "hint"), WRONG)
def test_a_wrong_permission_is_explained(options: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        asset(**options)(lambda: 1)
    [diagnosis] = caught.value.diagnoses
    assert said in diagnosis.message
    assert hint in str(diagnosis)


PARTS = st.text("ab.*?[]~", min_size=1, max_size=4)


@given(st.lists(PARTS, min_size=1, max_size=4).map("/".join))
def test_no_pattern_reaches_out_of_the_project_or_into_what_is_uprivers(text: str) -> None:
    for read in (read_pattern, write_pattern):
        try:
            plain = read(text)
        except ValueError:
            continue
        assert plain == read(plain)
        assert ".." not in plain.split("/")
        assert not plain.startswith(("/", ".upriver/"))


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        ("a.csv", ""),
        ("a/b.csv", "a"),
        ("a/*.csv", "a"),
        ("a/*/c.csv", "a"),
        ("a/**/c", "a"),
        ("*", ""),
        ("/x/y.csv", "/x"),
        ("/x", "/"),
    ],
)
def test_all_that_a_pattern_can_mean_lies_in_its_folder(pattern: str, folder: str) -> None:
    assert base_folder(pattern) == folder


def test_in_a_query_they_are_refused_with_their_reason() -> None:
    parsed = parse_sql_module("assets/a.sql", "/* upriver:\nreads: [config/a.json]\n*/\nselect 1 as x")
    assert isinstance(parsed, tuple)
    [diagnosis] = parsed
    assert "reads is for Python assets" in str(diagnosis)
