"""A project on a real disk that is attacked through the real command line, and what has to hold afterwards."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from upriver.assets.identity import Node
from upriver.lineage.sql.names import literal
from upriver.materializer.model import RunStatus
from upriver.materializer.state import open_state
from upriver.materializer.storage.local_store import LocalStore
from upriver.tui.cli.main import execute

UPRIVER = (sys.executable, "-m", "upriver")
MARK = "PYTHON_FAULTS_PROJECT"  # of the kind that every process is given, however it is confined
"""An environment variable that every process started for a project inherits: so none can hide."""

PATIENCE = 5.0
"""Seconds after which nothing of a dead build may be left."""

Contents = Mapping[str, object]


@dataclass(frozen=True)
class Done:
    """How a command ended. *code* is negative when a signal ended it."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)

    @property
    def actions(self) -> dict[str, str]:
        """What a build says that it did with each asset."""
        return {one["asset"]: one["action"] for one in self.document["assets"]}

    @property
    def errors(self) -> dict[str, str]:
        """What a build says went wrong with each asset."""
        return {one["asset"]: one["error"] for one in self.document["assets"] if one["error"]}

    @property
    def said(self) -> str:
        """Everything that was printed."""
        return self.out + self.err


@dataclass
class Project:
    """A project folder. Its processes form a process group of their own, told by an environment variable."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where Upriver keeps things."""
        return self.root / ".upriver"

    @property
    def store(self) -> Path:
        """Where the artifacts are."""
        return self.folder / "store"

    # -- files ---------------------------------------------------------------------------------------------
    def write(self, name: str, text: str) -> Path:
        """Write a project file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def table(self, name: str, query: str) -> None:
        """Write what a query gives to a data file, as CSV or Parquet after its suffix."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"copy ({query}) to {literal(str(path))}")

    def artifact(self, key: str) -> Path:
        """The file that *key* points at."""
        with closing(open_state(self.folder / "state.db", readonly=True)) as state:
            ref = state.current("dev")[Node(key)].version.artifacts[0]
            return Path(LocalStore(self.folder / "store").locate(ref))

    def artifacts(self) -> list[Path]:
        """All artifacts."""
        return sorted(path for path in self.store.glob("[0-9a-f][0-9a-f]/*") if path.is_file())

    def copy(self, to: Path) -> Project:
        """The project as it is, with state and store, in another folder."""
        shutil.copytree(self.root, to, symlinks=True)
        return Project(to, self.environment)

    # -- commands ------------------------------------------------------------------------------------------
    def start(self, *words: str, command: tuple[str, ...] = UPRIVER, **options: Any) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        environment = {**os.environ, MARK: str(self.root), **self.environment, **options.pop("env", {})}
        return subprocess.Popen(
            [*command, *words],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            **options,
        )

    def run(self, *words: str, timeout: float = 60.0, **options: Any) -> Done:
        """Run a command to its end."""
        return finish(self.start(*words, **options), timeout)

    def here(self, *words: str) -> Done:
        """Run a command in this process: the same command line without the start of an interpreter.

        For looking at what an attack has left, not for the attacks.
        """
        out, err = io.StringIO(), io.StringIO()
        environment = {**os.environ, MARK: str(self.root), **self.environment, "NO_COLOR": "1"}
        code = execute(["-C", str(self.root), *words], out, err, environment)
        return Done(code, out.getvalue(), err.getvalue())

    def build(self, *words: str, **options: Any) -> Done:
        """``upriver build --json``."""
        return self.run("build", "--json", *words, **options)

    # -- processes -----------------------------------------------------------------------------------------
    def processes(self) -> dict[int, str]:
        """The processes that were started for this project and still run, with their command lines."""
        mark = f"{MARK}={self.root}".encode()
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            with suppress(OSError):
                folder = Path("/proc", entry)
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if mark in (folder / "environ").read_bytes().split(b"\0") and state not in "ZX":
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found[int(entry)] = f"[{state}] {command.strip()}"
        return found

    def all_gone(self, within: float = PATIENCE) -> float:
        """Wait until no process of this project is left; returns how long that took."""
        began = time.monotonic()
        while left := self.processes():
            waited = time.monotonic() - began
            if waited > within:
                for pid in left:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"still running after {waited:.1f} s: {left}")
            time.sleep(0.02)
        return time.monotonic() - began

    # -- what it holds -------------------------------------------------------------------------------------
    def contents(self, environment: str = "dev") -> Contents:
        """What each asset holds now: a table's columns and its rows as a bag, a file's bytes."""
        found: dict[str, object] = {}
        with closing(open_state(self.folder / "state.db", readonly=True)) as state, duckdb.connect() as db:
            store = LocalStore(self.folder / "store")
            for node, one in state.current(environment).items():
                key, path = str(node), Path(store.locate(one.version.artifacts[0]))
                if not one.version.schema:
                    found[key] = path.read_bytes()
                    continue
                rows = db.execute(f"select * from read_parquet({literal(str(path))})").fetchall()
                found[key] = (one.version.schema, Counter(map(repr, rows)))
        return found

    def from_scratch(self) -> Contents:
        """What a build of the same files in an empty folder gives."""
        files = {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and ".upriver" not in path.relative_to(self.root).parts
        }
        known = hash(tuple(files.items()))
        if known not in _from_scratch:
            with tempfile.TemporaryDirectory(prefix="upriver-scratch-") as folder:
                for name, data in files.items():
                    path = Path(folder) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
                scratch = Project(Path(folder), self.environment)
                done = scratch.build()
                assert done.code == 0, done.said
                _from_scratch[known] = scratch.contents()
        return _from_scratch[known]

    # -- the end of every attack -----------------------------------------------------------------------------
    def settle(self, *, repair: bool = False) -> Done:
        """What has to hold after every attack; returns the first build after it.

        No process is left. ``fsck`` has nothing to say (with *repair*: once it has repaired). The next build
        succeeds, and what it gives equals a build from scratch. One more does nothing. No run is recorded as
        running, and nothing lies about that a dead process has left.
        """
        self.all_gone()
        if repair:
            repaired = self.here("fsck", "--repair", "--json")
            assert repaired.code == 0, repaired.said
        assert (problems := self.problems()) == [], problems
        built = self.build()
        assert built.code == 0, built.said
        scratch, contents = self.from_scratch(), self.contents()
        assert {key: contents.get(key) for key in scratch} == scratch
        again = self.here("build", "--json")
        assert again.code == 0, again.said
        assert set(again.actions.values()) == {"fresh"}, again.actions
        assert (problems := self.problems()) == [], problems
        with closing(open_state(self.folder / "state.db", readonly=True)) as state:
            assert not [run for run in state.runs(-1) if run.status is RunStatus.RUNNING]
        assert self.leftovers() == []
        self.all_gone()
        return built

    def problems(self) -> list[Mapping[str, object]]:
        """What ``fsck`` finds."""
        found: list[Mapping[str, object]] = self.here("fsck", "--json").document["problems"]
        return found

    def leftovers(self) -> list[str]:
        """Files of dead processes that only take up space."""
        folders = ("store/staging", "tmp")
        found = [path for name in folders for path in (self.folder / name).glob("*")]
        found += [path for path in self.folder.glob("warehouse.duckdb?*") if path.suffix != ".wal"]
        found += (self.folder / "cache").glob("*.[0-9]*")
        # A folder without its lock may be one that is just being made: it is given a minute, and empty till then.
        emptied = [path for path in found if path.is_dir() and not any(path.iterdir())]
        return sorted(str(path.relative_to(self.folder)) for path in found if path not in emptied)


_from_scratch: dict[int, Contents] = {}


def finish(process: subprocess.Popen[str], timeout: float = 60.0) -> Done:
    """Wait for a command; one that does not end is killed, and that is a failure."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_group(process)
        out, err = process.communicate()
        raise AssertionError(f"{process.args!r} did not end within {timeout} s\n{out}{err}") from None
    return Done(process.returncode, out, err)


def kill_group(process: subprocess.Popen[str]) -> None:
    """``kill -9`` of everything in the process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def wait_for(path: Path, within: float = 30.0) -> str:
    """Wait until the file at *path* has a whole line; returns it."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            text = path.read_text()
            if text.endswith("\n"):
                return text.strip()
        time.sleep(0.01)
    raise AssertionError(f"{path} did not appear within {within} s")


@contextmanager
def on_disk(prefix: str) -> Iterator[Path]:
    """A folder that is gone afterwards, whatever flags its files have been given."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
