"""Whatever goes wrong in one asset's analysis is that asset's failure, with words; the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column
from upriver.lineage.analysis.analyzer import AnalysisCache, Analyzer
from upriver.lineage.model import Analysis
from upriver.lineage.project.derive import derive
from upriver.lineage.project.project import Project
from upriver.lineage.sql.parse import parse
from upriver.lineage.sql.plan import binder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "upriver.toml").write_text("[project]\nname = 'test'\n")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/good.sql").write_text("select 1 as a")
    (tmp_path / "assets/bad.sql").write_text("select a + 41 as b from good")
    return tmp_path


def analyzer(project: Project, folder: Path) -> Analyzer:
    def planner() -> object:
        raise AssertionError("no Python here")

    return Analyzer(project, AnalysisCache(folder / "cache"), planner)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [RecursionError("deep"), KeyError("x"), AssertionError(), MemoryError()])
def test_an_error_in_the_walk_over_a_plan_is_the_asset_s_failure(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from upriver.lineage.sql.plan.walk import walked

    def failing(context: object, plan: object) -> object:
        if "41" in str(plan):
            raise error
        return walked(context, plan)  # type: ignore[arg-type]

    monkeypatch.setattr(binder, "walked", failing)
    found = derive(project)
    one = analyzer(found, project)
    bad = one.analyze("bad", {"good": (Column("a", "INTEGER"),)})
    assert isinstance(bad, Diagnosis)
    assert bad.message.startswith(f"bad can't be analysed: {type(error).__name__}")
    assert (bad.key, str(bad.place)) == ("bad", "assets/bad.sql:1")
    assert isinstance(one.analyze("good", {}), Analysis)


def test_an_error_while_a_query_is_read_is_told_of_this_query(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from upriver.lineage.sql.parse.canonical import canonical_tree as canonical

    def failing(statement: object, text: str) -> str:
        if "41" in text:
            raise ZeroDivisionError
        return canonical(statement, text)  # type: ignore[arg-type]

    monkeypatch.setattr(parse, "canonical_tree", failing)
    found = derive(project)
    assert list(found.assets) == ["good"]
    (problem,) = found.diagnoses
    assert problem.message == "the query can't be read: ZeroDivisionError: "
    assert problem.key == "bad"
