"""Processes that are forked from one that has imported libraries: as fresh as new ones, and as surely ended."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from upriver.assets.support.forked_process import ForkedProcess, ForkParent
from upriver.assets.support.process_tree import children, descendants, started_at
from upriver.materializer.composition import PRELOADED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forking is for Linux only")

PROBE = '''
import json, os, sys, time
from pathlib import Path


def work(pipe, arguments):
    """Run the function that is named first, and write what it returns to the descriptor that comes last."""
    name, *rest, descriptor = arguments
    pipe.readline()
    from upriver.assets.support.fresh_state import begin_afresh
    begin_afresh()
    text = json.dumps(globals()[name](*rest)).encode()
    while text:
        text = text[os.write(int(descriptor), text):]


def state():
    import locale, signal, warnings
    import polars as pl
    return {
        "variables": sorted(f"{name}={value}" for name, value in os.environ.items()),
        "folder": os.getcwd(),
        "arguments": [one for one in sys.argv[1:] if not one.isdigit()],
        "handlers": [repr(signal.getsignal(number)) for number in range(1, 32)],
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "mask": os.umask(os.umask(0)),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "settings": pl.Config.state(),
        "modules": sorted(name for name in sys.modules if name.startswith("left")),
        "path": sys.path,
        "attribute": hasattr(pl, "left_behind"),
        "filters": len(warnings.filters),
        "locale": locale.setlocale(locale.LC_ALL),
        "recursion": sys.getrecursionlimit(),
        "group": os.getpgrp() == os.getpid() == os.getsid(0),
        "zone": time.tzname,
        "priority": os.nice(0),
    }


def leave():
    import random, signal, types, warnings
    import numpy as np
    import polars as pl
    os.environ["LEFT"] = "behind"
    os.environ.pop("LANG", None)
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    os.umask(0o077)
    for _ in range(10):
        os.open("/dev/null", os.O_RDONLY)
    pl.Config.set_tbl_rows(3)
    sys.modules["left_module"] = types.ModuleType("left_module")
    sys.path.insert(0, "/left")
    pl.left_behind = True
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(5000)
    random.seed(1)
    np.random.seed(1)
    pl.set_random_seed(1)
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    os.nice(3)
    pl.LazyFrame({"a": [1]}).collect()
    return True


def drawn():
    import random
    import numpy as np
    import polars as pl
    return [
        random.random(), float(np.random.random()), pl.Series([*range(1000)]).sample(5).to_list(),
        os.urandom(4).hex(), hash("a text"), hash(frozenset({"a", "b"})),
    ]


def multiply():
    import numpy as np
    import threading
    a = np.arange(300 * 300, dtype=float).reshape(300, 300) / 1e4
    found = []
    others = [threading.Thread(target=lambda: found.append(float((a @ a).sum()))) for _ in range(3)]
    for one in others:
        one.start()
    for one in others:
        one.join()
    found.append(float(np.linalg.svd(a, compute_uv=False)[0]))
    return found


def query(folder):
    import duckdb
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc
    frame = pl.LazyFrame({"a": range(100_000)}).with_columns(b=pl.col("a") % 7)
    frame.group_by("b").agg(pl.len()).sort("b").sink_parquet(f"{folder}/{os.getpid()}.parquet")
    table = pa.table({"a": range(100_000)})
    return [
        pl.scan_parquet(f"{folder}/{os.getpid()}.parquet").collect().height,
        pc.sum(table["a"]).as_py(),
        duckdb.sql("select sum(range)::bigint from range(100000)").fetchall()[0][0],
    ]


def spill(folder):
    import polars as pl
    frame = pl.LazyFrame({"a": range(3_000_000)}).with_columns(b=pl.col("a").hash(), c=pl.col("a").cast(pl.String))
    frame.sort("b").sink_parquet("/dev/null", engine="streaming")
    for _ in range(100):
        if not any(path.is_file() for path in Path(folder).rglob("*")):
            break
        time.sleep(0.05)
    return [path.name for path in Path(folder).rglob("*") if path.is_file()]


def hang(path):
    import subprocess
    subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM HUP; sleep 600 & exit 0"])
    Path(path).write_text(f"{os.getpid()}\\n")
    time.sleep(600)


def leaves(code):
    os._exit(int(code))


def burn(seconds):
    while time.process_time() < float(seconds):
        pass


def environment():
    return dict(os.environ)


def modules():
    return sorted(sys.modules)
'''


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a module ``probe`` that forked processes can import."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "probe.py").write_text(PROBE)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def parent(probe: Path) -> Iterator[ForkParent]:
    """As a build has it."""
    made = ForkParent(PRELOADED)
    yield made
    made.close()


def started(parent: ForkParent, *words: str, folder: Path | None = None) -> tuple[ForkedProcess, int]:
    """A process that runs the probe's function with arguments, and the descriptor that the answer comes from."""
    receive, send = os.pipe()
    try:
        process = parent.start("probe", words, folder=folder, stderr=subprocess.PIPE, descriptors=(send,))
    finally:
        os.close(send)
    process.pipe.write(b"go\n")
    process.pipe.flush()
    return process, receive


def asked(parent: ForkParent, *words: str, folder: Path | None = None) -> Any:
    """What the probe's function returns."""
    process, receive = started(parent, *words, folder=folder)
    try:
        with os.fdopen(receive, "rb") as answer:
            assert process.begun(60)
            assert select.select([answer], [], [], 60)[0], "no answer"
            text = answer.read()
        process.wait(10)
        assert process.stderr is not None
        assert text, (process.code, process.problem, process.stderr.read())
        return json.loads(text)
    finally:
        process.close()


def wait(until: Callable[[], object], within: float = 5.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + within
    while not until():
        assert time.monotonic() < deadline, "it does not"
        time.sleep(0.01)


def hanging(parent: ForkParent, path: Path) -> tuple[ForkedProcess, list[int]]:
    """A process that hangs, with a daemon in another session below it, and the numbers of all that is below it."""
    process, receive = started(parent, "hang", str(path))
    os.close(receive)
    wait(lambda: path.exists() and path.read_text().endswith("\n"), 20)
    wait(lambda: sorted(map(_name, alive(process.below()))) == ["python", "sleep"], 20)
    return process, alive(process.below())


def _name(pid: int) -> str:
    try:
        return re.sub(r"python.*", "python", Path("/proc", str(pid), "comm").read_text().strip())
    except OSError:
        return ""


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if started_at(pid)]


# -- as new --------------------------------------------------------------------------------------------------
def test_nothing_passes_from_one_process_to_another(parent: ForkParent, tmp_path: Path) -> None:
    """Globals, variables, folder, signals, settings, descriptors: whatever one does, the next finds all as it was."""
    before = asked(parent, "state", folder=tmp_path)
    assert before["folder"] == str(tmp_path)
    assert before["group"]
    for _ in range(2):
        assert asked(parent, "leave", folder=tmp_path) is True
        assert asked(parent, "state", folder=tmp_path) == before


def test_a_forked_process_is_as_a_new_interpreter(parent: ForkParent, probe: Path, tmp_path: Path) -> None:
    """But for what was imported already."""
    from upriver.assets.support.spawned_process import Spawn

    receive, send = os.pipe()
    (probe / "main.py").write_text(
        "import probe\nfrom upriver.assets.support.supervised_process import run_program\nrun_program(probe.work)\n"
    )
    process = Spawn().start("main", ["state"], folder=tmp_path, descriptors=(send,))
    os.close(send)
    process.pipe.write(b"go\n")
    process.pipe.flush()
    with os.fdopen(receive, "rb") as answer:
        new = json.loads(answer.read())
    process.close()
    forked = asked(parent, "state", folder=tmp_path)
    for one in (forked, new):  # Polars sets it when it is imported, here by other tests or not
        one["variables"] = [pair for pair in one["variables"] if not pair.startswith("_RJEM_MALLOC_CONF=")]
    assert set(forked["variables"]) ^ set(new["variables"]) == set()
    for name in ("filters", "settings"):  # libraries that are imported add to these
        new.pop(name)
        forked.pop(name)
    assert forked == new


def test_no_two_processes_draw_the_same_numbers_and_all_hash_alike(parent: ForkParent) -> None:
    drawn = [asked(parent, "drawn") for _ in range(4)]
    for number in range(4):
        assert len({str(one[number]) for one in drawn}) == 4, number
    for number in (4, 5):
        assert len({one[number] for one in drawn}) == 1


def test_the_environment_is_that_of_the_moment(parent: ForkParent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that were set after the fork parent was started, and no others."""
    asked(parent, "environment")
    first = parent.pid
    monkeypatch.setenv("LATER", "a b=c\nd")
    monkeypatch.setenv("BYTES", os.fsdecode(b"\xff"))
    monkeypatch.delenv("HOME", raising=False)
    expected = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    found = asked(parent, "environment")
    for one in (found, expected):
        one.pop("_RJEM_MALLOC_CONF", None)  # which Polars sets when it is imported
    assert found == expected
    assert parent.pid == first


def test_the_fork_parent_has_nothing_of_the_user(parent: ForkParent, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, no folder, no project code; and no thread but those of an allocator."""
    monkeypatch.setenv("MY_SECRET", "hush")
    asked(parent, "leave")
    assert parent.pid is not None
    place = Path("/proc", str(parent.pid))
    variables = {pair.partition(b"=")[0] for pair in (place / "environ").read_bytes().split(b"\0")}
    assert not variables & {b"MY_SECRET", b"HOME", b"USER", b"PWD"}
    assert str((place / "cwd").readlink()).endswith(" (deleted)")
    threads = [(one / "comm").read_text().strip() for one in (place / "task").iterdir()]
    assert {name for name in threads if not name.startswith("python")} <= {"jemalloc_bg_thd"}
    assert len([name for name in threads if name.startswith("python")]) == 1, threads
    assert len(os.listdir(place / "fd")) <= 8


def test_what_was_imported_is_there_and_what_was_asked_for_is_used(parent: ForkParent) -> None:
    """Otherwise forking would gain nothing."""
    assert {"polars", "pyarrow", "numpy"} <= set(asked(parent, "modules"))


@pytest.mark.parametrize("times", [5, pytest.param(1000, marks=pytest.mark.soak)])
def test_libraries_with_threads_work_in_forks(parent: ForkParent, tmp_path: Path, times: int) -> None:
    """Polars, Arrow, DuckDB and NumPy's OpenBLAS, whose threads no fork inherits."""
    for _ in range(times):
        assert asked(parent, "query", str(tmp_path)) == [7, 4999950000, 4999950000]
        assert len(set(asked(parent, "multiply")[:3])) == 1


def test_what_polars_has_spilled_is_removed(
    parent: ForkParent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a thread that a fork does not inherit, and therefore has to start."""
    monkeypatch.setenv("POLARS_OOC_MEMORY_BUDGET_MB", "20")
    monkeypatch.setenv("POLARS_OOC_SPILL_MIN_BYTES", "1")
    monkeypatch.setenv("POLARS_OOC_SPILL_DIR", str(tmp_path / "spill"))
    assert asked(parent, "spill", str(tmp_path / "spill")) == []
    assert (tmp_path / "spill").is_dir(), "it has spilled nothing, so this has tested nothing"


# -- how it ends ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_comes_through(parent: ForkParent, code: int) -> None:
    process, receive = started(parent, "leaves", str(code))
    assert process.wait(20)
    assert process.code == code
    process.close()
    os.close(receive)


def test_an_error_is_printed_as_an_interpreter_does(parent: ForkParent) -> None:
    process, receive = started(parent, "nowhere")
    assert process.wait(20)
    assert process.code == 1
    assert process.stderr is not None
    assert b"KeyError: 'nowhere'" in process.stderr.read()
    process.close()
    os.close(receive)


def test_the_signal_and_the_processor_time_come_through(parent: ForkParent, tmp_path: Path) -> None:
    process, below = hanging(parent, tmp_path / "told")
    os.kill(int((tmp_path / "told").read_text()), signal.SIGSEGV)
    assert process.wait(20)
    assert process.code == -signal.SIGSEGV
    process.close()
    assert alive(below) == []
    process, receive = started(parent, "burn", "0.3")
    assert process.wait(60)
    process.close()
    os.close(receive)
    assert process.processor_seconds is not None
    assert 0.25 < process.processor_seconds < 1.5


def test_killing_a_keeper_ends_what_is_below_it_and_nothing_else(parent: ForkParent, tmp_path: Path) -> None:
    other, others = hanging(parent, tmp_path / "other")
    process, below = hanging(parent, tmp_path / "told")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(5)
    assert process.code == -signal.SIGKILL
    assert not process.lost
    assert alive(below) == []
    assert alive(others) == others
    for one in (process, other):
        one.close()
    assert alive(others) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV], ids=lambda it: it.name)
def test_killing_the_fork_parent_ends_all_and_is_told(
    parent: ForkParent, tmp_path: Path, number: signal.Signals
) -> None:
    """As the loss of it; what is asked for next has another one."""
    processes = [hanging(parent, tmp_path / f"{n}") for n in range(3)]
    first = parent.pid
    assert first is not None
    os.kill(first, number)
    for process, below in processes:
        assert process.wait(5)
        assert process.lost
        assert "forked from has ended" in str(process.problem)
        wait(lambda below=below: alive(below) == [], 5)  # type: ignore[misc]
        process.close()
    assert asked(parent, "drawn")
    assert parent.pid not in (None, first)


def test_a_fork_parent_that_was_stopped_goes_on(parent: ForkParent) -> None:
    """Whoever has stopped it: the next request lets it go on."""
    asked(parent, "drawn")
    assert parent.pid is not None
    os.kill(parent.pid, signal.SIGSTOP)
    assert asked(parent, "drawn")


BUILDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.assets.support.test_forked_process import *
parent = ForkParent(PRELOADED)
held = [hanging(parent, Path({folder!r}) / f"told{{n}}") for n in range(2)]
(Path({folder!r}) / "ready").write_text(f"{{parent.pid}}\\n")
time.sleep(600)
"""


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_nothing_outlives_a_killed_builder(probe: Path, tmp_path: Path, stopped: bool) -> None:
    """Neither the fork parent nor what was forked, also when somebody has stopped the fork parent."""
    root = Path(__file__).parents[3]
    code = BUILDER.format(tests=str(root), folder=str(tmp_path))
    builder = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    ready = tmp_path / "ready"
    wait(lambda: ready.exists() and ready.read_text().endswith("\n"), 40)
    parent = int(ready.read_text())
    below = descendants(parent)
    assert len(below) >= 7
    if stopped:
        os.kill(parent, signal.SIGSTOP)
    builder.kill()
    builder.wait()
    wait(lambda: alive(below) == [], 5)


def test_closing_ends_the_fork_parent(parent: ForkParent, tmp_path: Path) -> None:
    asked(parent, "drawn")
    pid = parent.pid
    assert pid is not None
    began = time.monotonic()
    parent.close()
    assert not started_at(pid)
    assert time.monotonic() - began < 1.0


# -- which one it is -----------------------------------------------------------------------------------------
def test_another_fork_parent_is_started_when_what_it_has_imported_would_differ(
    parent: ForkParent, probe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that libraries look at when they are imported, and installed distributions; what runs is not ended."""
    pids = [parent.pid]
    process, below = hanging(parent, tmp_path / "told")
    pids.append(parent.pid)
    monkeypatch.setenv("POLARS_MAX_THREADS", "1")
    asked(parent, "drawn")
    pids.append(parent.pid)
    monkeypatch.syspath_prepend(str(probe))
    asked(parent, "drawn")
    pids.append(parent.pid)
    (probe / "thing-1.0.dist-info").mkdir()
    asked(parent, "drawn")
    pids.append(parent.pid)
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    asked(parent, "drawn")
    assert parent.pid == pids[-1]
    assert len(set(pids)) == 5
    assert alive(below) == below
    first = pids[1]
    assert first is not None
    assert started_at(first)
    process.close()
    wait(lambda: not started_at(first))


@pytest.mark.parametrize("times", [200, pytest.param(10_000, marks=pytest.mark.soak)])
def test_no_fork_leaves_a_descriptor_or_a_process_behind(parent: ForkParent, times: int) -> None:
    """Neither here nor in the fork parent."""

    def held() -> tuple[int, int, list[int]]:
        assert parent.pid is not None
        return (
            len(os.listdir("/proc/self/fd")),
            len(os.listdir(f"/proc/{parent.pid}/fd")),
            children(parent.pid),
        )

    asked(parent, "modules")
    time.sleep(0.5)  # what is left of that
    before = held()
    for number in range(times):
        process, receive = started(parent, "leaves", str(number % 200))
        assert process.wait(30)
        assert process.code == number % 200
        process.close()
        os.close(receive)
    wait(lambda: held() == before)
    assert before[2] == []


def test_the_program_text_is_valid() -> None:
    """What the probe is made of compiles."""
    compile(textwrap.dedent(PROBE), "probe.py", "exec")
