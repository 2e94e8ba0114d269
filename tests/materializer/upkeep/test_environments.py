"""Which environments there are, and how one goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from upriver.assets.errors import BusyError, UsageError
from upriver.materializer.model import Run, RunStatus, State
from upriver.materializer.session import Session

Open = Callable[..., Session]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the project in an environment."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text(
        '[project]\nname = "p"\n[variables]\nbad = 0\n[environments.staging.variables]\nbad = 1\n'
    )
    (tmp_path / "assets" / "a.sql").write_text("select 1 as x\n")
    (tmp_path / "assets" / "b.sql").write_text(
        "select case when getvariable('bad') = 1 then error('boom') else x end as x from a\n"
    )
    with ExitStack() as stack:
        yield lambda name="dev": stack.enter_context(closing(Session(tmp_path, name)))


def test_an_unknown_environment_is_refused_with_a_suggestion(opened: Open) -> None:
    """Known are the default, those declared, and those that were built in."""
    for known in ("dev", "staging"):
        opened(known).require_environment()
    with pytest.raises(UsageError, match=r"no environment 'stagin'; did you mean 'staging'.*(?s:.*)--create"):
        opened("stagin").require_environment()
    opened("prod").build(["a"])
    opened("prod").require_environment()
    with pytest.raises(UsageError, match=r"known: dev, staging, prod"):
        opened("other").require_environment()


def test_asking_makes_nothing(opened: Open) -> None:
    session = opened()
    assert [entry.name for entry in session.environments()] == ["dev", "staging"]
    assert not (session.context.folder / "state.db").exists()


def test_environments_are_listed_with_what_they_hold_and_what_builds_them(opened: Open) -> None:
    opened("prod").build(["a"])
    session = opened()
    state = session.context.state
    lease = state.acquire(Run("r1", RunStatus.RUNNING, 0.0, environment="prod"))
    assert [
        (one.name, one.default, one.declared, one.nodes, one.running) for one in session.environments()
    ] == [
        ("dev", True, False, 0, ()),
        ("prod", False, False, 1, ("r1",)),
        ("staging", False, True, 0, ()),
    ]
    with pytest.raises(BusyError, match="run r1 of environment prod"):
        session.remove_environment("prod")
    lease.release()


def test_a_removed_environment_is_unknown_and_holds_nothing(opened: Open) -> None:
    """What was made in it can be taken again for as long as gc keeps it; a rebuilt state does not bring it back."""
    opened("prod").build(["a"])
    session = opened()
    assert session.remove_environment("prod") == 1
    with pytest.raises(UsageError, match="no environment 'prod'"):
        opened("prod").require_environment()
    with pytest.raises(UsageError, match="no environment 'prod'"):
        session.remove_environment("prod")
    assert [one.state for one in opened("prod").status(["a"])] == [State.MISSING]
    session.context.close()
    (session.context.folder / "state.db").unlink()
    session.fsck(repair=True)
    assert [entry.name for entry in opened().environments()] == ["dev", "staging"]
    assert [one.asset for one in opened().history()] == ["a"]


def test_the_default_environment_stays(opened: Open) -> None:
    with pytest.raises(UsageError, match="default environment"):
        opened().remove_environment("dev")


def test_failures_belong_to_an_environment(opened: Open) -> None:
    """What failed in one was never tried in another, and a success elsewhere does not forgive it."""
    assert opened("staging").build().status is RunStatus.FAILED
    assert {one.asset: one.state for one in opened().status()} == {"a": State.MISSING, "b": State.MISSING}
    assert opened().build().status is RunStatus.SUCCESS
    found = {one.asset: one for one in opened("staging").status()}
    assert found["b"].state is State.FAILED
    assert "boom" in str(found["b"].error)
