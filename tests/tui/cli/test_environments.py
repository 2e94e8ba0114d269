"""``upriver env``, and ``--env`` with a name that nobody knows."""

from __future__ import annotations

import pytest
from tests.tui.cli.conftest import Run
from tests.tui.cli.scripted import ScriptedSession

from upriver.assets.errors import UsageError


def test_environments_are_listed_with_what_builds_in_them(run: Run) -> None:
    done = run("env", "list")
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines()] == [
        ["environment", "assets", "building"],
        ["dev", "3", "default"],
        ["prod", "12", "declared", "run", "20240501-120000-aaaaaa"],
    ]
    assert run("env", "list", "--json").document == {
        "environments": [
            {"name": "dev", "default": True, "declared": False, "assets": 3, "running": []},
            {
                "name": "prod",
                "default": False,
                "declared": True,
                "assets": 12,
                "running": ["20240501-120000-aaaaaa"],
            },
        ]
    }


def test_an_environment_is_removed_by_name(session: ScriptedSession, run: Run) -> None:
    done = run("env", "remove", "prod")
    assert (done.code, done.out) == (
        0,
        "removed prod: 12 assets forgotten; `upriver gc` drops what only it needed\n",
    )
    assert run("env", "remove", "prod", "--json").document == {"name": "prod", "removed": True, "assets": 12}
    assert ("remove_environment", "prod") in session.calls


@pytest.mark.parametrize(
    ("words", "told"),
    [(("remove",), "which environment?"), (("list", "x"), "takes no name"), (("drop",), "drop")],
)
def test_what_is_not_understood_is_told(
    session: ScriptedSession, run: Run, words: tuple[str, ...], told: str
) -> None:
    done = run("env", *words)
    assert done.code == 2
    assert told in done.err
    assert session.calls == []


def test_a_name_is_looked_up_unless_it_may_be_new(session: ScriptedSession, run: Run) -> None:
    """The default environment is always there."""
    for words in (("status",), ("status", "--env", "dev"), ("status", "--env", "try", "--create")):
        assert run(*words).code == 0
    assert ("require_environment",) not in session.calls
    assert run("status", "--env", "prod").code == 0
    assert session.calls[-2] == ("require_environment",)
    session.error = UsageError("there is no environment 'prodd'; did you mean 'prod'?")
    done = run("build", "--env", "prodd")
    assert (done.code, "did you mean 'prod'?" in done.err) == (2, True)
