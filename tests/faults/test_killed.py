"""``kill -9`` at random moments: what was acknowledged stays, what was in flight is lost, and nothing else."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest
from tests.faults.project import MARK, UPRIVER, Project, kill_group
from tests.faults.shops import ORDERS, shop, sql_shop


def change(project: Project, choose: random.Random) -> None:
    """Give the next build something to do: other rows, another query, or both."""
    number = choose.randrange(1000)
    if choose.random() < 0.7:
        project.table(
            "data/orders.csv", f"select id, customer, day, amount + {number} as amount from ({ORDERS})"
        )
    if choose.random() < 0.5:
        project.table(
            "data/rates.parquet",
            f"select date '2024-01-01' + i::int as day, 1 + i / {number + 1}.0 as rate from range(31) r(i)",
        )
    if choose.random() < 0.5:
        project.write(
            "assets/marts/customers.sql",
            f"select customer, count(*) + {number} as orders from staging.orders group by customer\n",
        )


def killed_builds(project: Project, kills: int, seed: int, longest: float) -> None:
    """Kill *kills* builds at random moments within *longest* seconds.

    With an odd *seed* all is looked at after each of them; with an even one only after a few, which find what the
    ones before have left.
    """
    settling = 1.0 if seed % 2 else 0.34
    choose = random.Random(seed)
    for number in range(kills):
        change(project, choose)
        process = project.start("build", "--jobs", "3")
        time.sleep(choose.uniform(0.05, longest))
        kill_group(process)
        process.communicate()
        project.all_gone()
        assert project.problems() == [], f"after kill {number} of seed {seed}"
        if choose.random() < settling or number == kills - 1:
            project.settle()


def duration(project: Project) -> float:
    """Seconds that a build from nothing takes now, on this machine."""
    began = time.monotonic()
    assert project.build().code == 0
    return time.monotonic() - began


@pytest.mark.parametrize("seed", [1, 2])
def test_a_build_survives_kill_9_at_random_moments(tmp_path: Path, seed: int) -> None:
    """Ten builds, killed with everything in their process group; workers, who have their own, end by themselves."""
    project = (shop if seed == 2 else sql_shop)(tmp_path / "p")
    killed_builds(project, 10, seed, duration(project) * 1.1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10, 20))
def test_a_build_survives_hundreds_of_kills(tmp_path: Path, seed: int) -> None:
    """As above, at least 200 times."""
    project = (shop if seed % 4 < 2 else sql_shop)(tmp_path / "p")
    killed_builds(project, 25, seed, duration(project) * 1.1)


def test_a_killed_build_has_kept_what_it_had_acknowledged(tmp_path: Path) -> None:
    """What the event stream tells as built is fresh in the next build, however soon the kill comes after it."""
    project = sql_shop(tmp_path / "p")
    project.write(
        "assets/marts/endless.sql", "select count(*) as n from staging.orders, range(1000000000000) r(i)\n"
    )
    process = subprocess.Popen(
        [*UPRIVER, "build"], cwd=project.root, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        env={**os.environ, MARK: str(project.root)}, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line.split()[1])
        if len(told) == 3:
            break
    kill_group(process)
    process.communicate()
    project.all_gone()
    assert project.here("fsck").code == 0  # a run that was cut short is nothing wrong
    assert project.here("status").code == 0
    (last,) = project.here("history", "--json").document["runs"]
    assert last["status"] == "abandoned"
    project.write("assets/marts/endless.sql", "select count(*) as n from staging.orders\n")
    built = project.settle()
    assert sorted(told) == ["marts.customers", "marts.daily", "staging.orders"]
    assert {built.actions[key] for key in told} == {"fresh"}
