"""The loop that keeps goals: looks, builds what is due, waits for a change or for the clock.

It holds nothing that must not be lost. What is due follows from what is declared, stored and observed, so that the
process which comes after a killed one, or runs beside it, does what is left; claims keep two from making the same.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from upriver.assets.errors import UpriverError
from upriver.assets.model import Key
from upriver.materializer.answers import BuildResult
from upriver.materializer.automation.alerts.outbox import Delivery
from upriver.materializer.automation.assess import Assessment
from upriver.materializer.automation.incidents.notice import news
from upriver.materializer.automation.lookout import Lookout
from upriver.materializer.automation.model import (
    GoalState,
    GoalStatus,
    Happening,
    WatchEvent,
    WatchFigures,
)
from upriver.materializer.automation.retry import Wait, after_build, waiting
from upriver.materializer.automation.ticks import Ticks
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.model import Outcome, RunStatus
from upriver.materializer.ports import Clock, Incident, Transition

LONGEST = 30.0
"""Seconds that are waited at a stretch: the clock may be set, and a machine may sleep."""

_AT_ONCE = 500
"""Assets that one build is asked for: those whose time is nearest. The next build takes the rest."""

_BUILDS = 2
"""Builds that one loop has going: a long one must not make what is due meanwhile late."""

_AFTER_PROBLEM = 10.0


class Keeper(Protocol):
    """What the loop asks of a project."""

    def assess(self, ticks: Ticks) -> Assessment:
        """All goals as they stand now, with the project as its files are now. Raises UpriverError."""
        ...

    def revision(self) -> str:
        """A token that changes when a project file, a source or the state changes."""
        ...

    def notice(
        self, seen: Assessment | None, problem: str, retries: Mapping[Key, float]
    ) -> tuple[Transition, ...]:
        """Record which incidents open and recover by what was *seen*; None: of the *problem* that nothing can be.

        *retries* is when what failed is tried again. Raises UpriverError.
        """
        ...

    def build(self, keys: tuple[Key, ...], cancel: Cancel) -> BuildResult:
        """Build assets and what they need. Raises UpriverError. Called from threads."""
        ...


class Courier(Protocol):
    """What carries messages about incidents, beside the loop."""

    def start(self) -> None:
        """Begin."""
        ...

    def wake(self) -> None:
        """Look now: there may be something."""
        ...

    def finish(self) -> None:
        """Send what is due now, and end."""
        ...


class _Going:
    """A build that is going on, or has ended with a result or an error."""

    def __init__(self, tried: dict[Key, str]) -> None:
        self.tried = tried
        self.thread: threading.Thread | None = None
        self.result: BuildResult | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()


class Watch:
    """One loop over the goals of a project. *stop* drains it; asked again, what runs is stopped, too."""

    def __init__(
        self,
        keeper: Keeper,
        clock: Clock,
        lookout: Lookout,
        on_event: Callable[[WatchEvent], None],
        stop: Cancel,
        courier: Courier | None = None,
    ) -> None:
        self._keeper = keeper
        self._courier = courier
        self._telling = threading.Lock()
        self._asked = threading.Event()
        self._clock = clock
        self._lookout = lookout
        self._on_event = on_event
        self._stop = stop
        self._work = Cancel()
        self._ticks = Ticks()
        self._going: list[_Going] = []
        self._waits: dict[Key, Wait] = {}
        self._stood: dict[str, GoalStatus] = {}
        self._held = frozenset[Key]()
        self._problem = ""
        self._resume_at = 0.0
        self._revision: str | None = None
        self.figures = WatchFigures()
        self._alive = clock.monotonic()
        self._builds = self._failed = 0

    def run(self, *, once: bool = False) -> bool:
        """Keep the goals until *stop*; with *once*, until nothing is left to build. Whether no build has failed."""
        self._tell(Happening.STARTED)
        if self._courier is not None:
            self._courier.start()
        try:
            while not self._stop.level:
                self._collect()
                seen = self._look()
                begun = seen is not None and self._begin(seen)
                if once and not begun and not self._going:
                    break
                self._wait(seen)
        finally:
            self._drain()
            if self._courier is not None:
                self._courier.finish()
        self._tell(Happening.STOPPED)
        return self._failed == 0 and not self._problem

    def wake(self) -> None:
        """Look now. Safe from signal handlers and threads."""
        self._lookout.wake()

    def look_now(self) -> None:
        """Look at the goals and their sources now, though nothing is seen to have changed. Safe from threads."""
        self._asked.set()
        self._lookout.wake()

    def delivered(self, delivery: Delivery) -> None:
        """Tell what became of messages. Called from the thread of the courier."""
        for one in delivery.messages:
            text = f"{one.key} to {delivery.target}: {delivery.ending.value}"
            text += f": {delivery.detail}" if delivery.detail else ""
            self._tell(Happening.ALERT, one.incident.cause.affected.assets, text, incident=one.incident)

    def trouble(self, text: str) -> None:
        """Tell of something that is wrong. Called from other threads."""
        self._tell(Happening.PROBLEM, detail=text)

    def silent(self) -> float:
        """Seconds since the last sign of life."""
        return self._clock.monotonic() - self._alive

    def close(self) -> None:
        """Stop listening to the folders."""
        self._lookout.close()

    # -- looking -----------------------------------------------------------------------------------------
    def _look(self) -> Assessment | None:
        self._asked.clear()
        try:
            self._revision = self._keeper.revision()
            seen = self._keeper.assess(self._ticks)
        except UpriverError as error:
            self._trouble(str(error))
            self._notice(None, str(error))
            return None
        wrong = "\n".join(str(one) for one in seen.diagnoses)
        if wrong:
            self._trouble(wrong)
        else:
            self._problem = ""
        self._compare(seen)
        self._count(seen)
        self._notice(seen)
        return seen

    def _notice(self, seen: Assessment | None, problem: str = "") -> None:
        now = self._clock.now()
        retries = {key: wait.until for key, wait in self._waits.items() if wait.failed and wait.until > now}
        try:
            transitions = self._keeper.notice(seen, problem, retries)
        except UpriverError as error:
            self._trouble(str(error))
            return
        if transitions and self._courier is not None:
            self._courier.wake()
        for one in transitions:
            if news(one):
                cause = one.after.cause
                text = cause.message.partition("\n")[0]
                self._tell(
                    Happening.INCIDENT,
                    cause.affected.assets,
                    text,
                    until=cause.healing.at,
                    incident=one.after,
                )

    def _trouble(self, text: str) -> None:
        if text != self._problem:
            self._problem = text
            self._tell(Happening.PROBLEM, detail=text)

    def _compare(self, seen: Assessment) -> None:
        """Tell which goals stand otherwise than at the last look."""
        for status in seen.statuses:
            before = self._stood.get(status.id)
            if status.missed and (before is None or before.missed != status.missed):
                text = f"{status.missed} ticks of {status.spec} passed; the latest alone counts"
                self._tell(Happening.MISSED, (status.asset,), text, goal=status)
            changed = before is None or (before.state, before.cause) != (status.state, status.cause)
            if changed and not (before is None and status.state is GoalState.ON_TIME):
                self._tell(Happening.GOAL, (status.asset,), goal=status)
        self._stood = {status.id: status for status in seen.statuses}
        if seen.held and seen.held != self._held:
            text = (
                f"{len(seen.edited)} assets were made stale by an edit of code; "
                "`upriver build` builds them, or raise at_most under [watch]"
            )
            self._tell(Happening.HELD, tuple(sorted(seen.held)), text)
        self._held = seen.held

    # -- building ----------------------------------------------------------------------------------------
    def _begin(self, seen: Assessment) -> bool:
        """Begin a build of what is due and not under way; whether there was something."""
        now = self._clock.now()
        if len(self._going) >= _BUILDS or now < self._resume_at:
            return False
        out = waiting(self._waits, seen.identities, now) | seen.held | seen.tripped
        for going in self._going:
            out |= going.tried.keys()
        due = [key for key in seen.wanted if key not in out]
        if not due:
            return False

        def latest_start(key: Key) -> tuple[float, Key]:
            return seen.wanted[key] - seen.remaining.get(key, (0.0, 0.0))[1], key

        chosen = tuple(sorted(due, key=latest_start)[:_AT_ONCE])
        going = _Going({key: seen.identities[key] for key in chosen})
        going.thread = threading.Thread(target=self._build, args=(going, chosen), name="build of what is due")
        self._going.append(going)
        self._builds += 1
        self._tell(Happening.BUILDING, chosen)
        going.thread.start()
        return True

    def _build(self, going: _Going, keys: tuple[Key, ...]) -> None:
        try:
            going.result = self._keeper.build(keys, self._work)
        except BaseException as error:  # noqa: BLE001 -- raised, or told, where the loop collects it
            going.error = error
        going.done.set()
        self._lookout.wake()

    def _collect(self) -> None:
        """Take in the builds that have ended."""
        for going in [one for one in self._going if one.done.is_set()]:
            self._going.remove(going)
            now = self._clock.now()
            if isinstance(going.error, UpriverError):
                self._resume_at = now + _AFTER_PROBLEM
                self._failed += 1
                self._trouble(str(going.error))
                continue
            if going.error is not None:
                raise going.error
            assert going.result is not None
            self._ended(going, going.result, now)

    def _ended(self, going: _Going, result: BuildResult, now: float) -> None:
        ends = {one.asset: one.action for one in result.assets}
        bad = [
            key for key in going.tried if ends.get(key) in (Outcome.FAILED, Outcome.BLOCKED, Outcome.BROKEN)
        ]
        if result.status is not RunStatus.INTERRUPTED:
            self._waits = after_build(self._waits, going.tried, bad, now)
        counts = Counter(ends.values())
        text = ", ".join(f"{counts[end]} {end}" for end in Outcome if counts[end])
        self._tell(Happening.BUILT, tuple(going.tried), text, run=result.run_id)
        for key in bad:
            self._tell(
                Happening.WAITING,
                (key,),
                str(ends[key]),
                until=self._waits[key].until if key in self._waits else None,
            )
        self._failed += result.status is RunStatus.FAILED

    def _drain(self) -> None:
        if self._going:
            self._tell(Happening.STOPPING, tuple(sorted({key for one in self._going for key in one.tried})))
        self._work.drain()
        for going in self._going:
            assert going.thread is not None
            while going.thread.is_alive():  # in steps: a signal handler runs between them
                going.thread.join(0.2)
                if self._stop.level > 1 and not self._work.level:
                    self._work.request(self._stop.signal)
        self._collect()

    # -- waiting -----------------------------------------------------------------------------------------
    def _wait(self, seen: Assessment | None) -> None:
        """Wait until the clock, a change, or the end of a build asks for another look."""
        now = self._clock.now()
        moments = [wait.until for wait in self._waits.values() if wait.until > now]
        moments += [self._resume_at] if self._resume_at > now else []
        moments += [now + _AFTER_PROBLEM] if seen is None else [] if seen.wakes is None else [seen.wakes]
        until = min(moments, default=float("inf"))
        while not self._stop.level and not any(one.done.is_set() for one in self._going):
            self._alive = self._clock.monotonic()
            before = self._clock.now()
            if before >= until:
                return
            self._lookout.wait(min(until - before, LONGEST))
            after = self._clock.now()
            if self._asked.is_set() or after < before or after - before > 2 * LONGEST or self._changed():
                return

    def _changed(self) -> bool:
        try:
            return self._keeper.revision() != self._revision
        except UpriverError:
            return True  # the look will tell

    # -- telling -----------------------------------------------------------------------------------------
    def _tell(
        self,
        event: Happening,
        assets: tuple[Key, ...] = (),
        detail: str = "",
        *,
        run: str | None = None,
        until: float | None = None,
        goal: GoalStatus | None = None,
        incident: Incident | None = None,
    ) -> None:
        with self._telling:
            self._on_event(WatchEvent(self._clock.now(), event, assets, detail, run, until, goal, incident))

    def _count(self, seen: Assessment) -> None:
        self.figures = WatchFigures(
            seen.at,
            dict(Counter(status.state for status in seen.statuses)),
            self._builds,
            self._failed,
            len(self._going),
            len(seen.held),
        )
