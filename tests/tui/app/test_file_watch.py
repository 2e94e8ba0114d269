"""Changes of the project are noticed by the kernel's word or by looking; the last reading is kept."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.session import FakeSession
from tests.fakes.shop import shop

from upriver.materializer.model import State
from upriver.tui.app import background as errands
from upriver.tui.app.file_watch import FolderWatch
from upriver.tui.app.status_cache import CachedStatuses, cached_path, keep, load_statuses

Desk = Callable[..., Any]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")


@linux
def test_the_kernel_tells_of_every_touch_and_of_new_folders(tmp_path: Path) -> None:
    """Writes, new files, removals, in folders that came later too; not of what the state folder holds below."""
    (tmp_path / "assets").mkdir()
    (tmp_path / ".upriver" / "store").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    watch = FolderWatch(tmp_path)
    try:
        assert not watch.wait(0.05)
        for touch in (
            lambda: (tmp_path / "assets" / "a.sql").write_text("select 1"),
            lambda: (tmp_path / "assets" / "a.sql").unlink(),
            lambda: (tmp_path / "assets" / "new").mkdir(),
            lambda: (tmp_path / "assets" / "new" / "b.sql").write_text("select 2"),
            lambda: (tmp_path / ".upriver" / "state.db").write_text("x"),
        ):
            touch()
            assert watch.wait(5)
            while watch.wait(0.05):
                pass
        (tmp_path / ".upriver" / "store" / "artifact").write_text("x")
        (tmp_path / ".git" / "index").write_text("x")
        (tmp_path / ".upriver" / "state.db-journal").write_text("x")
        assert not watch.wait(0.1)
    finally:
        watch.close()


@linux
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


@linux
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
    with pytest.raises(OSError, match=r"no folder|inotify"):
        FolderWatch(tmp_path / "nowhere")


@pytest.mark.parametrize("kernel", [True, False], ids=["told", "looking"])
async def test_a_change_is_noticed_either_way(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: bool
) -> None:
    """With the kernel's help and without."""
    if not kernel:

        def refuse(root: Path) -> FolderWatch:
            raise OSError("no")

        monkeypatch.setattr(errands, "FolderWatch", refuse)
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
    keep(tmp_path, CachedStatuses("shop", "dev", statuses))
    assert load_statuses(tmp_path, "dev") == CachedStatuses("shop", "dev", statuses)
    assert load_statuses(tmp_path, "prod") is None
    cached_path(tmp_path).write_bytes(b"\x93nonsense")
    assert load_statuses(tmp_path, "dev") is None
    keep(tmp_path / "nowhere", CachedStatuses("shop", "dev", statuses))
    assert not (tmp_path / "nowhere").exists()
