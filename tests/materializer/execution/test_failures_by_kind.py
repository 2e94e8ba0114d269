"""Failures by kind: rules that try again, what stands in for what failed, and the circuit of the loop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.materializer.execution.test_scheduler import Scene

from upriver.assets.declare.retry import read_retry
from upriver.assets.execution import Execution, Retry
from upriver.assets.model import Key
from upriver.materializer.automation.assess import CIRCUIT, assess
from upriver.materializer.automation.model import GoalCause
from upriver.materializer.execution.attempt import AttemptFailed
from upriver.materializer.execution.retrying import again, cause_of, is_transient
from upriver.materializer.model import Cause, Outcome, State
from upriver.materializer.session import Session

RULES = read_retry(
    [
        {"on": "TimeoutError|HTTP 5..", "times": 3, "backoff": "10s"},
        {"on": "memory", "times": 2, "more": 1.5},
    ]
)


@pytest.mark.parametrize(
    ("error", "tried", "rule"),
    [
        ("urllib: HTTP 503", {}, 0),
        ("urllib: HTTP 503", {0: 2}, 0),
        ("urllib: HTTP 503", {0: 3}, None),
        ("it used 300 MiB, more than its memory limit of 100 MiB", {}, 1),
        ("Out of Memory Error: could not allocate", {1: 2, 0: 1}, None),
        ("ValueError: no", {}, None),
    ],
)
def test_the_first_rule_that_is_about_it_decides(
    error: str, tried: dict[int | None, int], rule: int | None
) -> None:
    """Each counts for itself; what none is about has no retries here."""
    found = again(Execution(retry=RULES), error, tried, 0.0, final=False)
    assert (None if found is None else found.rule) == rule
    if rule == 1:
        assert found is not None
        assert (found.more, found.alone) == (1.5, True)


def test_what_no_rule_is_about_has_its_retries() -> None:
    """As before there were rules; what would fail again is not tried again."""
    execution = Execution(retries=1, retry=RULES)
    assert again(execution, "ValueError", {}, 0.0, final=False) is not None
    assert again(execution, "ValueError", {None: 1}, 0.0, final=False) is None
    assert again(execution, "HTTP 503", {}, 0.0, final=True) is None


@pytest.mark.parametrize(
    "given",
    [
        "soon",
        [{"on": "x"}],
        [{"on": "(", "times": 1}],
        [{"on": "x", "times": 0}],
        [{"on": "x", "times": 1, "more": 2}],
        [{"on": "memory", "times": 1, "more": 0.5}],
        [{"onn": "x", "times": 1}],
    ],
)
def test_rules_that_are_wrong_are_refused_with_words(given: object) -> None:
    with pytest.raises(ValueError, match=r"\w+ "):
        read_retry(given)


def test_a_failure_of_memory_is_tried_alone_with_more() -> None:
    """Nothing begins beside it, and it is not starved by what is small."""
    together: list[int] = []
    running: set[Key] = set()

    def behave(key: Key, number: int) -> None:
        running.add(key)
        try:
            if key == "big":
                if number < 3:
                    raise AttemptFailed("it used 3 MiB, more than its memory limit of 1 MiB")
                together.append(len(running))
        finally:
            running.discard(key)

    graph: dict[Key, tuple[Key, ...]] = {f"small{n}": () for n in range(20)}
    rule = Retry("memory", 2, 0.001, 1.5)
    execution = Execution(memory=100, retry=(rule,))
    scene = Scene({"big": (), **graph}, jobs=4, executions={"big": execution}, behave=behave)
    assert set(scene.run().values()) == {Outcome.BUILT}
    assert together == [1]
    assert [one for one in scene.memory_given if one is not None] == [150, 225]


def test_causes_are_compared_without_their_numbers() -> None:
    """Addresses, counts and times differ from failure to failure."""
    assert cause_of("ValueError: row 17 at 0x7f\nmore") == cause_of("ValueError: row 3 at 0x80")
    assert is_transient(Execution(), "requests: Connection refused")
    assert not is_transient(Execution(), "ValueError: no")
    assert is_transient(Execution(retry=(Retry("ValueError", 1),)), "ValueError: no")


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """What is read from a file may fail; two assets behind it."""
    write(tmp_path, "upriver.toml", "")
    write(tmp_path, "data/x.csv", "a\n1\n")
    write(tmp_path, "assets/spare.sql", "select 100 as a\n")
    with contextlib.closing(Session(tmp_path)) as found:
        yield found


def shop(session: Session, fallback: str) -> None:
    write(
        session.root,
        "assets/first.sql",
        f"/* upriver:\nfallback: {fallback}\n*/\nselect if(a > 5, error('no'), a)::int as a from 'data/x.csv'\n",
    )
    write(session.root, "assets/second.sql", "select a + 1 as b from first\n")
    write(session.root, "assets/last.sql", "select b * 2 as c from second\n")


def states(session: Session) -> dict[Key, tuple[State, set[Cause]]]:
    return {
        one.asset: (one.state, {reason.kind for reason in one.reasons})
        for one in session.status()
        if one.kind != "source"
    }


def test_the_last_good_content_stands_in_and_is_never_called_fresh(session: Session) -> None:
    """Readers go on, also with new code; the asset and they are stale until it is made again."""
    shop(session, "last")
    session.build()
    write(session.root, "data/x.csv", "a\n7\n")
    write(session.root, "assets/last.sql", "select b * 3 as c from second\n")
    ends = {one.asset: one.action for one in session.build().assets}
    assert (ends["first"], ends["last"]) == (Outcome.FAILED, Outcome.BUILT)
    assert session.sql("from last").rows == ((6,),)
    found = states(session)
    assert {found[key][0] for key in ("first", "second", "last")} == {State.STALE}
    assert all(Cause.FALLBACK in found[key][1] for key in ("first", "second", "last"))
    (incident,) = session.incidents()
    assert incident.cause.asset == "first"
    write(session.root, "data/x.csv", "a\n4\n")
    session.build()
    assert session.sql("from last").rows == ((15,),)
    assert {state for state, _ in states(session).values()} == {State.FRESH}
    assert session.incidents() == ()


def test_another_asset_stands_in(session: Session) -> None:
    """It is up to date first; when the asset is made again, its readers are made of it."""
    shop(session, "spare")
    write(session.root, "data/x.csv", "a\n7\n")
    ends = {one.asset: one.action for one in session.build().assets}
    assert (ends["first"], ends["second"], ends["last"]) == (Outcome.FAILED, Outcome.BUILT, Outcome.BUILT)
    assert session.sql("from last").rows == ((202,),)
    assert {states(session)[key][0] for key in ("first", "second", "last")} == {State.STALE}
    assert {one.action for one in session.build().assets if one.asset != "first"} <= {Outcome.FRESH}
    write(session.root, "data/x.csv", "a\n1\n")
    session.build()
    assert session.sql("from last").rows == ((4,),)
    assert {state for state, _ in states(session).values()} == {State.FRESH}


def test_without_anything_that_stands_in_readers_are_blocked(session: Session) -> None:
    """There is no last good content before the first."""
    shop(session, "last")
    write(session.root, "data/x.csv", "a\n7\n")
    ends = {one.asset: one.action for one in session.build().assets}
    assert (ends["first"], ends["second"]) == (Outcome.FAILED, Outcome.BLOCKED)
    assert states(session)["first"][0] is State.FAILED


def test_a_circuit_opens_after_five_failures_of_one_cause(session: Session) -> None:
    """Until the code or an input is another; `build` always tries."""
    write(session.root, "data/x.csv", "a\n7\n")
    recipe = (
        "/* upriver:\nfresh_within: 1h\n*/\nselect if(a > 5, error('{}'), a)::int as a from 'data/x.csv'\n"
    )
    write(session.root, "assets/first.sql", recipe.format("no"))

    def tripped() -> bool:
        session.context.project()
        return assess(session.context, {}).tripped == {"first"}

    for _ in range(CIRCUIT):
        assert not tripped()
        assert session.build().assets[-1].action in (Outcome.FAILED, Outcome.BUILT, Outcome.FRESH)
    assert tripped()
    assert session.goals().goals[0].cause is GoalCause.TRIPPED
    (incident,) = session.incidents()
    assert not incident.cause.healing.by_itself
    write(session.root, "data/x.csv", "a\n8\n")
    assert not tripped()
    session.build()
    assert not tripped()  # the count begins again with other inputs
    write(session.root, "assets/first.sql", recipe.format("Connection refused"))
    for _ in range(CIRCUIT + 1):
        session.build()
    assert not tripped()  # this may pass by itself
