"""Two builds of one project, a build that was stopped, clocks that are set, sources that change while they are read."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.faults.forks import Forks, forks, injected
from tests.faults.project import Done, Project, finish, kill_group, wait_for
from tests.faults.shops import ORDERS, RATES, Trouble, sql_shop, troubles

from upriver.materializer.state import open_state
from upriver.materializer.storage.locks import TERM


@pytest.fixture(scope="module")
def server() -> Iterator[Forks]:
    """Forks builds."""
    with forks() as made:
        yield made


def materializations(project: Project) -> Counter[tuple[str, str]]:
    """How often each content of each asset has been recorded."""
    with closing(open_state(project.folder / "state.db", readonly=True)) as state:
        return Counter((one.asset, one.version.id) for one in state.history(limit=-1))


def one_after_another(
    project: Project, server: Forks, rounds: int, *builds: tuple[str, ...]
) -> list[list[Done]]:
    """Change the orders and start all *builds* together, so often; what each gave."""
    done = []
    for number in range(rounds):
        project.table(
            "data/orders.csv", f"select id, customer, day, amount + {number} as amount from ({ORDERS})"
        )
        started = [server.start(project, "build", "--json", *words) for words in builds]
        done.append([one.ended() for one in started])
    return done


ROUNDS = [3, pytest.param(20, marks=pytest.mark.soak)]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_two_builds_at_once_each_materialization_is_committed_once(
    server: Forks, tmp_path: Path, rounds: int
) -> None:
    """Both end with 0; what one of them has made the other takes as it is."""
    project = sql_shop(tmp_path / "p")
    together = 0
    for number, both in enumerate(one_after_another(project, server, rounds, (), ())):
        assert [one.code for one in both] == [0, 0], [one.said for one in both]
        ends = {key: {one.actions[key] for one in both} for key in both[0].actions}
        built = Counter(key for one in both for key, action in one.actions.items() if action == "built")
        assert built == {"staging.orders": 1, "marts.daily": 1, **({} if number else {"marts.customers": 1})}
        assert all(found <= {"built", "reused", "fresh"} for found in ends.values())
        together += any("reused" in found for found in ends.values())
    assert set(materializations(project).values()) == {1}
    assert together, "none of them met another"
    project.settle()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_two_environments_are_built_at_once(server: Forks, tmp_path: Path, rounds: int) -> None:
    """Neither waits for the other; both hold the same in the end.

    Not the same artifacts: what both make at once DuckDB may write in another order, and the order of a grouping is not
    promised.
    """
    project = sql_shop(tmp_path / "p")
    for both in one_after_another(project, server, rounds, (), ("--env", "prod", "--create")):
        assert [one.code for one in both] == [0, 0], "\n".join(one.said for one in both)
        assert project.contents("dev") == project.contents("prod")
        assert project.contents("dev").keys() == {"staging.orders", "marts.daily", "marts.customers"}
    project.settle()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_disjoint_selections_are_built_at_once(server: Forks, tmp_path: Path, rounds: int) -> None:
    project = sql_shop(tmp_path / "p")
    project.write("assets/other.sql", "select count(*) as n from 'data/rates.parquet'\n")
    for number in range(rounds):
        project.table("data/rates.parquet", f"select day, rate + {number} as rate from ({RATES})")
        project.table("data/orders.csv", f"select * from ({ORDERS}) where id <> {number}")
        started = [server.start(project, "build", "--json", key) for key in ("marts.customers", "other")]
        done = [one.ended() for one in started]
        assert [one.code for one in done] == [0, 0], [one.said for one in done]
        assert done[0].actions == {"staging.orders": "built", "marts.customers": "built"}
        assert set(done[1].actions) == {"other"}
    project.settle()


def test_gc_and_a_repair_are_told_who_builds_and_a_build_who_holds_the_project(tmp_path: Path) -> None:
    """Each ends with 4, and nothing was changed."""
    project = troubles(tmp_path / "p", LONG)
    building = project.start("build", "--json")
    wait_for(project.root / "at/began")
    for words in (("gc",), ("rename", "long", "longer")):
        done = project.run(*words)
        assert done.code == 4, done.said
        assert f"process {building.pid} since" in done.said
    (project.root / "go").write_text("yes\n")
    assert finish(building).code == 0
    with closing(open_state(project.folder / "state.db")) as state:
        lease = state.hold("gc")
        done = project.build()
        assert done.code == 4, done.said
        assert f"gc, process {os.getpid()} since" in done.said
        lease.release()
    assert project.build().code == 0


LONG = Trouble(
    "long",
    "(here / 'at/began').write_text(f'{os.getpid()}\\n')\nwhile not (here / 'go').exists(): time.sleep(0.05)",
    "writes=['at/*']",
)


def test_a_build_that_was_stopped_past_its_lease_can_commit_nothing(tmp_path: Path) -> None:
    """SIGSTOP, another build takes its claims over, SIGCONT: the first ends with 4, and what the other has made stands.

    For the other build the monotonic clock is ahead by the term of a lease: nobody has to wait for it to pass.
    """
    project = troubles(tmp_path / "p", LONG)
    first = project.start("build", "--json")
    wait_for(project.root / "at/began")
    stop_between_commits(first.pid, project.folder / "state.db")
    too_soon = project.start("build", "--json")
    wait_for_claim(project, too_soon)
    kill_group(too_soon)
    too_soon.communicate()
    (project.root / "go").write_text("yes\n")
    second = project.build(command=injected({"monotonic": TERM + 10}))
    assert second.code == 0, second.said
    assert second.actions["long"] == "built"
    made = materializations(project)
    os.killpg(first.pid, signal.SIGCONT)
    done = finish(first)
    assert done.code == 4, done.said
    assert "lost" in done.said or "another build" in done.said
    assert materializations(project) == made
    assert {run["status"] for run in project.here("history", "--json").document["runs"]} == {
        "abandoned",
        "success",
    }
    for name in ("at/began", "go"):
        (project.root / name).unlink()
    project.write(
        "assets/recipes.py",
        (project.root / "assets/recipes.py").read_text().replace("while not", "while False and not"),
    )
    project.settle()


@pytest.mark.soak
def test_the_term_of_a_lease_passes_in_truth(tmp_path: Path) -> None:
    """As above, with the clock as it is."""
    project = troubles(tmp_path / "p", LONG)
    first = project.start("build", "--json")
    wait_for(project.root / "at/began")
    os.killpg(first.pid, signal.SIGSTOP)
    time.sleep(TERM + 2)
    (project.root / "go").write_text("yes\n")
    assert project.build().code == 0
    os.killpg(first.pid, signal.SIGCONT)
    assert finish(first).code == 4


def test_a_clock_that_is_set_back_changes_nothing(tmp_path: Path) -> None:
    """Two days back, with data from then: a change is a change, and nothing that was made is forgotten."""
    project = sql_shop(tmp_path / "p")
    assert project.build(command=injected({"wall": 86_400.0})).code == 0
    back = injected({"wall": -86_400.0})
    quiet = project.build(command=back)
    assert set(quiet.actions.values()) == {"fresh"}, quiet.said
    project.table("data/orders.csv", f"select id, customer, day, amount + 1 as amount from ({ORDERS})")
    long_ago = time.time() - 10 * 86_400
    os.utime(project.root / "data/orders.csv", (long_ago, long_ago))
    changed = project.build(command=back)
    assert changed.code == 0, changed.said
    assert changed.actions == {"staging.orders": "built", "marts.daily": "built", "marts.customers": "fresh"}
    assert project.run("gc", "--json", command=back).code == 0
    newest = project.here("history", "--json").document["runs"][0]
    assert newest["run_id"] == changed.document["run_id"], (
        "the newest run is the one that began last, whatever its time"
    )
    project.settle()


READS = """
(here / 'at/began').write_text('yes\\n')
while not (here / 'go').exists(): time.sleep(0.02)
"""


def replaced(project: Project, name: str, text: str) -> None:
    """As editors and other programs write: another file under the same name."""
    draft = project.write(f"{name}.draft", text)
    draft.replace(project.root / name)


@pytest.mark.parametrize("how", ["replaced", "overwritten", "grown", "gone"])
def test_a_source_that_changes_while_it_is_read_is_never_recorded_as_read(tmp_path: Path, how: str) -> None:
    """A Parquet source is read in place: what was made of it is made again, or it fails and says why."""
    project = Project(tmp_path / "p")
    project.write("upriver.toml", '[project]\nname = "moving"\n')
    project.table("data/t.parquet", "select i as n from range(1000) r(i)")
    project.write(
        "assets/slow.py",
        "import time\nfrom pathlib import Path\n\nimport polars as pl\n\nfrom upriver.assets import asset, source\n\n"
        "t = source('raw.t', 'data/t.parquet')\nhere = Path(__file__).parents[1]\n\n\n"
        "@asset(key='slow', writes=['at/*'])\ndef slow(t: pl.DataFrame) -> pl.DataFrame:\n"
        + "".join(f"    {line}\n" for line in READS.strip().split("\n"))
        + "    return t.select(pl.col('n').sum())\n",
    )
    process = project.start("build", "--json")
    wait_for(project.root / "at/began")
    path = project.root / "data/t.parquet"
    project.table("other.parquet", "select i * 2 as n from range(1000) r(i)")
    other = project.root / "other.parquet"
    match how:
        case "replaced":
            other.replace(path)
        case "overwritten":
            path.write_bytes(other.read_bytes())
        case "grown":
            path.write_bytes(path.read_bytes() + b"more")
        case "gone":
            path.unlink()
    (project.root / "go").write_text("yes\n")
    done = finish(process)
    assert done.code == 1, done.said
    assert "raw.t was changed while it was being read" in done.errors["slow"], done.said
    assert project.contents() == {}
    if how in ("grown", "gone"):
        project.table("data/t.parquet", "select i * 3 as n from range(1000) r(i)")
    other.unlink(missing_ok=True)
    project.settle()


def test_sources_that_never_stand_still_never_make_a_false_fresh(server: Forks, tmp_path: Path) -> None:
    """Files are replaced again and again while builds run: when it is quiet at last, all equals a build from scratch."""
    project = sql_shop(tmp_path / "p")
    for number in range(4):
        started = server.start(project, "build", "--json")
        until = time.monotonic() + 30
        count = 0
        while started.state() not in "ZX" and time.monotonic() < until:
            count += 1
            rows = "".join(f"{n},c{n % 7},2024-01-{n % 28 + 1:02},{n * number + count}\n" for n in range(300))
            replaced(project, "data/orders.csv", "id,customer,day,amount\n" + rows)
            time.sleep(0.01)
        done = started.ended()
        assert done.code in (0, 1), done.said
        assert "should not have happened" not in done.said
    project.settle()


def wait_for_claim(project: Project, process: subprocess.Popen[str]) -> None:
    """Until *process* says in its log that it waits for what another build makes."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        for log in (project.folder / "runs").glob("*/events.jsonl"):
            if "waits for what is made of it already: run " in log.read_text(encoding="utf-8"):
                return
        time.sleep(0.05)
    raise AssertionError("it did not wait")


def test_what_a_killed_build_was_making_is_made_by_the_one_that_waits_for_it(tmp_path: Path) -> None:
    """At once: the kernel says that it is gone."""
    project = troubles(tmp_path / "p", LONG)
    first = project.start("build", "--json")
    wait_for(project.root / "at/began")
    second = project.start("build", "--json")
    wait_for_claim(project, second)
    kill_group(first)
    first.communicate()
    (project.root / "go").write_text("yes\n")
    done = finish(second)
    assert done.code == 0, done.said
    assert done.actions["long"] == "built"
    statuses = [run["status"] for run in project.here("history", "--json").document["runs"]]
    assert "success" in statuses
    for name in ("at/began", "go"):
        (project.root / name).unlink()
    project.write(
        "assets/recipes.py",
        (project.root / "assets/recipes.py").read_text().replace("while not", "while False and not"),
    )
    project.settle()


def stop_between_commits(group: int, state: Path) -> None:
    """Stop a process group at a moment at which it does not hold the database: that would keep all others out, whatever
    became of its lease.
    """
    for _ in range(100):
        os.killpg(group, signal.SIGSTOP)
        connection = apsw.Connection(str(state))
        try:
            connection.execute("begin immediate; rollback")
        except apsw.BusyError:
            os.killpg(group, signal.SIGCONT)
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()
    raise AssertionError("the build holds the database all the time")
