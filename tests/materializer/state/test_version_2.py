"""A project that was built by the program of state version 2 goes on, and its goals are kept from then on."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from upriver.materializer.automation.model import GoalState
from upriver.materializer.model import Outcome, State
from upriver.materializer.session import Session

STORED = Path(__file__).parent / "version_2"


def test_what_was_made_is_there_and_observations_begin(tmp_path: Path) -> None:
    """Nothing is lost, and the first look at a goal remembers when it was taken."""
    root = tmp_path / "project"
    shutil.copytree(STORED / "project", root)
    shutil.copytree(STORED / "stored", root / ".upriver")
    (root / "upriver.toml").write_text('[goals]\ntotal = { fresh_within = "1h" }\n')
    with contextlib.closing(Session(root)) as session:
        assert [run.status for run in session.runs()] == ["success"]
        assert session.sql("from total").rows == ((1,),)
        assert session.build().assets[0].action in (Outcome.FRESH, Outcome.BUILT, Outcome.REUSED)
        assert {one.state for one in session.status()} == {State.FRESH}
        (goal,) = session.goals().goals
        assert goal.state is GoalState.ON_TIME
        assert session.context.state.observations("dev").keys() >= {
            ("total", session.context.state.history()[0].version.id)
        }
        assert session.pause_goals(["total"]) == ("total",)
        assert session.pause_goals(["total"], resume=True) == ("total",)
