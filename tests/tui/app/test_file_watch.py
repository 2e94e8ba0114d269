"""Changes of the project are noticed by the system's report or by looking; the last statuses are cached."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.session import FakeSession
from tests.fakes.shop import shop

from upriver.materializer.automation import file_watch
from upriver.materializer.automation.file_watch import FolderWatch
from upriver.materializer.model import State
from upriver.tui.app import background
from upriver.tui.app.status_cache import CachedStatuses, cached_path, load_statuses, save_statuses

Desk = Callable[..., Any]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it looks into /proc")


def test_the_kernel_tells_of_every_touch_and_of_new_folders(tmp_path: Path) -> None:
    """Writes, new files, removals, in folders that came later too; not of what the state folder holds below."""
    (tmp_path / "assets").mkdir()
    (tmp_path / ".upriver" / "store").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    watch = FolderWatch(tmp_path)
    try:
        assert not watch.wait(0.1)
        for touch in (
            lambda: (tmp_path / "assets" / "a.sql").write_text("select 1"),
            lambda: (tmp_path / "assets" / "a.sql").unlink(),
            lambda: (tmp_path / "assets" / "new").mkdir(),
            lambda: (tmp_path / "assets" / "new" / "b.sql").write_text("select 2"),
            lambda: (tmp_path / ".upriver" / "state.db").write_text("x"),
        ):
            touch()
            assert watch.wait(5)
            while watch.wait(0.15):
                pass
        (tmp_path / ".upriver" / "store" / "artifact").write_text("x")
        (tmp_path / ".git" / "index").write_text("x")
        (tmp_path / ".upriver" / "state.db-journal").write_text("x")
        assert not watch.wait(0.3)
    finally:
        watch.close()


def test_what_is_of_no_interest_does_not_end_the_wait(tmp_path: Path) -> None:
    """Whoever waits looks at the lock of builds in between: that must not make it look again, forever."""
    (tmp_path / ".upriver").mkdir()
    watch = FolderWatch(tmp_path)
    try:
        begun = time.monotonic()
        timers = [
            threading.Timer(0.02 * n, (tmp_path / ".upriver" / "build.lock").write_text, ["x"])
            for n in range(5)
        ]
        for timer in timers:
            timer.start()
        assert not watch.wait(0.3)
        assert time.monotonic() - begun >= 0.3
    finally:
        watch.close()


def test_it_is_woken_by_another_thread(tmp_path: Path) -> None:
    """So that leaving does not wait."""
    watch = FolderWatch(tmp_path)
    timer = threading.Timer(0.05, watch.wake)
    timer.start()
    begun = time.monotonic()
    assert watch.wait(30)
    assert time.monotonic() - begun < 10
    watch.close()


def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    """The revision is looked at instead."""
    with pytest.raises(OSError, match="no folder"):
        FolderWatch(tmp_path / "nowhere")


def quiet(watch: FolderWatch) -> None:
    """Wait until everything that was touched so far is reported."""
    while watch.wait(0.15):
        pass


def test_what_is_touched_between_two_waits_is_reported_by_the_second(tmp_path: Path) -> None:
    """The watch listens all the time, not only while it is asked."""
    watch = FolderWatch(tmp_path)
    try:
        (tmp_path / "a.sql").write_text("select 1")
        time.sleep(0.2)
        assert watch.wait(5)
    finally:
        watch.close()


def test_a_tree_that_appears_at_once_is_watched_to_its_depth(tmp_path: Path) -> None:
    """Nested folders come with their files in one step (a checkout, an unpacked archive)."""
    (tmp_path / "assets").mkdir()
    watch = FolderWatch(tmp_path)
    try:
        deep = tmp_path / "assets" / "a" / "b" / "c"
        deep.mkdir(parents=True)
        assert watch.wait(5)
        quiet(watch)
        (deep / "x.sql").write_text("select 1")
        assert watch.wait(5)
    finally:
        watch.close()


def test_a_folder_that_is_replaced_by_another_of_its_name_is_watched(tmp_path: Path) -> None:
    """Another branch is checked out: the folder has its old name and is another."""
    (tmp_path / "assets").mkdir()
    watch = FolderWatch(tmp_path)
    try:
        (tmp_path / "assets").rmdir()
        (tmp_path / "assets").mkdir()
        assert watch.wait(5)
        quiet(watch)
        (tmp_path / "assets" / "x.sql").write_text("select 1")
        assert watch.wait(5)
    finally:
        watch.close()


def test_the_state_folder_is_watched_when_it_comes_later(tmp_path: Path) -> None:
    """The first build makes it; another process's build shows by what it writes there."""
    watch = FolderWatch(tmp_path)
    try:
        (tmp_path / ".upriver").mkdir()
        assert watch.wait(5)
        quiet(watch)
        (tmp_path / ".upriver" / "state.db").write_text("x")
        assert watch.wait(5)
    finally:
        watch.close()


def test_a_new_folder_whose_event_was_lost_is_found_by_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's queue is finite: which folders there are is looked at now and then in any case."""
    monkeypatch.setattr(file_watch, "_CHECK_EVERY", 0.0)
    (tmp_path / "assets").mkdir()
    watch = FolderWatch(tmp_path)
    watch._watched.remove(str(tmp_path / "assets"))
    try:
        assert watch.wait(5)
        quiet(watch)
        assert str(tmp_path / "assets") in watch._watched
    finally:
        watch.close()


@linux
def test_a_name_that_is_no_text_is_reported_as_some_change(tmp_path: Path) -> None:
    """Names of files are bytes; the watch goes on after one that can't be decoded."""
    watch = FolderWatch(tmp_path)
    try:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.sql"))).write_text("select 1")
        assert watch.wait(5)
        quiet(watch)
        (tmp_path / "b.sql").write_text("select 2")
        assert watch.wait(5)
    finally:
        watch.close()


@pytest.mark.parametrize("problem", [OSError("no inotify watches left"), PermissionError(13, "no")], ids=str)
def test_a_watch_that_the_system_refuses_is_an_os_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: OSError
) -> None:
    """The caller then looks at the revision instead."""

    def refuse(*_: object) -> None:
        raise problem

    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", refuse)
    with pytest.raises(OSError, match="no"):
        FolderWatch(tmp_path)


def test_more_folders_than_may_be_watched_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start, and when they become too many later."""
    monkeypatch.setattr(file_watch, "MOST_FOLDERS", 2)
    (tmp_path / "a").mkdir()
    watch = FolderWatch(tmp_path)
    try:
        (tmp_path / "b").mkdir()
        with pytest.raises(OSError, match="too many"):
            watch.wait(5)
    finally:
        watch.close()
    with pytest.raises(OSError, match="too many"):
        FolderWatch(tmp_path)


CLOSING = """
import sys, time
from pathlib import Path
from upriver.materializer.automation.file_watch import FolderWatch

def name(task):
    try:
        return (task / "comm").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return ""

def listening():
    return sum(name(task).startswith("notify-rs") for task in Path("/proc/self/task").iterdir())

folder = Path(sys.argv[1])
watch = FolderWatch(folder)
(folder / "new").mkdir()
assert watch.wait(30)
assert listening()
watch.close()
end = time.monotonic() + 30
while listening() and time.monotonic() < end:
    time.sleep(0.01)
assert not listening()
"""


@linux
def test_closing_leaves_no_thread(tmp_path: Path) -> None:
    """The library listens on a thread of its own, on another after a new folder came. In a process of its own: tests
    before this one may have left an app that still closes.
    """
    done = subprocess.run(
        [sys.executable, "-c", CLOSING, str(tmp_path)], capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr


def test_the_watch_knows_nothing_of_the_terminal_ui() -> None:
    """A loop without a screen uses it too; what makes no watch does not load the library."""
    call = "import sys, upriver.materializer.automation.file_watch; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", call], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {name for name in loaded if name.split(".")[0] in ("textual", "rich", "watchfiles")}


async def test_a_watch_that_breaks_is_replaced_by_looking(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of the kernel is met while the app is open."""

    def broken(watch: FolderWatch, timeout: float) -> bool:
        raise OSError("no more")

    monkeypatch.setattr(FolderWatch, "wait", broken)
    session = FakeSession(root=tmp_path)
    async with desk(session) as at:
        await at.until(lambda: at.app.model.checked)
        session.edit("staging.fx")
        await at.until(lambda: at.app.model.statuses["staging.fx"].state is State.STALE, timeout=5)


@pytest.mark.parametrize("kernel", [True, False], ids=["told", "looking"])
async def test_a_change_is_noticed_either_way(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: bool
) -> None:
    """With the kernel's help and without."""
    if not kernel:

        def refuse(root: Path) -> FolderWatch:
            raise OSError("no")

        monkeypatch.setattr(background, "FolderWatch", refuse)
    session = FakeSession(root=tmp_path)
    async with desk(session) as at:
        await at.until(lambda: at.app.model.checked)
        session.edit("staging.fx")
        (tmp_path / "touched").write_text("x")
        await at.until(lambda: at.app.model.statuses["staging.fx"].state is State.STALE, timeout=3)


async def test_the_last_reading_is_shown_until_the_project_is_read(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that takes long to read has its list at once; the header says that it is being read."""
    session = FakeSession(root=tmp_path)
    async with desk(session) as at:
        await at.until(lambda: cached_path(tmp_path).exists(), "keeping the reading")
    session.edit("staging.fx")
    go_on = threading.Event()
    status = session.status

    def slow(*words: Any, **options: Any) -> Any:
        go_on.wait(30)
        return status(*words, **options)

    monkeypatch.setattr(session, "status", slow)
    async with desk(session) as at:
        await at.shows("marts.churn", "reading the project …", "✓ 8")
        await at.press("end")
        here = at.here
        go_on.set()
        await at.until(lambda: at.app.model.checked)
        assert at.app.model.statuses["staging.fx"].state is State.STALE
        assert at.here == here
        await at.until(lambda: "reading the project" not in at.text())


async def test_the_start_shows_what_needs_attention_now(desk: Desk, tmp_path: Path) -> None:
    """Not what came first when the last session ended: nobody has moved the cursor yet."""
    session = FakeSession((spec for spec in shop() if spec.state is State.FRESH), root=tmp_path)
    async with desk(session) as at:
        await at.until(lambda: cached_path(tmp_path).exists(), "keeping the reading")
        last = at.app.main.assets.keys[-1]
    session.edit(last)
    async with desk(session) as at:
        await at.until(lambda: at.app.model.checked)
        await at.pilot.pause()
        assert at.app.model.statuses[at.here].state is State.STALE
        assert at.app.main.assets.cursor == 0


def test_what_is_kept_is_found_for_its_environment_only(tmp_path: Path) -> None:
    """And a damaged file is no problem."""
    statuses = tuple(FakeSession().statuses.values())
    save_statuses(tmp_path, CachedStatuses("shop", "dev", statuses))
    assert load_statuses(tmp_path, "dev") == CachedStatuses("shop", "dev", statuses)
    assert load_statuses(tmp_path, "prod") is None
    cached_path(tmp_path).write_bytes(b"\x93nonsense")
    assert load_statuses(tmp_path, "dev") is None
    save_statuses(tmp_path / "nowhere", CachedStatuses("shop", "dev", statuses))
    assert not (tmp_path / "nowhere").exists()
