"""A build of another process is stopped by its own choice of moment; nothing else is ever signalled."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from upriver.assets.errors import BusyError, UsageError
from upriver.materializer.runs.stop import stop_run
from upriver.materializer.storage.clock import MACHINE
from upriver.materializer.storage.locks import look

_BUILDER = """
import signal, sys
from pathlib import Path
from upriver.materializer.storage.locks import Heartbeat
signal.signal(signal.SIGTERM, lambda *_: (print("asked", flush=True), sys.exit(7)))
sys.argv = sys.argv[2:]
Path("building").mkdir()
beating = Heartbeat(Path("building/1.lock"))
beating.begin(1, "R1", "dev")
print("building", flush=True)
signal.pause()
"""


def _start(folder: Path, *command: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _BUILDER, "-", *command], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "building\n"
    return process


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the project and hears SIGTERM."""
    process = _start(tmp_path, "upriver", "build")
    yield process
    process.kill()
    process.communicate()


def test_the_process_that_builds_the_run_is_asked(tmp_path: Path, builder: subprocess.Popen[str]) -> None:
    """By SIGTERM, which it may answer in its own time."""
    assert stop_run(tmp_path, "R1", MACHINE).pid == builder.pid
    assert builder.wait(20) == 7
    with pytest.raises(UsageError, match="not going on"):
        stop_run(tmp_path, "R1", MACHINE)


def test_a_run_that_another_one_has_followed_is_not_stopped(
    tmp_path: Path, builder: subprocess.Popen[str]
) -> None:
    """What was confirmed was another run: its successor goes on."""
    with pytest.raises(UsageError, match="R0 is not going on"):
        stop_run(tmp_path, "R0", MACHINE)
    assert builder.poll() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells who has a file open")
def test_a_process_that_does_not_have_the_lock_is_left_alone(
    tmp_path: Path, builder: subprocess.Popen[str]
) -> None:
    """Its number stands in the file, as it would from inside a container: it is not the one."""
    path = tmp_path / "building" / "1.lock"
    _, holder = look(path)
    assert holder is not None
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        wrong = msgspec.structs.replace(holder, pid=bystander.pid)
        path.write_bytes(msgspec.json.encode(wrong))
        with pytest.raises(BusyError, match="is not seen to build"):
            stop_run(tmp_path, "R1", MACHINE)
        assert bystander.poll() is None
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(holder, host="elsewhere")))
        with pytest.raises(BusyError, match="on elsewhere"):
            stop_run(tmp_path, "R1", MACHINE)
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(holder, pid=os.getpid())))
        with pytest.raises(BusyError, match="by this process"):
            stop_run(tmp_path, "R1", MACHINE)
        assert builder.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_another_window_of_the_ui_is_not_closed(tmp_path: Path) -> None:
    """A signal would take the whole window."""
    window = _start(tmp_path, "upriver", "ui")
    try:
        with pytest.raises(BusyError, match="another window"):
            stop_run(tmp_path, "R1", MACHINE)
        assert window.poll() is None
    finally:
        window.kill()
        window.communicate()
