"""What computes an asset is part of what it depends on: another engine may give other rows for the same query."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from upriver.assets.identity import Node
from upriver.lineage.project.project import Project
from upriver.materializer.composition import LocalParts, open_context
from upriver.materializer.context import Context
from upriver.materializer.engines.duckdb import DuckDBEngine
from upriver.materializer.freshness.decide import FRESH, Subject, decide, own_reasons, verifies
from upriver.materializer.model import PYTHON, Action, Cause, Materialization, Outcome, State, Trace, Version
from upriver.materializer.ports import Engine, Places
from upriver.materializer.session import Session
from upriver.tui.present.words import reason_text

FUNCTION = """
import polars as pl
from upriver.assets import asset

@asset
def halves(doubled: pl.LazyFrame) -> pl.LazyFrame:
    return doubled.select(pl.col("a") // 2)
"""


class OtherEngine(DuckDBEngine):
    """An engine of another identity that speaks the same SQL."""

    def identity(self) -> str:
        return "other"


class OtherParts(LocalParts):
    """This machine with the other engine."""

    def engine(self, project: Project, places: Places) -> Engine:
        return OtherEngine([self._folder / "store"], None)

    def engine_identity(self) -> str:
        return "other"


def with_other_engine(root: Path) -> Session:
    session = Session(root)
    session.context.close()
    session.context = Context(root, "dev", session.context.clock, OtherParts)
    return session


def outcomes(session: Session) -> dict[str, Outcome]:
    return {one.asset: one.action for one in session.build().assets}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "upriver.toml").touch()
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/doubled.sql").write_text("select unnest(range(5)) * 2 as a")
    (tmp_path / "assets/halves.py").write_text(FUNCTION)
    session = Session(tmp_path)
    assert set(outcomes(session).values()) == {Outcome.BUILT}
    session.close()
    return tmp_path


def test_what_another_engine_would_compute_is_stale_and_says_so(built: Path) -> None:
    session = with_other_engine(built)
    steps = {step.asset: step for step in session.plan().steps}
    assert steps["doubled"].action is Action.BUILD
    (reason,) = steps["doubled"].reasons
    assert reason.kind is Cause.ENGINE
    assert reason_text(reason, "doubled") == "another engine computes it (computed by duckdb, now other)"
    assert session.why("doubled").chain[0].root
    session.close()


def test_a_build_computes_it_again_once_and_python_recipes_are_not_concerned(built: Path) -> None:
    """The content turns out to be the same, so nothing downstream of it is built."""
    session = with_other_engine(built)
    assert outcomes(session) == {"doubled": Outcome.BUILT, "halves": Outcome.FRESH}
    assert outcomes(session) == {"doubled": Outcome.FRESH, "halves": Outcome.FRESH}
    records = session.context.state.current("dev")
    assert records[Node("doubled")].trace.engine == "other"
    assert records[Node("halves")].trace.engine == PYTHON
    session.close()


def test_the_first_engine_takes_what_it_has_computed_before(built: Path) -> None:
    """A trace verifies under the engine that it tells of: going back is reuse."""
    other = with_other_engine(built)
    other.build()
    other.close()
    session = Session(built)
    assert outcomes(session)["doubled"] is Outcome.REUSED
    session.close()


def test_the_identity_is_told_without_an_engine_and_is_the_engines(tmp_path: Path) -> None:
    (tmp_path / "upriver.toml").touch()
    context = open_context(tmp_path, "dev")
    told = context.parts.engine_identity()
    assert told == context.engine().identity()
    context.close()


RECORD = Materialization("m", "t", None, "run", Trace("r", "", ()), Version("v", (), 0, 0), 0.0, 1.0)


def older(record: Materialization) -> Materialization:
    """*record* as a program wrote it that knew of no engines."""
    fields = msgspec.to_builtins(record)
    del fields["trace"]["engine"]
    return msgspec.json.decode(msgspec.json.encode(fields), type=Materialization)


@pytest.mark.parametrize("engine", ["duckdb", PYTHON])
def test_records_of_before_engines_were_told_stay_fresh(engine: str) -> None:
    """DuckDB ran every query then."""
    subject = Subject(Node("t"), "r", (), engine=engine)
    record = older(RECORD)
    assert record == RECORD
    assert decide(subject, record, {}, None, today="", artifact_there=True) == FRESH  # type: ignore[arg-type]


def test_a_record_of_before_is_stale_and_no_candidate_under_another_engine() -> None:
    subject = Subject(Node("t"), "r", (), engine="other")
    verdict = decide(subject, older(RECORD), {}, None, today="", artifact_there=True)  # type: ignore[arg-type]
    assert verdict.state is State.STALE
    assert [reason.kind for reason in verdict.reasons] == [Cause.ENGINE]
    assert not verifies(subject, RECORD.trace, {}, None, today="")  # type: ignore[arg-type]


def test_a_query_rewritten_in_python_is_told_by_its_code_alone() -> None:
    trace = Trace("r", "", (), engine="duckdb")
    reasons = list(own_reasons(Subject(Node("t"), "other", ()), trace, None, ""))  # type: ignore[arg-type]
    assert [reason.kind for reason in reasons] == [Cause.RECIPE]
