"""A recipe that crashes, hangs, eats memory or floods its output fails alone, and the cause is named."""

from __future__ import annotations

import os
import shutil
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.faults.project import Project, finish, wait_for
from tests.faults.shops import Trouble, troubles

ENDS = {
    "segfault": ("ctypes.string_at(0)", "SIGSEGV (a segmentation fault in native code)"),
    "abort": ("os.abort()", "SIGABRT (an abort in native code)"),
    "exit_zero": ("os._exit(0)", "exit code 0 before it had reported a result"),
    "exit_three": ("sys.exit(3)", "the recipe called exit(3)"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "group": ("os.killpg(0, signal.SIGTERM)", "SIGTERM"),
    "guard": ("os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)", "SIGKILL"),
    "asked": ("os.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(60)", "SIGTERM"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "memory": ("raise MemoryError", "MemoryError"),
    "deep": ("def f(): f()\nf()", "RecursionError"),
    "speechless": (
        "class Speechless(Exception):\n    def __str__(self): raise ValueError\nraise Speechless",
        "Speechless",
    ),
    "half_a_character": ("raise ValueError('half \\udcff')", "ValueError: half \\udcff"),
    "half_in_a_line": ("raise ValueError('why')  # \\udcff", "ValueError: why"),
    "odd_file": ("open(os.fsdecode(b'data/odd-\\xff.txt'))", "odd-\\udcff.txt"),
    "odd_code": ("exec(compile('1/0', 'x\\udcff.py', 'exec'))", "ZeroDivisionError"),
    "odd_note": ("error = KeyError('why')\nerror.add_note('\\ud800')\nraise error", "KeyError: 'why'"),
    "closes": ("os.closerange(0, 256)", "result"),
    "forged": (
        "for n in range(3, 64):\n    try: os.write(n, b'{}\\n')\n    except OSError: pass\nos._exit(0)",
        "exit code 0 before it had reported a result",
    ),
    "nothing": ("return None", "returned nothing (None)"),
    "link": (
        "import upriver.materializer.execution.local.worker as w\nsys.exit('bye')",
        "the recipe called exit(bye)",
    ),
}


GARBAGE = Trouble(
    "garbage", "for n in range(3, 64):\n    try: os.write(n, b'garbage')\n    except OSError: pass"
)


def repaired(project: Project) -> None:
    """Take the trouble out of the first recipe, and the other recipes out of the project."""
    text = (project.root / "assets/recipes.py").read_text()
    head, *functions = text.split("@asset(")
    kept, *others = [one.split("def ", 1)[1].split("(")[0] for one in functions]
    calm = "@asset()\ndef {}(numbers: pa.Table) -> pa.Table:\n    return table\n"
    project.write("assets/recipes.py", head + "\n\n".join(calm.format(name) for name in (kept, "sibling")))
    for name in others:
        if name != "sibling":
            (project.root / f"assets/after_{name}.sql").unlink()


def test_whatever_ends_a_recipe_is_named_and_the_others_succeed(tmp_path: Path) -> None:
    """All of these in one build: each fails alone with its own cause; its downstream waits for it."""
    project = troubles(tmp_path / "p", *(Trouble(name, body) for name, (body, _) in ENDS.items()), GARBAGE)
    began = time.monotonic()
    done = project.build("--jobs", "4")
    assert done.code == 1, done.said
    assert time.monotonic() - began < 40
    for name, (_, cause) in ENDS.items():
        assert done.actions[name] == "failed", name
        assert cause in done.errors[name], (name, done.errors[name])
        assert done.actions[f"after_{name}"] == "blocked", name
    for name in ("sibling", "after_sibling", "garbage"):
        assert done.actions[name] == "built"
    repaired(project)
    project.settle()


HANGS = {
    "sleeps": "time.sleep(600)",
    "ignores": "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(600)",
    "child": "subprocess.run(['sleep', '600'])",
    "stubborn_child": "subprocess.run(['sh', '-c', 'trap \"\" TERM INT HUP; sleep 600 & sleep 600; sleep 600'])",
    "other_session": "subprocess.Popen(['setsid', 'sleep', '600'])\ntime.sleep(600)",
    "daemon": (
        "subprocess.run(['setsid', 'sh', '-c', 'trap \"\" TERM HUP; sleep 600 & exit 0'], close_fds=True)\n"
        "time.sleep(600)"
    ),
    "holds_the_interpreter": "ctypes.PyDLL(None).sleep(600)",
    "stops_itself": "os.killpg(0, signal.SIGSTOP)\ntime.sleep(600)",
    "stops_its_guard": "os.kill(os.getppid(), signal.SIGSTOP)\ntime.sleep(600)",
    "threads": "for _ in range(3): threading.Thread(target=time.sleep, args=(600,)).start()\ntime.sleep(600)",
}
HANGING = [Trouble(name, body, "timeout=2") for name, body in HANGS.items()]


def hanging(root: Path, options: str = "", *, start: str = "") -> Project:
    """Recipes that hang; each leaves a file in ``started``."""
    told = "(here / 'started' / {!r}).write_text('yes\\n')\n"
    options = f"{options}, writes=['started/*']" if options else "writes=['started/*']"
    return troubles(
        root, *(Trouble(name, told.format(name) + start + body, options) for name, body in HANGS.items())
    )


def started(project: Project) -> None:
    """Wait until all hanging recipes hang, with the children that they start."""
    for name in HANGS:
        wait_for(project.root / "started" / name)
    time.sleep(0.5)


def test_a_timeout_ends_the_whole_process_tree(tmp_path: Path) -> None:
    """Two seconds after the deadline nothing of it runs, children in other sessions and daemons included."""
    project = hanging(tmp_path / "p", "timeout=8")
    process = project.start("build", "--json", "--jobs", str(len(HANGS) + 1))
    started(project)
    done = finish(process)
    assert done.code == 1
    for name in HANGS:
        assert "longer than its timeout of 8 s" in done.errors[name], (name, done.errors[name])
    assert project.processes() == {}
    slowest = max(one["seconds"] for one in done.document["assets"] if one["asset"] in HANGS)
    assert slowest < 8 + 2 + 8, "started at the same time as others on a busy machine"
    repaired(project)
    project.settle()


def test_nothing_outlives_a_killed_build(tmp_path: Path) -> None:
    """Whatever the recipes do: five seconds after ``kill -9`` of the build alone, nothing of it runs."""
    project = hanging(tmp_path / "p")
    process = project.start("build", "--jobs", str(len(HANGS) + 1))
    started(project)
    process.kill()
    took = project.all_gone(within=5.0)
    assert took < 5.0
    process.communicate()
    repaired(project)
    project.settle()


def test_what_a_recipe_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    """An asset that succeeds while a child of it goes on: the child is ended, the artifact is kept."""
    project = troubles(
        tmp_path / "p",
        Trouble("leaves", "subprocess.Popen(['setsid', 'sh', '-c', 'trap \"\" TERM; sleep 600 & exit 0'])"),
    )
    done = project.build()
    assert done.code == 0, done.said
    assert project.processes() == {}
    project.settle()


@pytest.mark.parametrize("who", ["recipe", "guard"])
def test_a_worker_that_is_killed_from_outside_fails_alone(tmp_path: Path, who: str) -> None:
    """The attempt fails with the cause; its children go with it; the next attempt may succeed."""
    project = troubles(
        tmp_path / "p",
        Trouble(
            "victim",
            "if not (here / 'at/again').exists():\n"
            "    subprocess.Popen(['sleep', '600'])\n"
            "    (here / 'at/again').write_text('')\n"
            "    (here / 'at/recipe').write_text(f'{os.getpid()}\\n')\n"
            "    (here / 'at/guard').write_text(f'{os.getppid()}\\n')\n"
            "    time.sleep(600)",
            "retries=1, backoff=0.01, writes=['at/*']",
        ),
    )
    process = project.start("build", "--json")
    wait_for(project.root / "at/guard")
    os.kill(int(wait_for(project.root / "at" / who)), signal.SIGKILL)
    done = finish(process)
    assert done.code == 0, done.said
    log = project.here("log", "last", "victim")
    assert "SIGKILL" in log.out
    for name in ("again", "recipe", "guard"):
        (project.root / "at" / name).unlink()
    repaired(project)
    project.settle()


def test_memory_beyond_the_limit_ends_the_attempt(tmp_path: Path) -> None:
    """Of the recipe itself, and of a child of it; the sibling does not feel it."""
    eat = "x = bytearray(1500 << 20)\ntime.sleep(60)"
    project = troubles(
        tmp_path / "p",
        Trouble("hungry", eat, "memory='600MB'"),
        Trouble(
            "child", f"subprocess.run([sys.executable, '-c', {('import time;' + eat)!r}])", "memory='600MB'"
        ),
        Trouble("modest", "x = bytearray(50 << 20)", "memory='600MB'"),
    )
    done = project.build()
    assert done.code == 1
    for name in ("hungry", "child"):
        assert "more than its memory limit of 572 MiB" in done.errors[name], done.errors[name]
    assert done.actions["modest"] == done.actions["sibling"] == "built"
    repaired(project)
    project.settle()


def test_floods_of_output_are_cut(tmp_path: Path) -> None:
    """Each stream that never ends, in its own way; the log of the run stays small."""
    project = troubles(
        tmp_path / "p",
        Trouble("lines", "for n in range(400_000): print('line', n, 'x' * 60)"),
        Trouble("empty", "os.write(1, b'\\n' * 20_000_000)"),
        Trouble("endless", "os.write(2, b'y' * 30_000_000)"),
        Trouble("binary", "os.write(1, bytes(range(256)) * 100_000)"),
    )
    done = project.build()
    assert done.code == 0, done.said
    size = sum(path.stat().st_size for path in (project.folder / "runs").rglob("*") if path.is_file())
    assert size < 64 << 20, f"{size >> 20} MiB"
    log = project.here("log", "last")
    for name in ("lines", "empty", "endless", "binary"):
        cut = project.here("log", "last", name)
        assert "the rest is not kept" in cut.out, name
    assert "\x1b" not in log.out.replace("\x1b[", "")
    project.settle()


def test_retries_wait_longer_each_time(tmp_path: Path) -> None:
    """Two failures, then success: the waits double, with jitter; the log has each cause."""
    project = troubles(
        tmp_path / "p",
        Trouble(
            "flaky",
            "times = here / 'at/times'\n"
            "with times.open('a') as file: file.write(f'{time.time():19.6f}\\n')\n"
            "if times.stat().st_size < 4 * 20: raise OSError('not yet')",
            "retries=3, backoff=0.4, writes=['at/*']",
        ),
    )
    done = project.build()
    assert done.code == 0, done.said
    times = [float(line) for line in (project.root / "at/times").read_text().split()]
    waits = [after - before for before, after in pairwise(times)]
    assert len(waits) == 3
    for wait, full in zip(waits, (0.4, 0.8, 1.6), strict=True):
        assert full / 2 <= wait < full + 5
    retrying = [one for one in events(project) if one["type"] == "asset_retrying"]
    assert [one["attempt"] for one in retrying] == [1, 2, 3]
    assert all("OSError: not yet" in str(one["error"]) for one in retrying)
    (project.root / "at/times").unlink()
    repaired(project)
    project.settle()


def test_a_pool_limits_what_runs_together(tmp_path: Path) -> None:
    """Six assets in a pool of two: never three at once, whatever --jobs says."""
    body = (
        "began = time.time()\ntime.sleep(0.3)\n(here / 'at' / {0!r}).write_text(f'{{began}} {{time.time()}}')"
    )
    project = troubles(
        tmp_path / "p",
        *(Trouble(f"call{n}", body.format(f"{n}"), "pool='api', writes=['at/*']") for n in range(6)),
    )
    project.write("upriver.toml", '[project]\nname = "trouble"\n[pools]\napi = 2\n')
    assert project.build("--jobs", "8").code == 0
    spans = [tuple(map(float, path.read_text().split())) for path in (project.root / "at").iterdir()]
    together = max(sum(1 for begin, end in spans if begin <= at < end) for at, _ in spans)
    assert together == 2
    repaired(project)
    project.settle()


def test_what_does_not_fit_into_the_memory_of_the_build_takes_turns(tmp_path: Path) -> None:
    """Assets of over 250 MB each in a build of 500 MB: together once, to learn what they take, and then one by one."""
    body = (
        "began = time.time()\nheld = bytearray(b'x') * 250_000_000\n"
        "time.sleep(0.5)\n(here / 'at' / {0!r}).write_text(f'{{began}} {{time.time()}}')"
    )
    project = troubles(
        tmp_path / "p", *(Trouble(f"large{n}", body.format(f"{n}"), "writes=['at/*']") for n in range(3))
    )
    project.write("upriver.toml", '[project]\nname = "trouble"\n[build]\nmemory = "500MB"\n')
    together = []
    for words in ((), ("--force",)):
        assert project.build("--jobs", "3", *words).code == 0
        spans = [tuple(map(float, path.read_text().split())) for path in (project.root / "at").iterdir()]
        together.append(max(sum(1 for begin, end in spans if begin <= at < end) for at, _ in spans))
    assert together[0] > together[1] == 1
    repaired(project)
    project.settle()


def events(project: Project) -> list[dict[str, object]]:
    """The events of the last run."""
    import json

    last = max((project.folder / "runs").iterdir())
    return [json.loads(line) for line in (last / "events.jsonl").read_text().splitlines()]


def test_what_has_no_limit_of_its_own_takes_no_more_than_a_share_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless recursion in SQL and an endless list in Python fail alone; the machine here is a small one."""
    monkeypatch.setattr("upriver.materializer.composition.default_memory", lambda: 300 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: _Usage(free=600 << 20))
    project = troubles(
        tmp_path / "p", Trouble("greedy", "held = []\nwhile True: held.append(bytearray(1 << 20))")
    )
    project.write(
        "assets/endless.sql",
        "with recursive r(i) as (select 1 union all select i + 1 from r, range(100)) select * from r\n",
    )
    done = project.here("build", "--json", "--jobs", "2")
    assert done.code == 1, done.said
    assert "more than its memory limit of 300 MiB" in done.errors["greedy"]
    assert "Out of Memory" in done.errors["endless"]
    assert done.actions["sibling"] == "built"


class _Usage(NamedTuple):
    free: int
