"""The executor port: where attempts of Python recipes run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from upriver.assets.identity import Node
from upriver.assets.model import Frame, Key, Permissions, PythonRecipe, Value
from upriver.lineage.model import Analysis, Footprint
from upriver.materializer.model import PYTHON, Version

if TYPE_CHECKING:
    from upriver.assets.project.config import Scalar


class Watching(Protocol):
    """How a running attempt talks to its run."""

    def cancelled(self) -> bool:
        """Whether the attempt has to end."""
        ...

    def output(self, stream: str, line: str) -> None:
        """A line was printed."""
        ...

    def progress(self, fraction: float | None, memory: int | None) -> None:
        """How far it is."""
        ...


class AttemptInput(Value, frozen=True):
    """One parameter of a recipe: the frame wanted, and the upstream's version by reference."""

    parameter: str
    key: Key
    frame: Frame
    version: Version


class PythonAttempt(Value, frozen=True):
    """One attempt of a Python recipe. It holds no path: inputs are references, the project's code is named by digest.

    *suffix* ends the artifact's name; *file_asset* says that it is a file and no table. *code* is the identity of the
    project that the recipe belongs to. *environment* are the environment variables (and patterns) that the asset
    declares to read, *settings* the values of parameters that receive project variables, *permissions* what the recipe
    declares to touch. *declared* and *remembered* are names of external inputs, as in a trace: what the recipe declares
    to read, and what the last attempt of the same recipe could read. *timeout* is in seconds, *memory* in bytes.
    *moment* is what its clocks show, in seconds since the epoch; None: the time.
    Of a *check* the artifact are the rows that offend.
    """

    node: Node
    recipe: PythonRecipe
    inputs: tuple[AttemptInput, ...]
    code: str
    suffix: str = ".parquet"
    file_asset: bool = False
    ordered: bool = False
    environment: tuple[str, ...] = ()
    settings: dict[str, Scalar] = {}
    permissions: Permissions = Permissions()
    declared: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()
    timeout: float | None = None
    memory: int | None = None
    moment: float | None = None
    check: bool = False


class AttemptResult(Value, frozen=True):
    """What an attempt has yielded beside its artifact. *reads* are the footprints read, *external* what it could read
    besides its upstreams, by value; *peak_memory* is in bytes (None: not measured), *repeated* the seconds that went
    into repetitions before the last. *logical* is what DuckDB's types don't tell, by column (see
    :class:`~upriver.assets.model.Column`), *engine* the identity of what computed it. *message* is
    what a check says is wrong, empty when nothing is; None when it gave rows.
    """

    reads: tuple[tuple[Key, Footprint], ...]
    analysis: Analysis | None
    external: tuple[tuple[str, str], ...] = ()
    peak_memory: int | None = None
    repeated: float = 0.0
    logical: dict[str, str] = {}
    engine: str = PYTHON
    message: str | None = None


class NotProduced(Value, frozen=True):
    """An attempt has failed, or was cancelled. *final* says that it would fail again."""

    message: str
    traceback: str = ""
    cancelled: bool = False
    final: bool = False


class Executor(Protocol):
    """Runs attempts, each in the caller's thread, as many at once as callers."""

    def capacity(self) -> int:
        """How many attempts it runs at once without one waiting for another."""
        ...

    def expect(self, count: int) -> None:
        """Make ready for *count* attempts that will soon be asked for."""
        ...

    def run(self, attempt: PythonAttempt, target: Path, watching: Watching) -> AttemptResult | NotProduced:
        """Run one attempt to its end, and leave its artifact at *target*. Raises OSError when the disk fails."""
        ...

    def close(self) -> None:
        """End what was made ready. Attempts that run are ended by *watching*."""
        ...
