"""Project model of the app: the last snapshot of the project, and the events that arrived since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from upriver.assets.errors import DeclarationError, Diagnosis, UpriverError
from upriver.assets.model import Key
from upriver.materializer.answers import AssetResult, AssetStatus
from upriver.materializer.events import AssetFinished, AssetStarted, Event
from upriver.materializer.model import CheckOutcome, Outcome, State
from upriver.materializer.operations import ProjectApi
from upriver.tui.present.views.checks import worst
from upriver.tui.present.views.live import RunPicture
from upriver.tui.present.views.order import Listing, Sort, counts, listing
from upriver.tui.present.views.recent import Recent

_ENDS_AS = {
    Outcome.BUILT: State.FRESH,
    Outcome.REUSED: State.FRESH,
    Outcome.FRESH: State.FRESH,
    Outcome.FAILED: State.FAILED,
    Outcome.BLOCKED: State.BLOCKED,
    Outcome.BROKEN: State.BROKEN,
}


@dataclass(frozen=True)
class Snapshot:
    """Snapshot of the project. *diagnoses* say what is wrong with its declarations; without *statuses* they make all of
    it unusable. *error* says why else it could not be read.
    """

    revision: str = ""
    statuses: Mapping[Key, AssetStatus] = field(default_factory=dict)
    order: Listing = field(default_factory=Listing)
    diagnoses: tuple[Diagnosis, ...] = ()
    error: str | None = None
    name: str = ""
    checks: Mapping[Key, CheckOutcome] = field(default_factory=dict)
    """The worst outcome among the checks of each asset that has any."""
    provisional: bool = False
    """True for cached statuses of an earlier session, shown until the project is read."""


def take_snapshot(
    session: ProjectApi,
    revision: str,
    sort: Sort,
    ranked_as: Mapping[Key, State],
    known: Iterable[AssetStatus] = (),
) -> Snapshot:
    """Read the project, in a worker thread. Whatever is wrong with it is part of the snapshot.

    What is as it was *known* stays the same object: a large project is not kept twice.
    """
    name = ""
    try:
        name = session.name
        diagnoses = session.diagnoses()
        statuses = shared(session.status(), known)
        checks = worst(session.checks())
    except DeclarationError as error:
        return Snapshot(revision, diagnoses=error.diagnoses, name=name)
    except UpriverError as error:
        return Snapshot(revision, error=str(error), name=name)
    except Exception as error:  # noqa: BLE001 - the screen stays open, whatever happens
        return Snapshot(revision, error=f"{type(error).__name__}: {error}", name=name)
    return Snapshot(
        revision, statuses, listing(statuses, sort, ranked_as), diagnoses, name=name, checks=checks
    )


def shared(found: Iterable[AssetStatus], known: Iterable[AssetStatus] = ()) -> dict[Key, AssetStatus]:
    """*found* by key, with the objects of *known* where these are equal, and one text for each key."""
    before = {status.asset: status for status in known}
    names: dict[Key, Key] = {key: key for key in before}
    statuses: dict[Key, AssetStatus] = {}
    for status in found:
        same = before.get(status.asset)
        if same is None or same != status:
            same = status
            for field_name in ("upstreams", "downstreams"):
                one_text = tuple([names.setdefault(key, key) for key in getattr(status, field_name)])
                msgspec.structs.force_setattr(status, field_name, one_text)
        statuses[names.setdefault(status.asset, status.asset)] = same
    return statuses


class ProjectModel:
    """Model of the project that all screens show. Changed by message handlers only."""

    def __init__(self) -> None:
        self.name = ""
        self.loaded = False
        self.checked = False
        self.statuses: dict[Key, AssetStatus] = {}
        self.order = Listing()
        self.diagnoses: tuple[Diagnosis, ...] = ()
        self.error: str | None = None
        self.refused = False
        """Whether the project as a whole can't be used now; what is known of it is from before."""
        self.counts: dict[State, int] = counts(())
        self.checks: Mapping[Key, CheckOutcome] = {}
        self.rank: dict[Key, State] = {}
        self.run: RunPicture | None = None
        self.recent = Recent()

    @property
    def live(self) -> bool:
        """Whether a run is going on."""
        return self.run is not None and self.run.live

    def take(self, snapshot: Snapshot) -> set[Key]:
        """Take in *snapshot*; the keys whose status differs now. An unusable project keeps its last statuses."""
        self.loaded = True
        self.checked = not snapshot.provisional
        self.name = snapshot.name or self.name
        self.diagnoses, self.error = snapshot.diagnoses, snapshot.error
        self.refused = bool(snapshot.diagnoses or snapshot.error) and not snapshot.statuses
        if self.refused:
            return set()
        before = self.statuses
        changed = {key for key, status in snapshot.statuses.items() if before.get(key) != status}
        changed |= before.keys() - snapshot.statuses.keys()
        if not snapshot.provisional:
            changed |= {
                key
                for key in self.checks.keys() | snapshot.checks.keys()
                if self.checks.get(key) is not snapshot.checks.get(key)
            }
            self.checks = snapshot.checks
        self.statuses = dict(snapshot.statuses)
        self.counts = counts(self.statuses.values())
        if not self.live or len(snapshot.order.keys) != len(self.order.keys):
            # During a run the order stays: rows that move while one reads them can't be read.
            self.order = snapshot.order
        for key, status in self.statuses.items():
            if status.state is not State.RUNNING:
                self.rank[key] = status.state
        return changed

    def apply(self, event: Event) -> Key | None:
        """Let an event of a run show in the statuses at once; the key concerned."""
        match event:
            case AssetStarted(asset=asset, at=at):
                return self._set(asset, state=State.RUNNING, running_since=at)
            case AssetFinished(at, AssetResult(asset=asset, action=outcome) as result) if outcome in _ENDS_AS:
                status = self.statuses.get(asset)
                if status is None:
                    return None
                built = outcome in (Outcome.BUILT, Outcome.REUSED)
                return self._set(
                    asset,
                    state=_ENDS_AS[outcome],
                    running_since=None,
                    reasons=result.reasons if _ENDS_AS[outcome] is not State.FRESH else (),
                    materialized_at=at if built else status.materialized_at,
                    rows=result.rows if built and result.rows is not None else status.rows,
                    bytes=result.bytes if built and result.bytes is not None else status.bytes,
                    error=result.error,
                )
            case AssetFinished(asset=asset):
                return self._set(asset, state=self.rank.get(asset, State.STALE), running_since=None)
            case _:
                return None

    def _set(self, key: Key, **changes: object) -> Key | None:
        status = self.statuses.get(key)
        if status is None:
            return None
        after = msgspec.structs.replace(status, **changes)
        self.counts[status.state] -= 1
        self.counts[after.state] += 1
        self.statuses[key] = after
        return key
