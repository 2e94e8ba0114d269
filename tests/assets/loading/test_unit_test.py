"""Unit tests as declared: what a file says, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.assets.loading.unit_test import Cell, UnitTestFile, parse_unit_tests, unit_test_paths

WHOLE = """# comment
asset: marts.x
given:
  a: [{id: 1, code: NO, name: 'null', when: ~, tags: [1, x], at: {lat: 1.5}}]
  b: rows.csv
expect: []
order: kept
variables: {least: 3}
clock: 2013-01-05
"""


def parsed(text: str) -> UnitTestFile:
    found = parse_unit_tests("tests/marts/x.yaml", text)
    assert found is not None
    return found


def test_values_stay_as_they_are_written() -> None:
    """``NO`` is no boolean and ``1.5`` no float: the type of the column decides. What is quoted is text."""
    (test,) = parsed(WHOLE).tests
    (row,) = test.given["a"].rows
    assert row.values == {
        "id": Cell("1"),
        "code": Cell("NO"),
        "name": Cell("null", quoted=True),
        "when": Cell(None),
        "tags": (Cell("1"), Cell("x")),
        "at": {"lat": Cell("1.5")},
    }
    assert (test.asset, test.name, test.ordered) == ("marts.x", "x", True)
    assert test.given["b"].file == "tests/marts/rows.csv"
    assert test.variables == {"least": "3"}
    assert test.clock == 1357344000.0
    assert str(test.given["a"].place) == "tests/marts/x.yaml:4:6"


def test_a_file_may_hold_several_tests() -> None:
    """Each a document of its own; those without a name are numbered."""
    found = parsed("asset: a\nexpect: []\n---\nasset: b\nname: other\nerror: x\n")
    assert [(one.asset, one.name) for one in found.tests] == [("a", "x 1"), ("b", "other")]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("asset: a\nexpects: []\nexpect: []", "2:10", "there is no option 'expects'"),
        ("asset: A b\nexpect: []", "1:8", "'A b' is no key"),
        ("asset: a", "1:1", "one of `expect:` and `error:` is needed"),
        ("asset: a\nexpect: []\nerror: x", "1:1", "it can't give rows and fail"),
        ("asset: a\nerror: '('", "2:8", "no regular expression"),
        ("asset: a\nexpect: []\norder: any", "3:8", "ignored or kept is expected, not 'any'"),
        ("asset: a\nexpect: []\nclock: noon", "3:8", "'noon' is no moment"),
        ("asset: a\nexpect: [1]", "2:10", "a row is expected"),
        ("asset: a\nexpect: {id: 1}", "2:9", "a list of rows"),
        ("asset: a\nexpect: ../../../etc/x.csv", "2:9", "is not inside the project"),
        ("asset: a\nexpect: /etc/x.csv", "2:9", "is not inside the project"),
        ("asset: a\nexpect: []\ngiven: {r: [{x: 1, x: 2}]}", "3:20", "'x' is given twice"),
        ("asset: a\nexpect: [", "3:1", "this is not valid YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, place: str, said: str) -> None:
    found = parsed(text if text.endswith("[") else f"{text}\n")
    assert not found.tests
    assert said in found.diagnoses[0].message
    if "YAML" not in said:
        assert str(found.diagnoses[0].place) == f"tests/marts/x.yaml:{place}"


def test_two_tests_of_one_name_are_told() -> None:
    found = parsed("asset: a\nname: n\nexpect: []\n---\nasset: a\nname: n\nexpect: []\n")
    assert "two tests of this file are called 'n'" in found.diagnoses[0].message


def test_other_yaml_files_are_none_of_its_business(tmp_path: Path) -> None:
    """A fixture of another tool, and what lies in hidden folders."""
    assert parse_unit_tests("tests/x.yaml", "cases:\n  - asset: a\n") is None
    (tmp_path / "tests" / ".cache").mkdir(parents=True)
    (tmp_path / "tests" / ".cache" / "a.yaml").write_text("asset: a")
    (tmp_path / "tests" / "b.yml").write_text("asset: a")
    assert list(unit_test_paths(tmp_path)) == ["tests/b.yml"]
