"""Messages between a build and its worker processes."""

from __future__ import annotations

from typing import TypeAlias

from upriver.assets.identity import Node, PartitionKey
from upriver.assets.model import Frame, Key, Permissions, PythonRecipe, Schema, Value
from upriver.assets.project.config import Scalar
from upriver.assets.project.files import ProjectFile
from upriver.lineage.model import Analysis, Footprint
from upriver.materializer.execution.local.denials import Denied


class JobInput(Value, frozen=True):
    """One parameter: the frame wanted, and where the upstream's content is."""

    parameter: str
    key: Key
    frame: Frame
    files: tuple[str, ...]
    schema: Schema


class Confinement(Value, frozen=True):
    """How an attempt is confined, besides what the job itself says: *files* and *folders* that it was granted,
    *outside* what every attempt may read elsewhere, *shown* the names in folders that it can't list itself. Paths are
    resolved. *secrets* are the paths of files by the secret's name, which are read before.
    """

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    shown: dict[str, tuple[str, ...]] = {}
    secrets: dict[str, str] = {}


class Job(Value, frozen=True):
    """One attempt. *target* is where the artifact has to be written; *recipe* is found under *root*.

    *code* are the project's Python files as they were when the recipe was fingerprinted. *token* begins each
    line that the worker reports: a recipe that writes into descriptors that are not its own is not mistaken
    for it. *environment* are the environment variables that the asset declares to read (and patterns), *settings* the
    values of the parameters that receive project variables. *scratch* is the attempt's own folder, *permissions* what
    the recipe declares to touch; it is only watched where *confinement* is None. *moment* is what its clocks show (see
    :mod:`upriver.materializer.execution.local.held_clock`); of a *check* the artifact are the rows that offend.
    """

    root: str
    asset: Key
    recipe: PythonRecipe
    inputs: tuple[JobInput, ...]
    file_asset: bool
    target: str
    ordered: bool = False
    code: tuple[ProjectFile, ...] = ()
    settings: dict[str, Scalar] = {}
    token: str = ""
    environment: tuple[str, ...] = ()
    scratch: str = ""
    permissions: Permissions = Permissions()
    confinement: Confinement | None = None
    partition: PartitionKey | None = None
    moment: float | None = None
    check: bool = False

    @property
    def node(self) -> Node:
        """The node that it makes."""
        return Node(self.asset, self.partition)


class Result(Value, frozen=True, tag="result"):
    """What became of the attempt. *reads* are the observed footprints; *peak_memory* is in bytes,
    *warnings* are sentences for the user, *external* what was read without being declared (see
    :mod:`upriver.materializer.freshness.external_inputs`), *denied* what the confinement did not let it do: no result
    is to be taken from such an attempt. *logical* is what DuckDB's types don't tell of what was written, by column,
    *message* what a check says is wrong.
    """

    error: str | None = None
    traceback: str = ""
    reads: tuple[tuple[Key, Footprint], ...] = ()
    analysis: Analysis | None = None
    peak_memory: int = 0
    warnings: tuple[str, ...] = ()
    external: tuple[tuple[str, str], ...] = ()
    denied: tuple[Denied, ...] = ()
    logical: dict[str, str] = {}
    message: str | None = None


class Revealed(Value, frozen=True, tag="revealed"):
    """A secret that the recipe is about to be given: it must not appear in what the recipe prints."""

    name: str
    value: str


Report: TypeAlias = Result | Revealed
"""What a worker tells, one a line."""
