"""Background work of the app: daemon threads that run session calls, read the project and post messages.

Daemon threads, because leaving the app must not wait for a query or for a build in another process. The app
waits for its own build by other means.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias, TypeVar

from textual.message_pump import MessagePump

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus
from upriver.materializer.automation.file_watch import FolderWatch
from upriver.materializer.events import Event
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.model import State
from upriver.materializer.operations import ProjectApi
from upriver.tui.app.memory import give_back
from upriver.tui.app.messages import Answer, ProjectRead, RunEnded, RunFound
from upriver.tui.app.project_model import Snapshot, shared, take_snapshot
from upriver.tui.app.status_cache import CachedStatuses, load_statuses, save_statuses
from upriver.tui.present.views.order import Sort, listing

T = TypeVar("T")
_Topic: TypeAlias = tuple[MessagePump, Callable[..., None]]

QUERY_THREADS = 2
FASTEST, SLOWEST = 0.25, 0.9
"""Seconds between two looks at the project's revision where the system does not report changes."""

IDLE_SHARE = 0.005
"""Looks that nothing prompted may take so much of one processor."""

GLANCE = 0.5
"""Seconds between two glances at whether a run goes on, which cost next to nothing."""


class Jobs:
    """Queue of session calls that run on daemon threads; their answers are posted to the screens that asked.

    A new job replaces an older one of the same asker with the same *then*: only the last one is answered.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[_Topic, int, Callable[[], Callable[[], None]]]] = (
            queue.SimpleQueue()
        )
        self._latest: dict[_Topic, int] = {}
        self._asked = 0
        self._lock = threading.Lock()
        for number in range(QUERY_THREADS):
            threading.Thread(target=self._serve, name=f"upriver-query-{number}", daemon=True).start()

    def ask(
        self,
        asker: MessagePump,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Run *work* on a thread; *then* gets its value, or *failed* its error, in the message loop of *asker*."""

        def answer() -> Callable[[], None]:
            try:
                value = work()
            except Exception as error:  # noqa: BLE001 - shown where it was asked
                return partial(failed, error)
            return partial(then, value)

        topic = (asker, then)
        with self._lock:
            self._asked += 1
            self._latest[topic] = number = self._asked
        self._queue.put((topic, number, answer))

    def _serve(self) -> None:
        while True:
            topic, number, answer = self._queue.get()
            if self._latest.get(topic) != number:
                continue
            deliver = answer()
            with self._lock:
                wanted = self._latest.get(topic) == number
                if wanted:
                    del self._latest[topic]
            if wanted:
                topic[0].post_message(Answer(deliver))


class ProjectWatcher:
    """Watcher of the project and its runs: reads the project again when either has changed.

    Where the system reports touched files, the revision is looked at when something was touched, and now and then
    in any case (a source may lie outside the project); elsewhere it is looked at all the time.
    """

    def __init__(self, session: ProjectApi, target: MessagePump, sort: Sort) -> None:
        self._session = session
        self._target = target
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._folders: FolderWatch | None = None
        self._revision: str | None = None
        self._run: str | None = None
        self._cached: tuple[AssetStatus, ...] = ()
        self._checked = False
        self.sort = sort
        self.ranked_as: Mapping[Key, State] = {}
        self.own_run: str | None = None
        self._thread = threading.Thread(target=self._look, name="upriver-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._wake_up()

    def look_now(self) -> None:
        """Read the project again without delay, changed or not."""
        self._revision = None
        self._wake_up()

    def _wake_up(self) -> None:
        self._wake.set()
        folders = self._folders  # the other thread may give it up meanwhile
        if folders is not None:
            folders.wake()

    def _look(self) -> None:
        self._show_cached()
        with contextlib.suppress(OSError):
            self._folders = FolderWatch(self._session.root)
        looked_at = read_at = -60.0
        looking = reading = 0.0
        touched = True
        while not self._stop.is_set():
            live = self._report_runs()
            now = time.perf_counter()
            # Reading takes a third of the time at most; a tenth while a build changes the state all the time.
            rested = now - read_at > reading * (10 if live else 2)
            due = touched or self._revision is None or now - looked_at > max(FASTEST, looking / IDLE_SHARE)
            if due and (rested or self._revision is None):
                revision = self._revision_now()
                looked_at = time.perf_counter()
                looking = looked_at - now
                touched = False
                if revision != self._revision:
                    self._revision = revision
                    self._read(revision)
                    read_at = time.perf_counter()
                    reading = read_at - looked_at
            touched |= self._pause(looking)
        if self._folders is not None:
            self._folders.close()

    def _pause(self, looking: float) -> bool:
        """Wait a little; whether something was touched meanwhile (without the system's help: perhaps)."""
        if self._folders is not None:
            try:
                touched = self._folders.wait(GLANCE)
            except OSError:
                self._folders.close()
                self._folders = None  # from now on the revision is looked at all the time
                return True
            self._wake.clear()
            return touched
        self._wake.wait(max(FASTEST, min(SLOWEST, looking / IDLE_SHARE)))
        self._wake.clear()
        return True

    def _report_runs(self) -> bool:
        """Whether a run goes on; a new one is reported to the app."""
        try:
            live = self._session.live_run()
        except Exception:  # noqa: BLE001 - whatever is wrong shows when the project is read
            live = None
        if live != self._run:
            self._run = live
            if live is not None and live != self.own_run:
                self._target.post_message(RunFound(live))
        return live is not None

    def _revision_now(self) -> str:
        try:
            return self._session.revision()
        except Exception as error:  # noqa: BLE001 - shown, and tried again
            return f"unreadable: {error}"

    def _read(self, revision: str) -> None:
        snapshot = take_snapshot(self._session, revision, self.sort, self.ranked_as, self._cached)
        self._target.post_message(ProjectRead(snapshot))
        statuses = tuple(snapshot.statuses.values())
        if statuses and (statuses != self._cached or not self._checked):
            self._cached, self._checked = statuses, True
            save_statuses(
                self._session.root, CachedStatuses(snapshot.name, self._session.environment, statuses)
            )
        give_back()

    def _show_cached(self) -> None:
        """Show the cached statuses until the project is read."""
        cached = load_statuses(self._session.root, self._session.environment)
        if cached is not None:
            statuses = shared(cached.statuses)
            self._cached = tuple(statuses.values())
            order = listing(statuses, self.sort)
            snapshot = Snapshot("", statuses, order, name=cached.name, provisional=True)
            self._target.post_message(ProjectRead(snapshot))


class EventFeed:
    """Buffer of the events of one run, filled by its thread and emptied by the app ten times a second."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self.stopped = False

    def add(self, event: Event) -> None:
        """Keep *event* until the app comes for it."""
        with self._lock:
            self._events.append(event)

    def fetch(self) -> list[Event]:
        """Everything since the last time."""
        with self._lock:
            events, self._events = self._events, []
        return events


def start_build(
    session: ProjectApi,
    target: MessagePump,
    feed: EventFeed,
    cancel: Cancel,
    select: tuple[str, ...],
    *,
    force: bool = False,
    jobs: int | None = None,
) -> threading.Thread:
    """Build in a thread; its events go to *feed*, its end is posted to *target*."""

    def build() -> None:
        try:
            result = session.build(select, force=force, jobs=jobs, on_event=feed.add, cancel=cancel)
        except Exception as error:  # noqa: BLE001 - shown to the user
            target.post_message(RunEnded(error=error))
        else:
            target.post_message(RunEnded(result=result))

    thread = threading.Thread(target=build, name="upriver-build", daemon=True)
    thread.start()
    return thread


def start_following(session: ProjectApi, target: MessagePump, feed: EventFeed, run: str) -> threading.Thread:
    """Follow a run of another process; its events go to *feed*, its end is posted to *target*."""

    def follow() -> None:
        error: Exception | None = None
        try:
            for event in session.follow(run, lambda: feed.stopped):
                feed.add(event)
        except Exception as problem:  # noqa: BLE001 - shown to the user
            error = problem
        target.post_message(RunEnded(error=error))

    thread = threading.Thread(target=follow, name="upriver-follow", daemon=True)
    thread.start()
    return thread
