"""The narrow interfaces at which the program meets the disk, the state and what is composed for it.

Each has a fake beside its real thing (see :mod:`tests.fakes.ports`), and one contract suite that runs on
both.
"""

from upriver.materializer.ports.clock import Clock
from upriver.materializer.ports.connector import (
    Connector,
    Places,
    Scanned,
    Shape,
    SourceChanging,
    SourceMisfit,
    SourceMissing,
)
from upriver.materializer.ports.engine import Engine, Written
from upriver.materializer.ports.executor import (
    AttemptInput,
    AttemptResult,
    Executor,
    NotProduced,
    PythonAttempt,
    Watching,
)
from upriver.materializer.ports.goals import Backfill, GoalRecords, Pause
from upriver.materializer.ports.incidents import (
    Affected,
    Change,
    Healing,
    Incident,
    IncidentKind,
    IncidentRecords,
    IncidentState,
    LastGood,
    Message,
    RootCause,
    Transition,
)
from upriver.materializer.ports.journal import Bad, Committed, Dropped, Entry, JournalReader, Pointer, Removed
from upriver.materializer.ports.quality import Approval, KeptProfile, Lease, QualityStore
from upriver.materializer.ports.state import (
    Claim,
    Claimed,
    ClaimRequest,
    Damaged,
    FactCache,
    Holder,
    Outdated,
    ProjectStorage,
    Seen,
    SourceRecord,
    StateReader,
    StateStore,
    StateWriter,
)
from upriver.materializer.ports.store import Staged, Store, Stored

__all__ = [
    "Affected",
    "Approval",
    "AttemptInput",
    "AttemptResult",
    "Backfill",
    "Bad",
    "Change",
    "Claim",
    "ClaimRequest",
    "Claimed",
    "Clock",
    "Committed",
    "Connector",
    "Damaged",
    "Dropped",
    "Engine",
    "Entry",
    "Executor",
    "FactCache",
    "GoalRecords",
    "Healing",
    "Holder",
    "Incident",
    "IncidentKind",
    "IncidentRecords",
    "IncidentState",
    "JournalReader",
    "KeptProfile",
    "LastGood",
    "Lease",
    "Message",
    "NotProduced",
    "Outdated",
    "Pause",
    "Places",
    "Pointer",
    "ProjectStorage",
    "PythonAttempt",
    "QualityStore",
    "Removed",
    "RootCause",
    "Scanned",
    "Seen",
    "Shape",
    "SourceChanging",
    "SourceMisfit",
    "SourceMissing",
    "SourceRecord",
    "Staged",
    "StateReader",
    "StateStore",
    "StateWriter",
    "Store",
    "Stored",
    "Transition",
    "Watching",
    "Written",
]
