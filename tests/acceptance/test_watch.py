"""`upriver watch` as a process of its own: it builds what a change makes due, survives being killed, and drains."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.command import ENVIRONMENT, UPRIVER, Project, run
from tests.json_contract import check_document

LONG = 60.0


class Watcher:
    """A running `upriver watch --json`, and the lines that it has written."""

    def __init__(self, project: Project, *words: str) -> None:
        self.process = subprocess.Popen(
            [*UPRIVER, "watch", "--json", *words],
            cwd=project.root,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: queue.Queue[Any] = queue.Queue()
        self.seen: list[Any] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.put(json.loads(line))

    def close(self) -> None:
        """Kill what still runs, and let go of its output."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(LONG)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def until(self, wanted: Callable[[Any], bool], seconds: float = LONG) -> Any:
        """Wait for a line."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"nothing like it within {seconds} s: {self.seen}") from None
            check_document(line, "watch")
            self.seen.append(line)
            if wanted(line):
                return line

    def event(self, name: str, asset: str | None = None) -> Any:
        return self.until(lambda line: line["event"] == name and (asset is None or asset in line["assets"]))

    def stands(self, asset: str, state: str) -> Any:
        return self.until(
            lambda line: line["goal"] and (line["goal"]["asset"], line["goal"]["state"]) == (asset, state)
        )

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(LONG)


@contextmanager
def watching(project: Project, *words: str) -> Iterator[Watcher]:
    watcher = Watcher(project, *words)
    try:
        yield watcher
    finally:
        watcher.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A source, an asset with a goal that reads it, and one without."""
    project = Project(tmp_path)
    project.write("upriver.toml", '[goals]\n"goal" = { fresh_within = "1h" }\n')
    project.write("data/x.csv", "a\n1\n")
    project.write("assets/goal.sql", "select sum(a) as s from 'data/x.csv'\n")
    project.write("assets/other.sql", "select count(*) as n from 'data/x.csv'\n")
    return project


def test_a_change_of_a_source_is_built_and_nothing_else(project: Project) -> None:
    """What has a goal is built when its source changes; what has none stays as it is."""
    with watching(project) as watcher:
        watcher.event("built", "goal")
        assert project.read("sql", "from goal") == [{"s": 1}]
        project.write("data/x.csv", "a\n1\n41\n")
        watcher.event("built", "goal")
        assert project.read("sql", "from goal") == [{"s": 42}]
        states = {one["asset"]: one["state"] for one in project.read("status")["assets"]}
        assert (states["goal"], states["other"]) == ("fresh", "missing")
        assert watcher.end(signal.SIGTERM) == 143
    (goal,) = project.read("goals")["goals"]
    assert (goal["id"], goal["state"], goal["cause"]) == ("goal/fresh_within", "on_time", None)


def test_who_starts_next_does_what_a_killed_one_left(project: Project) -> None:
    """kill -9 in the middle of a build loses nothing but that build."""
    project.write(
        "assets/slow.py",
        "import time\nimport polars as pl\nfrom upriver.assets import asset\n\n\n"
        '@asset("slow", fresh_within="1h")\ndef slow(goal: pl.DataFrame) -> pl.DataFrame:\n'
        "    time.sleep(2)\n    return goal\n",
    )
    with watching(project) as first:
        first.event("building", "slow")
        time.sleep(1.5)
        first.process.kill()
        first.process.wait()
        with watching(project) as second:
            second.stands("slow", "on_time")
            second.end(signal.SIGTERM)
    assert project.read("sql", "from slow") == [{"s": 1}]


def test_what_runs_is_finished_before_it_stops(project: Project) -> None:
    """SIGTERM drains: the attempt under way ends and is kept, nothing more is begun."""
    project.write(
        "assets/slow.py",
        "import time\nimport polars as pl\nfrom upriver.assets import asset\n\n\n"
        '@asset("slow", fresh_within="1h")\ndef slow() -> pl.DataFrame:\n'
        '    print("begun", flush=True)\n    time.sleep(3)\n    return pl.DataFrame({"a": [1]})\n',
    )
    project.run("build", "goal")
    with watching(project) as watcher:
        watcher.event("building", "slow")
        deadline = time.monotonic() + LONG
        while project.read("goals", "slow")["goals"][0]["cause"] != "running":
            assert time.monotonic() < deadline
        assert watcher.end(signal.SIGTERM) == 143
    assert project.read("sql", "from slow") == [{"a": 1}]


def test_two_share_the_work(project: Project) -> None:
    """Whatever one builds the other finds done; each change is computed once."""
    with watching(project) as first, watching(project) as second:
        first.stands("goal", "on_time")
        for total in (2, 3, 4):
            project.write("data/x.csv", f"a\n{total}\n")
            deadline = time.monotonic() + LONG
            while project.read("sql", "from goal") != [{"s": total}]:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert {first.end(signal.SIGTERM), second.end(signal.SIGTERM)} == {143}
    assert len(project.read("history", "goal")["materializations"]) == 4


def test_what_fails_waits_until_it_changes(project: Project) -> None:
    """It is not tried all the time; a change of its input is tried at once."""
    project.write(
        "assets/goal.sql", "select 1 // (a - 1)::int as s, error('no') as e from 'data/x.csv' where a > 0\n"
    )
    with watching(project) as watcher:
        watcher.event("waiting", "goal")
        time.sleep(2)
        assert sum(1 for line in [*watcher.seen, *watcher.lines.queue] if line["event"] == "building") == 1
        project.write("data/x.csv", "a\n-1\n")
        watcher.event("built", "goal")
        watcher.end(signal.SIGTERM)
    assert project.read("goals")["goals"][0]["state"] == "on_time"


def test_a_broken_edit_keeps_what_was_declared(project: Project) -> None:
    """Of a file that can't be read the goals stay; of settings that can't be read all of them do."""
    with watching(project) as watcher:
        watcher.stands("goal", "on_time")
        project.write("upriver.toml", '[goals]\n"goal" = { fresh_within = "1\n')
        watcher.event("problem")
        project.write("upriver.toml", '[goals]\n"goal" = { fresh_within = "2h" }\n')
        project.write("data/x.csv", "a\n7\n")
        watcher.event("built", "goal")
        watcher.end(signal.SIGTERM)
    assert project.read("sql", "from goal") == [{"s": 7}]


def test_a_flood_of_one_edit_waits_for_a_person(project: Project) -> None:
    """More than at_most assets made stale by an edit are left to `upriver build`."""
    project.write("upriver.toml", '[goals]\n"*" = { fresh_within = "1h" }\n[watch]\nat_most = 1\n')
    with watching(project, "--once") as watcher:
        assert watcher.process.wait(LONG) == 0
    for name in ("goal", "other"):
        project.write(f"assets/{name}.sql", "select 5 as s from 'data/x.csv'\n")
    with watching(project, "--once") as watcher:
        watcher.event("held", "goal")
        assert watcher.process.wait(LONG) == 0
    assert {one["cause"] for one in project.read("goals")["goals"]} == {"held"}
    project.run("build")
    assert {one["state"] for one in project.read("goals")["goals"]} == {"on_time"}


def test_what_is_paused_waits(project: Project) -> None:
    """Until it is resumed, or the pause is over."""
    assert project.read("goals", "pause", "goal")["assets"] == ["goal"]
    with watching(project, "--once") as watcher:
        assert watcher.process.wait(LONG) == 0
    (goal,) = project.read("goals")["goals"]
    assert (goal["cause"], goal["state"]) == ("paused", "overdue")
    assert project.read("goals", "resume", "goal")["assets"] == ["goal"]
    assert run("watch", "--once", folder=project.root).code == 0
    assert project.read("goals")["goals"][0]["state"] == "on_time"


def test_health_and_metrics_are_answered(project: Project) -> None:
    """On loopback, at the port that was asked for."""
    with watching(project, "--listen", "0") as watcher:
        assert watcher.process.stderr is not None
        place = watcher.process.stderr.readline().split()[-1]
        watcher.stands("goal", "on_time")
        with urllib.request.urlopen(f"{place}/healthz") as answer:
            assert json.load(answer)["ok"] is True
        with urllib.request.urlopen(f"{place}/metrics") as answer:
            text = answer.read().decode()
        assert 'upriver_goals{state="on_time"} 1.0' in text
        assert "upriver_builds 1.0" in text
        assert place.startswith("http://127.0.0.1:")
        watcher.end(signal.SIGTERM)
