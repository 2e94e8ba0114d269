"""Controller of the run that is shown: a build of this window, or one of another process that it follows."""

from __future__ import annotations

import threading

from textual.message_pump import MessagePump

from upriver.assets.model import Key
from upriver.materializer.events import AssetStarted, RunStarted
from upriver.materializer.execution.cancel import Cancel
from upriver.tui.app.background import EventFeed, ProjectWatcher, start_build, start_following
from upriver.tui.app.host import Host
from upriver.tui.app.messages import RunEnded
from upriver.tui.present.views.live import RunPicture


class RunController:
    """Controller of the run that is shown: starts, follows and stops it, and applies its events to the model.

    *target* gets the messages of its thread. Used by message handlers only.
    """

    def __init__(self, host: Host, target: MessagePump, watcher: ProjectWatcher) -> None:
        self._host = host
        self._target = target
        self._watcher = watcher
        self._feed: EventFeed | None = None
        self._cancel: Cancel | None = None
        self._build: threading.Thread | None = None
        self.leave_at_end = False

    @property
    def busy(self) -> bool:
        """Whether events may still come."""
        return self._feed is not None

    @property
    def own(self) -> bool:
        """Whether it is a build of this window."""
        return self._cancel is not None

    def start(self, select: tuple[str, ...], *, force: bool, jobs: int | None) -> bool:
        """Start a build of *select*; False when a run is going on."""
        host = self._host
        if host.model.live or self.busy:
            host.say("a build is going on; ^x on its screen stops it")
            return False
        host.model.run = RunPicture("", mine=True)
        host.model.run.started = host.clock()
        self._watcher.own_run = "?"
        self._feed, self._cancel = EventFeed(), Cancel()
        self._build = start_build(
            host.session, self._target, self._feed, self._cancel, select, force=force, jobs=jobs
        )
        return True

    def follow(self, run: str) -> None:
        """Another process builds: show it as if it were ours."""
        host = self._host
        if self.busy or (host.model.run is not None and host.model.run.run == run):
            return
        host.model.run = RunPicture(run)
        self._feed = EventFeed()
        start_following(host.session, self._target, self._feed, run)
        host.say(f"run {run} is going on in another process; 4 shows it")
        host.show_changes(set(), order=False)

    def stop(self) -> None:
        """Ask the build of this window to stop: gently at first, then at once."""
        run = self._host.model.run
        if run is None or self._cancel is None or not run.live:
            return
        self._cancel.request()
        run.cancelling = self._cancel.level
        self._host.say("stopping: what is finished is kept, what runs now is thrown away")

    def drop(self, key: Key) -> None:
        """Leave one asset out of the build of this window; what needs it is blocked."""
        if self._cancel is not None:
            self._cancel.drop(key)
            self._host.say(f"cancelling {key}: what needs it is blocked, the rest goes on")

    def fetch(self) -> bool:
        """Bring events that have arrived to the model; whether there were any."""
        host, run = self._host, self._host.model.run
        if self._feed is None or run is None:
            return False
        events = self._feed.fetch()
        touched: set[Key] = set()
        for event in events:
            run.take(event)
            if (
                isinstance(event, AssetStarted)
                and (before := host.model.statuses.get(event.asset)) is not None
            ):
                run.parts[event.asset].rows_before = before.rows
            key = host.model.apply(event)
            if key is not None:
                touched.add(key)
            elif isinstance(event, RunStarted):
                touched.update(event.assets)  # all of them wait now
        if run.mine and run.run:
            self._watcher.own_run = run.run
        if touched:
            host.show_changes(touched, order=False)
        return bool(events)

    def ended(self, message: RunEnded) -> None:
        """A run is over: say how it went, and have the project read again."""
        host = self._host
        self.fetch()
        run = host.model.run
        self._feed = self._cancel = None
        if message.error is not None:
            if run is not None and not run.parts:
                host.model.run = None
            host.say(str(message.error), wrong=True)
        if run is not None and run.live:
            run.end_unseen(message.result.status if message.result else None, host.clock())
        if run is not None and run.parts:
            host.say(run.summary(), wrong=bool(run.failed))
        if self.leave_at_end:
            host.exit(0)
            return
        self._watcher.own_run = None
        self._watcher.look_now()
        host.show_changes(set(), order=False)

    def let_go(self) -> None:
        """Stop following; a build of this window goes on until :meth:`wait`."""
        if self._feed is not None:
            self._feed.stopped = True

    def leave_running(self) -> None:
        """The build of this window is to go on when the window has gone."""
        self._build = None

    def wait(self) -> None:
        """After the end: a build of this window that goes on is stopped, and waited for a little."""
        if self._build is not None and self._build.is_alive() and self._cancel is not None:
            self._cancel.request()
            self._build.join(timeout=5.0)
