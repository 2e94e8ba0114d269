"""A broken declaration breaks only itself and blocks what is downstream; all else goes on, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.assets.errors import DeclarationError, Diagnosis, UsageError
from upriver.assets.model import Place
from upriver.materializer.answers import AssetStatus
from upriver.materializer.model import Action, Cause, Outcome, RunStatus, State
from upriver.materializer.session import Session
from upriver.materializer.upkeep.gc import Keep

FILES = {
    "upriver.toml": '[project]\nname = "test"\n',
    "data/a.csv": "id,x\n1,10\n2,20\n",
    "data/b.csv": "id,y\n1,1\n2,2\n",
    "assets/sources.py": "from upriver.assets import source\nb = source('raw.b', 'data/b.csv')\n",
    "assets/victim.sql": "select id, x from 'data/a.csv'",
    "assets/below.sql": "select x from victim",
    "assets/beside.sql": "select y from raw.b",
    "assets/after_beside.sql": "select y + 1 as y from beside",
}
NOTHING_KEPT = Keep(days=0.0, count=0)


def write(root: Path, files: dict[str, str | bytes] | dict[str, str]) -> None:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A project that is built."""
    write(tmp_path, FILES)
    opened = Session(tmp_path)
    opened.build()
    yield opened
    opened.close()


def states(session: Session) -> dict[str, State]:
    return {one.asset: one.state for one in session.status() if one.kind != "source"}


def only(session: Session, key: str) -> AssetStatus:
    (found,) = session.status([key])
    return found


WAYS: dict[str, dict[str, str | bytes]] = {
    "syntax": {"assets/victim.sql": "selec id, x from 'data/a.csv'"},
    "half a query": {"assets/victim.sql": "select id, x from 'dat"},
    "empty": {"assets/victim.sql": ""},
    "bad YAML": {"assets/victim.sql": "/* upriver:\ntags: [a\n*/\nselect id, x from 'data/a.csv'"},
    "half a header": {"assets/victim.sql": "/* upriver:\ntags: [a]\n"},
    "unknown option": {"assets/victim.sql": "/* upriver:\ntagss: [a]\n*/\nselect id, x from 'data/a.csv'"},
    "not UTF-8": {"assets/victim.sql": b"select id, x from 'data/\xff.csv'"},
    "unknown upstream": {"assets/victim.sql": "select id, x from nowhere"},
    "reads itself": {"assets/victim.sql": "select id, x from victim"},
    "circle": {"assets/victim.sql": "select x as id, x from below"},
    "unknown setting": {"assets/victim.sql": "/* upriver:\npool: none\n*/\nselect id, x from 'data/a.csv'"},
    "declared twice": {"assets/other/victim.sql": "/* upriver:\nkey: victim\n*/\nselect 1 as id, 2 as x"},
    "unbound": {"assets/victim.sql": "select id, xx as x from 'data/a.csv'"},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_declaration_breaks_itself_and_blocks_what_is_downstream(session: Session, way: str) -> None:
    """In status, plan, build and why, with one diagnosis; what it has made is served and never collected."""
    root = session.root
    before = {key: session.preview(key).rows for key in states(session)}
    write(root, WAYS[way])
    write(root, {"data/b.csv": "id,y\n1,5\n2,6\n"})

    plan = session.plan()
    broken = {"victim", "below"} if way == "circle" else {"victim"}
    actions = {step.asset: step.action for step in plan.steps}
    assert {key for key, action in actions.items() if action is Action.BROKEN} == broken
    assert actions["below"] in (Action.BLOCKED, Action.BROKEN)
    assert (actions["beside"], actions["after_beside"]) == (Action.BUILD, Action.MAYBE)
    diagnoses = next(step.diagnoses for step in plan.steps if step.asset == "victim")
    assert all(isinstance(one, Diagnosis) and one.place is not None for one in diagnoses)
    assert diagnoses

    status = {one.asset: one for one in session.status()}
    assert (status["victim"].state, status["victim"].diagnoses) == (State.BROKEN, diagnoses)
    assert status["victim"].rows == 2
    assert status["below"].state is (State.BROKEN if way == "circle" else State.BLOCKED)
    assert set(session.keys(["state:broken"])) == broken

    why = session.why("victim")
    assert (why.state, why.diagnoses) == (State.BROKEN, diagnoses)
    if way != "circle":
        behind = session.why("below")
        assert behind.state is State.BLOCKED
        assert [link.diagnoses for link in behind.chain if link.asset == "victim"] == [diagnoses]

    result = session.build()
    ends = {one.asset: one for one in result.assets}
    assert result.status is RunStatus.FAILED
    assert result.broken
    assert (ends["victim"].action, ends["victim"].diagnoses) == (Outcome.BROKEN, diagnoses)
    assert ends["below"].action is (Outcome.BROKEN if way == "circle" else Outcome.BLOCKED)
    assert {ends["beside"].action, ends["after_beside"].action} == {Outcome.BUILT}
    assert session.preview("after_beside").rows == ((6,), (7,))

    session.gc(NOTHING_KEPT)
    for key in ("victim", "below"):
        assert session.preview(key).rows == before[key]
        assert session.sql(f"select count(*) from {key}").rows == ((2,),)
    with pytest.raises(UsageError):
        session.renaming("beside", "victim")

    for path in WAYS[way]:
        (root / path).unlink()
    write(root, {"assets/victim.sql": FILES["assets/victim.sql"]})
    assert {one.action for one in session.build().assets} == {Outcome.FRESH}
    assert not session.diagnoses()


HALF = {
    "open bracket": "from upriver.assets import asset, source\nb = source('raw.b', 'data/b.csv'\n",
    "raises": "from upriver.assets import source\nb = source('raw.b', 'data/b.csv')\nprint(1 / 0)\n",
    "bad option": "from upriver.assets import source\nb = source('raw.b', 'data/b.csv', delimitr=';')\n",
    "imports nothing": "from upriver.assets import sourc\nb = sourc('raw.b', 'data/b.csv')\n",
    "ends the process": "import os\nos._exit(0)\n",
}


@pytest.mark.parametrize("way", HALF)
def test_a_source_whose_module_can_not_be_read_blocks_its_readers_and_is_served(
    session: Session, way: str
) -> None:
    write(session.root, {"assets/sources.py": HALF[way], "data/a.csv": "id,x\n1,11\n"})
    found = {one.asset: one for one in session.status()}
    assert (found["raw.b"].state, found["raw.b"].kind, found["raw.b"].rows) == (State.BROKEN, "source", 2)
    ends = {one.asset: one.action for one in session.build().assets}
    assert ends == {
        "raw.b": Outcome.BROKEN,
        "beside": Outcome.BLOCKED,
        "after_beside": Outcome.BLOCKED,
        "victim": Outcome.BUILT,
        "below": Outcome.BUILT,
    }
    session.gc(NOTHING_KEPT)
    assert session.sql("select sum(y) from raw.b").rows == ((3,),)
    assert session.preview("after_beside").rows == ((2,), (3,))
    write(session.root, {"assets/sources.py": FILES["assets/sources.py"]})
    assert {one.action for one in session.build().assets} == {Outcome.FRESH}


def test_the_views_for_other_tools_keep_what_is_broken(session: Session) -> None:
    import duckdb

    write(
        session.root,
        {"assets/sources.py": "x = (", "assets/victim.sql": "selec", "data/a.csv": "id,x\n1,9\n"},
    )
    session.build()
    with duckdb.connect(str(session.root / ".upriver/warehouse.duckdb"), read_only=True) as client:
        assert client.sql("select count(*) from victim").fetchall() == [(2,)]
        assert client.sql("select sum(y) from raw.b").fetchall() == [(3,)]


def test_a_status_tells_what_can_not_be_bound_once_a_plan_or_a_build_has_found_it(session: Session) -> None:
    """Without binding anything itself, and only as long as it is so."""
    write(session.root, {"assets/below.sql": "select xx from victim"})
    assert only(session, "below").state is State.STALE
    plan = session.plan()
    assert only(session, "below").state is State.BROKEN
    assert only(session, "below").diagnoses == plan.diagnoses
    assert [reason.kind for reason in only(session, "below").reasons] == [Cause.UNBOUND]
    again = Session(session.root)
    assert only(again, "below").diagnoses == plan.diagnoses
    again.close()
    write(session.root, {"assets/below.sql": "-- one line down\nselect xx from victim"})
    assert only(session, "below").state is State.STALE
    assert session.why("below").diagnoses[0].place == Place("assets/below.sql", 2, 8)
    write(
        session.root, {"data/a.csv": "id,x,xx\n1,10,5\n", "assets/victim.sql": "select * from 'data/a.csv'"}
    )
    assert {one.action for one in session.build().assets} == {Outcome.BUILT, Outcome.FRESH}


def test_a_build_tells_what_could_not_be_bound_only_when_it_ran_as_a_plan_would_have(
    session: Session,
) -> None:
    """Nothing was known of the frame's columns before it was made."""
    module = """
import polars as pl
from upriver.assets import asset

@asset
def table(victim: pl.DataFrame) -> pl.DataFrame:
    return victim.rename({"x": "z"})

@asset
def lazy(victim: pl.LazyFrame) -> pl.LazyFrame:
    return victim.select("nothing")
"""
    write(session.root, {"assets/frames.py": module, "assets/query.sql": "select x from table"})
    result = session.build()
    ends = {one.asset: one for one in result.assets}
    assert {key: ends[key].action for key in ("table", "query", "lazy")} == {
        "table": Outcome.BUILT,
        "query": Outcome.BROKEN,
        "lazy": Outcome.BROKEN,
    }
    plan = {step.asset: step for step in session.plan().steps}
    for key in ("query", "lazy"):
        assert plan[key].action is Action.BROKEN
        assert ends[key].diagnoses == plan[key].diagnoses == only(session, key).diagnoses
        assert only(session, key).state is State.BROKEN


def test_a_build_of_what_does_not_hang_on_it_is_a_success(session: Session) -> None:
    write(session.root, {"assets/victim.sql": "selec", "data/b.csv": "id,y\n1,5\n"})
    result = session.build(["after_beside"])
    assert (result.status, result.broken) == (RunStatus.SUCCESS, False)
    assert session.build(["below"]).broken
    assert session.build(["below"], force=True).broken


def test_what_fails_beside_something_broken_fails_for_itself(session: Session) -> None:
    write(
        session.root,
        {"assets/victim.sql": "selec", "assets/bad.sql": "select error('out of paper') as x from raw.b"},
    )
    result = session.build(fail_fast=True)
    ends = {one.asset: one.action for one in result.assets}
    assert (ends["victim"], ends["bad"]) == (Outcome.BROKEN, Outcome.FAILED)
    assert result.broken
    assert only(session, "bad").state is State.FAILED


def test_a_broken_configuration_stops_everything(session: Session) -> None:
    write(session.root, {"upriver.toml": "[project"})
    for ask in (session.status, session.plan, session.build):
        with pytest.raises(DeclarationError):
            ask()


def test_what_is_known_of_something_broken_can_still_be_asked_for(session: Session) -> None:
    """Its file as it is now, what it has cost, where it hangs, why it is so."""
    half = HALF["open bracket"]
    write(session.root, {"assets/victim.sql": "selec x", "assets/sources.py": half})
    assert session.recipe_text("victim") == ("selec x", "sql")
    assert session.recipe_text("raw.b") == (half, "python")
    assert {one.asset for one in session.cost().assets} == {"victim", "below", "beside", "after_beside"}
    around = session.lineage("victim")
    assert {node.asset for node in around.nodes} == {"victim", "below", *_upstream(session, "victim")}
    assert session.lineage("victim", columns=True).opaque[0].cause.startswith("broken: ")
    assert session.why("raw.b").diagnoses == only(session, "raw.b").diagnoses
    assert session.history("victim")[0].rows == 2
    assert session.profile("victim").rows == 2
    assert {one.asset for one in session.status(["kind:source"])} >= {"raw.b"}


def _upstream(session: Session, key: str) -> tuple[str, ...]:
    return only(session, key).upstreams
