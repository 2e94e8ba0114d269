"""Projects that were built by the programs of state versions 3 and 4 go on: checks are held against what was made, what
was refused stays refused, and contents are put in numbers.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from upriver.materializer.automation.model import GoalState
from upriver.materializer.model import CheckOutcome, Outcome, State
from upriver.materializer.session import Session

STORED = Path(__file__).parent


def restored(root: Path, version: int) -> Path:
    shutil.copytree(STORED / f"version_{version}" / "project", root)
    shutil.copytree(STORED / f"version_{version}" / "stored", root / ".upriver")
    return root


def test_what_version_3_has_made_is_checked_without_being_made_again(tmp_path: Path) -> None:
    """Its goals are kept, a new check runs on what is served, and what fails it is told."""
    root = restored(tmp_path / "project", 3)
    query = (root / "assets" / "total.sql").read_text()
    with contextlib.closing(Session(root)) as session:
        assert [run.status for run in session.runs()] == ["success"]
        assert session.sql("from total").rows == ((1,),)
        assert {one.state for one in session.goals().goals} <= {
            GoalState.ON_TIME,
            GoalState.DUE,
            GoalState.OVERDUE,
        }
        (root / "assets" / "total.sql").write_text(
            f"/* upriver:\nchecks:\n  - row_count: {{min: 1}}\n  - expression: total > 1\n*/\n{query}"
        )
        (result,) = session.build().assets
        assert result.action is Outcome.FAILED
        assert {one.check: one.outcome for one in result.checks} == {
            "row_count": CheckOutcome.PASSED,
            "expression(total > 1)": CheckOutcome.FAILED,
        }
        assert session.sql("from total").rows == ((1,),)
        assert session.profile("total").columns[0].high == "1"
        assert len(session.context.state.profiles("total")) == 1


def test_what_version_4_has_refused_stays_refused(tmp_path: Path) -> None:
    """By its verdicts: no check runs again, and readers see the last good content."""
    root = restored(tmp_path / "project", 4)
    with contextlib.closing(Session(root)) as session:
        assert {one.state for one in session.status(["total"])} == {State.FAILED}
        assert session.refused("total").checks == ("expression(amount < 5)",)
        assert session.offenders("total", "expression(amount < 5)").rows == ((7,),)
        assert session.sql("from total").rows == ((1,),)
        (result,) = session.build().assets
        assert result.action is Outcome.FAILED
        assert not any(one.ran for one in result.checks)
        assert session.profile("total").rows == 1
