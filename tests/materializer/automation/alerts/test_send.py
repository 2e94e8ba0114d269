"""Messages reach a mail server, a web server and a program on this machine, also when these die and come back."""

from __future__ import annotations

import email
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from tests.fakes.incidents import INCIDENTS
from tests.fakes.ports import ManualClock, MemoryState

from upriver.assets.project.alerts import Alert
from upriver.materializer.automation.alerts.outbox import Delivery, Ending, Outbox
from upriver.materializer.automation.alerts.routing import outgoing, targets
from upriver.materializer.automation.alerts.send import Send
from upriver.materializer.ports import Incident, Transition

MANY = 6


def free_port() -> int:
    """A port of loopback that nothing listens at now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Mailbox:
    """What a mail server has taken."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"

    def texts(self) -> list[str]:
        return [
            "".join(str(p.get_payload(decode=True), "utf-8") for p in m.walk() if not p.is_multipart())
            for m in self.mails
        ]


@contextmanager
def mail_server(port: int, box: Mailbox) -> Iterator[None]:
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


class Requests:
    """What a web server was asked; *bad* is how many requests it takes and then says nothing to, *errors* with 500."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []
        self.bodies: list[Any] = []
        self.bad = self.errors = 0


@contextmanager
def web_server(port: int, requests: Requests) -> Iterator[None]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if requests.errors:
                requests.errors -= 1
                self.send_response(500)
                self.end_headers()
                return
            requests.keys.append(self.headers["Idempotency-Key"])
            requests.bodies.append(body)
            if requests.bad:
                requests.bad -= 1
                self.close_connection = True  # without an answer
                return
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class World:
    """An outbox whose messages really leave."""

    def __init__(self, root: Path, alert: Alert) -> None:
        self.clock = ManualClock(1e9)
        self.state = MemoryState()
        self.known = targets([alert])
        self.ends: list[Delivery] = []
        self.outbox = Outbox(
            lambda: self.state,
            "dev",
            lambda: self.known,
            Send(root, "shop", lambda one: {"id": one.id}),
            self.clock,
            "UTC",
            self.ends.append,
        )

    def opens(self, incident: Incident) -> None:
        route = outgoing(self.known, "dev", "UTC", self.clock.now())
        bare = Transition(None, incident)
        self.state.record_transitions([msgspec.structs.replace(bare, messages=tuple(route(bare)))])

    def later(self) -> None:
        """Let the time come at which all that failed is tried again."""
        self.clock.advance(4000)
        self.outbox.send_due()


def many() -> list[Incident]:
    """Several incidents of different roots."""
    one = INCIDENTS[0]
    return [
        msgspec.structs.replace(one, id=f"i{n}", cause=msgspec.structs.replace(one.cause, asset=f"a{n}"))
        for n in range(MANY)
    ]


def test_every_message_reaches_servers_that_die_and_return(tmp_path: Path) -> None:
    """Counted by distinct key at the receivers; what was perhaps a repetition says so."""
    mail, web = free_port(), free_port()
    box, requests = Mailbox(), Requests()
    alert = Alert(
        to=(
            f"mailto://127.0.0.1:{mail}/?from=shop@example.com&to=me@example.com&mode=insecure",
            f"json://127.0.0.1:{web}/hook",
        )
    )
    world = World(tmp_path, alert)
    incidents = many()
    for one in incidents[:2]:
        world.opens(one)
    world.outbox.send_due()  # nobody is there
    assert {one.ending for one in world.ends} == {Ending.FAILED}
    with mail_server(mail, box), web_server(web, requests):
        world.later()
        requests.bad, requests.errors = 1, 1
        for one in incidents[2:4]:
            world.opens(one)
        world.outbox.send_due()
    for one in incidents[4:]:
        world.opens(one)
    world.outbox.send_due()  # they have died
    with mail_server(mail, box), web_server(web, requests):
        world.later()
        world.later()
    wanted = {one.key for one in world.state.messages("dev")}
    assert len(wanted) == 2 * MANY
    told = {line.split()[1] for text in box.texts() for line in text.splitlines() if line.startswith("key: ")}
    assert told | set(requests.keys) == wanted
    assert len(box.mails) == MANY
    assert len(requests.keys) == MANY + 1  # the one that was taken without an answer came again
    again = [
        body for key, body in zip(requests.keys, requests.bodies, strict=True) if requests.keys.count(key) > 1
    ]
    assert ["possibly repeated" in body["title"] for body in again] == [False, True]
    assert all("heals by itself" in text and "marts.churn_alerts" in text for text in box.texts())


def test_secrets_are_put_into_the_address_and_nowhere_else(tmp_path: Path) -> None:
    """Neither into the state, nor into what is told of a failure, nor into the message."""
    (tmp_path / "upriver.toml").write_text("")
    (tmp_path / ".upriver/secrets").mkdir(parents=True)
    (tmp_path / ".upriver/secrets/HOOK").write_text("tok3nTok3n/x")
    port, requests = free_port(), Requests()
    world = World(tmp_path, Alert(to=(f"json://127.0.0.1:{port}/{{HOOK}}",)))
    one = INCIDENTS[0]
    cause = msgspec.structs.replace(one.cause, message="failed with tok3nTok3n/x in it")
    world.opens(msgspec.structs.replace(one, cause=cause))
    world.outbox.send_due()
    assert world.ends[0].ending is Ending.FAILED
    with web_server(port, requests):
        world.later()
    (body,) = requests.bodies
    assert "tok3nTok3n" not in json.dumps(body)
    assert "[secret HOOK]" in body["message"]
    assert "tok3n" not in f"{world.ends}".replace("failed with tok3nTok3n/x in it", "")
    missing = World(tmp_path, Alert(to=("json://127.0.0.1/{NOTHING}",)))
    missing.opens(one)
    missing.outbox.send_due()
    assert "the secret 'NOTHING' is not set" in missing.ends[0].detail


def test_a_program_is_told_in_json(tmp_path: Path) -> None:
    """A code other than 0 is a failure that is known, a signal one that is not."""
    script = tmp_path / "page.sh"
    script.write_text(
        "#!/bin/sh\nif [ ! -e once ]; then touch once; echo busy >&2; exit 3; fi\n"
        'if [ ! -e twice ]; then touch twice; kill -9 $$; fi\ncat > told.json; echo "$UPRIVER_KEY" > key\n'
    )
    script.chmod(0o755)
    world = World(tmp_path, Alert(command=("./page.sh", "x")))
    world.opens(INCIDENTS[0])
    world.outbox.send_due()
    world.later()
    world.later()
    assert [one.ending for one in world.ends] == [Ending.FAILED, Ending.UNKNOWN, Ending.DELIVERED]
    assert world.ends[0].detail == "./page.sh ended with 3: busy"
    told = json.loads((tmp_path / "told.json").read_text())
    (message,) = told["messages"]
    assert (told["project"], message["transition"], message["possibly_repeated"]) == ("shop", "opened", True)
    assert message["incident"] == {"id": INCIDENTS[0].id}
    assert (tmp_path / "key").read_text().strip() == message["key"]


@pytest.mark.parametrize("command", ["./missing", "nosuchprogram"])
def test_a_program_that_is_not_there(tmp_path: Path, command: str) -> None:
    """It is told, and tried again later."""
    world = World(tmp_path, Alert(command=(command,)))
    world.opens(INCIDENTS[0])
    assert world.outbox.send_due() is not None
    assert "can't be run" in world.ends[0].detail
