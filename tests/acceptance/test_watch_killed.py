"""`upriver watch` killed with -9 again and again in a project that changes all the time: nothing is wrong, nothing lost."""

from __future__ import annotations

import contextlib
import http.server
import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.acceptance.command import Project, run
from tests.acceptance.test_watch import watching
from tests.fakes.ports import ManualClock

from upriver.materializer.automation.alerts.outbox import Outbox
from upriver.materializer.automation.alerts.routing import targets
from upriver.materializer.automation.alerts.send import Send
from upriver.materializer.ports import IncidentState
from upriver.materializer.session import Session

FLAKY = "/* upriver:\nfresh_within: 1h\n*/\nselect {} as f from sums\n"


@contextmanager
def receiver(keys: list[str]) -> Iterator[str]:
    """A web hook on loopback that notes the keys of what it takes; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_address[1]}/hook"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def changing(project: Project) -> Iterator[None]:
    """While inside, a source file changes all the time."""
    done = threading.Event()

    def change() -> None:
        number = 0
        while not done.wait(0.15):
            number += 1
            draft = project.root / "data/x.new"
            draft.write_text("a\n" + "".join(f"{n}\n" for n in range(number % 7 + 1)))
            draft.rename(project.root / "data/x.csv")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_kills_lose_neither_work_nor_messages(tmp_path: Path, kills: int) -> None:
    """In the end all is as from scratch, and each transition of an incident has arrived, counted by its key."""
    chance = random.Random(kills)
    project = Project(tmp_path / "p")
    keys: list[str] = []
    with receiver(keys) as address:
        project.write(
            "upriver.toml",
            f'[[alerts]]\nto = "{address}"\ncommand = ["sh", "-c", "cat >> told; echo >> told"]\n',
        )
        project.write("data/x.csv", "a\n1\n")
        project.write(
            "assets/sums.sql",
            "/* upriver:\nfresh_within: 1h\n*/\nselect sum(a)::int as s from 'data/x.csv'\n",
        )
        project.write("assets/flaky.sql", FLAKY.format("s"))
        with changing(project):
            for round in range(kills):
                project.write("assets/flaky.sql", FLAKY.format("error('no')" if round % 2 == 0 else "s"))
                with watching(project) as watcher:
                    watcher.event("building")
                    time.sleep(chance.random() * 1.5)
                    watcher.process.kill()
                    watcher.process.wait()
        project.write("assets/flaky.sql", FLAKY.format("error('no')"))
        run("watch", "--once", folder=project.root)
        project.write("assets/flaky.sql", FLAKY.format("s"))
        assert run("watch", "--once", folder=project.root).code == 0
        # What a killed loop was sending is sent again when its lease is over.
        config_of = Session(project.root)
        with contextlib.closing(config_of):
            known = targets(config_of.context.project().config.alerts)
            clock = ManualClock(time.time() + 4000)
            send = Send(project.root, "p", lambda one: {"id": one.id})
            state = config_of.context.state
            Outbox(lambda: state, "dev", lambda: known, send, clock, "UTC").send_due()
            messages, incidents = state.messages("dev"), state.incidents("dev", limit=1000)
    assert incidents
    assert {one.state for one in incidents} == {IncidentState.RECOVERED}
    wanted = {
        (one.id, state, name) for one in incidents for state in ("opened", "recovered") for name in known
    }
    assert {(one.incident.id, one.transition.value, one.target) for one in messages} == wanted
    lines = (project.root / "told").read_text().splitlines()
    told = [message["key"] for line in lines if line for message in json.loads(line)["messages"]]
    assert {*keys, *told} == {one.key for one in messages}
    assert all(one.delivered is not None for one in messages)

    shutil.copytree(project.root, tmp_path / "q", ignore=shutil.ignore_patterns(".upriver"))
    scratch = Project(tmp_path / "q")
    scratch.run("build")
    for name in ("sums", "flaky"):
        assert project.read("sql", f"from {name}") == scratch.read("sql", f"from {name}")
    assert {one["state"] for one in project.read("goals")["goals"]} == {"on_time"}
