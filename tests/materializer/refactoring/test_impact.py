"""What changed columns do downstream, on real projects: judged by what is read, not by who reads."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.materializer.session import Session

RECIPES = {
    "base.sql": "select 1 as id, 2.5::double as price, 'x' as note",
    "everything.sql": "select * from base",
    "named.sql": "select id, price * 2 as double_price from base",
    "frame.py": (
        "import polars as pl\nfrom upriver.assets import asset\n@asset\n"
        "def frame(base: pl.LazyFrame) -> pl.LazyFrame:\n"
        "    return base.select(pl.col('id') + 1, half=pl.col('price') / 2)\n"
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "upriver.toml").touch()
    (tmp_path / "assets").mkdir()
    for name, text in RECIPES.items():
        (tmp_path / "assets" / name).write_text(text)
    session = Session(tmp_path)
    session.build()
    session.close()
    return tmp_path


def impacts(root: Path, base: str) -> set[tuple[str, str | None, str]]:
    (root / "assets/base.sql").write_text(base)
    session = Session(root)
    found = {(one.asset, one.column, one.effect) for one in session.impact()}
    session.close()
    return found


def test_a_dropped_column_that_only_a_star_reads_changes_only_what_the_star_gives(root: Path) -> None:
    assert impacts(root, "select 1 as id, 2.5::double as price") == {("everything", "note", "changes")}


def test_a_dropped_column_breaks_what_names_it(root: Path) -> None:
    found = impacts(root, "select 1 as id, 'x' as note")
    assert {("named", None, "breaks"), ("frame", None, "breaks")} <= found
    assert ("everything", "price", "changes") in found


def test_a_retyped_column_changes_the_columns_that_come_from_it(root: Path) -> None:
    found = impacts(root, "select 1 as id, 2.5::float as price, 'x' as note")
    assert found == {
        ("everything", "price", "changes"),
        ("named", "double_price", "changes"),
        ("frame", "half", "changes"),
    }


def test_a_renamed_column_is_told_with_its_heir(root: Path) -> None:
    impacts(root, RECIPES["base.sql"])
    (root / "assets/base.sql").write_text("select 1 as id, 2.5::double as cost, 'x' as note")
    session = Session(root)
    details = {one.because.detail for one in session.impact() if one.asset == "named"}
    session.close()
    assert details == {"dropped (was DOUBLE); cost is in its place"}


def test_nothing_changed_means_nothing(root: Path) -> None:
    assert impacts(root, RECIPES["base.sql"]) == set()


def test_of_a_broken_reader_the_lost_column_is_the_cause_and_a_retyped_one_only_a_change(root: Path) -> None:
    session = Session(root)
    (root / "assets/both.sql").write_text("select note, price * 2 as twice from base")
    session.build()
    session.close()
    found = impacts(root, "select 1 as id, 2.5::float as price")
    assert {one for one in found if one[0] == "both"} == {
        ("both", None, "breaks"),
        ("both", "twice", "changes"),
    }


def test_a_column_that_stands_elsewhere_changes_only_what_goes_by_position(root: Path) -> None:
    (root / "assets/stacked.sql").write_text("select id, price, note from base union all select * from base")
    session = Session(root)
    session.build()
    session.close()
    assert impacts(root, "select 'x' as note, 1 as id, 2.5::double as price") == {
        ("stacked", column, "changes") for column in ("id", "price", "note")
    }


def git(root: Path, *arguments: str) -> None:
    """Run git in *root* as somebody."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


def test_a_revision_is_compared_with_the_files_of_now(root: Path) -> None:
    git(root, "init")
    git(root, "add", "assets", "upriver.toml")
    git(root, "commit", "-m", "one")
    (root / "assets/base.sql").write_text("select 1 as id, 2.5::double as cost, 'x' as note")
    (root / "assets/frame.py").unlink()  # an asset that is gone breaks nothing that is not there
    (root / "assets/fresh.sql").write_text("select price from base")
    session = Session(root)
    found = {(one.asset, one.column, one.effect) for one in session.impact("HEAD")}
    session.close()
    assert {("named", None, "breaks"), ("fresh", None, "breaks")} <= found
    assert not any(asset == "frame" for asset, _, _ in found)


@pytest.mark.parametrize(
    ("revision", "says"),
    [
        ("nowhere", "has no revision 'nowhere'"),
        ("-x", "'-x' is not a git revision"),
        ("HEAD~3", "no revision"),
    ],
)
def test_a_revision_that_is_not_there_is_told(root: Path, revision: str, says: str) -> None:
    git(root, "init")
    git(root, "add", "assets", "upriver.toml")
    git(root, "commit", "-m", "one")
    session = Session(root)
    with pytest.raises(UsageError, match=says):
        session.impact(revision)
    session.close()


def test_a_revision_whose_project_can_not_be_read_is_told_as_such(root: Path) -> None:
    right = (root / "upriver.toml").read_text()
    (root / "upriver.toml").write_text("[project")
    git(root, "init")
    git(root, "add", "assets", "upriver.toml")
    git(root, "commit", "-m", "one")
    (root / "upriver.toml").write_text(right)
    session = Session(root)
    with pytest.raises(UsageError, match="the project of revision 'HEAD' can't be read"):
        session.impact("HEAD")
    session.close()


def test_without_a_repository_there_is_no_revision(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    session = Session(root)
    with pytest.raises(UsageError, match="in no git repository"):
        session.impact("HEAD")
    session.close()


def test_before_the_first_build_there_is_nothing_to_compare_with(root: Path) -> None:
    """Saying that nothing breaks would let every check of a fresh copy pass."""
    shutil.rmtree(root / ".upriver")
    session = Session(root)
    with pytest.raises(UsageError, match="nothing has been built yet"):
        session.impact()
    session.close()
