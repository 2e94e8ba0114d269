"""What was denied becomes a grant, and a grant becomes paths and names in a trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.materializer.execution.local.denials import Act, Denied, denials_in, denials_of
from upriver.materializer.execution.local.grants import (
    Granted,
    given_by,
    grantable,
    granted_before,
    learned,
    values_of,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.txt", "parts/1.csv", "parts/2.csv", "parts/3.csv", ".upriver/state.db", "my dir/x y.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path.resolve()


def read(root: Path, name: str) -> Denied:
    """A read of *name* that was denied."""
    return Denied(Act.READ, f"{root}/{name}", str((root / name).resolve()))


def test_a_file_is_granted_by_its_name_and_by_where_it_leads(root: Path) -> None:
    (root / "link.txt").symlink_to("a.txt")
    granted = learned(Granted(), [read(root, "link.txt")], root)
    assert granted == Granted(files=("link.txt", "a.txt"))
    assert given_by(granted, (), root).files == (f"{root}/a.txt",)
    before = values_of(granted.names(), root)
    (root / "link.txt").unlink()
    (root / "link.txt").symlink_to("parts/1.csv")
    assert values_of(granted.names(), root) != before


def test_a_second_file_of_a_folder_grants_all_of_its_kind(root: Path) -> None:
    once = learned(Granted(), [read(root, "parts/1.csv")], root)
    twice = learned(once, [read(root, "parts/2.csv")], root)
    assert twice == Granted(patterns=("parts/*.csv",))
    assert given_by(twice, (), root).files == tuple(f"{root}/parts/{n}.csv" for n in (1, 2, 3))


def test_the_project_itself_is_shown_by_the_names_in_it_alone(root: Path) -> None:
    granted = learned(Granted(), [Denied(Act.LIST, str(root), str(root))], root)
    found = given_by(granted, (), root)
    assert (granted.names(), found.folders) == (("listing:.",), ())
    assert set(found.shown[str(root)]) == {"a.txt", "parts", "my dir"}


@pytest.mark.parametrize(
    "denied",
    [
        Denied(Act.READ, "{root}/.upriver/state.db", "{root}/.upriver/state.db"),
        Denied(Act.READ, "{root}/link", "{root}/.upriver/state.db"),
        Denied(Act.LIST, "{root}/.upriver", "{root}/.upriver"),
        Denied(Act.READ, "/etc/shadow", "/etc/shadow"),
        Denied(Act.READ, "{root}/link", "/etc/shadow"),
        Denied(Act.READ, "{root}x/a.txt", "{root}x/a.txt"),
        Denied(Act.MATCH, "{root}/*.csv", "{root}/*.csv"),
        Denied(Act.WRITE, "{root}/a.txt", "{root}/a.txt"),
        Denied(Act.CONNECT),
    ],
)
def test_nothing_else_can_be_granted(root: Path, denied: Denied) -> None:
    placed = Denied(
        denied.act, denied.path.replace("{root}", str(root)), denied.real.replace("{root}", str(root))
    )
    assert not grantable(placed, root)
    assert learned(Granted(), [placed], root) == Granted()


NAMES = st.lists(
    st.sampled_from(["a.txt", "parts/1.csv", "parts/2.csv", "parts/3.csv", "my dir/x y.csv"]), max_size=6
)


@given(NAMES)
def test_whatever_was_denied_is_readable_and_in_the_trace_afterwards(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    root = tmp_path_factory.mktemp("p").resolve()
    for name in ("a.txt", "parts/1.csv", "parts/2.csv", "parts/3.csv", "my dir/x y.csv"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    granted = Granted()
    for name in names:
        granted = learned(granted, [read(root, name)], root)
    readable = given_by(granted, (), root).files
    for number, name in enumerate(names):
        assert f"{root}/{name}" in readable
        before = values_of(granted.names(), root)
        (root / name).write_text(f"changed {number}")
        assert values_of(granted.names(), root) != before
    assert set(given_by(granted_before(granted.names(), (), root), (), root).files) == set(readable)


@pytest.mark.parametrize(
    "text",
    [
        "cat: parts/1.csv: Permission denied",
        "PermissionError: [Errno 13] Permission denied: '{root}/parts/1.csv'",
        'IO Error: Cannot open file "parts/1.csv": Permission denied',
        "Permission denied (os error 13): {root}/parts/1.csv",
        "Failed to open local file 'parts/1.csv'. Detail: [errno 13] Permission denied",
        "sqlite3.OperationalError: unable to open database: parts/1.csv",
        "first line\n  tool (parts/1.csv): permission denied, giving up",
    ],
)
def test_what_libraries_and_programs_say_of_a_denial_is_understood(root: Path, text: str) -> None:
    found = list(denials_in(text.replace("{root}", str(root)), str(root)))
    assert Denied(Act.READ, f"{root}/parts/1.csv", f"{root}/parts/1.csv", told=False) in found


def test_names_with_blanks_are_understood(root: Path) -> None:
    [found] = {one.real for one in denials_in("cat: my dir/x y.csv: Permission denied", str(root))}
    assert found == f"{root}/my dir/x y.csv"


def test_a_pattern_that_found_nothing_is_one(root: Path) -> None:
    found, *same = denials_in('IO Error: No files found that match the pattern "parts/*.csv"', str(root))
    assert set(same) <= {found}
    assert (found.act, found.real) == (Act.MATCH, f"{root}/parts/*.csv")


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    list(denials_in(f"{text}: permission denied", "/nowhere"))


def test_causes_of_an_error_and_members_of_a_group_are_looked_at(root: Path) -> None:
    denied = PermissionError(13, "Permission denied", "parts/1.csv")
    other = PermissionError(13, "Permission denied", f"{root}/a.txt")
    try:
        try:
            raise denied
        except OSError as error:
            raise ExceptionGroup("several", [ValueError("x"), other]) from error
    except ExceptionGroup as error:
        found = {one.real for one in denials_of(error, str(root))}
    assert found == {f"{root}/parts/1.csv", f"{root}/a.txt"}
