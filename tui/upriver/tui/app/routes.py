"""Routes: values that name a screen and what it is about.

Screens open each other by route, so that none imports another; ``registry`` makes the screen of a route. A route
also knows the command that shows or does the same (:attr:`words`).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from upriver.assets.model import Key, Value

if TYPE_CHECKING:
    from upriver.lineage.refactoring.fix import Fix


class Side(Enum):
    """The rows that a preview shows: those of now, those of a materialization before, those that differ."""

    NOW = "now"
    BEFORE = "before"
    CHANGES = "changes"


class _Route(Value, frozen=True):
    @property
    def words(self) -> tuple[str, ...]:
        """Words of the command that shows or does the same; none where there is no such command."""
        return ()


class Graph(_Route, frozen=True):
    """The graph around an asset."""

    key: Key

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver lineage``."""
        return "lineage", self.key


class Columns(_Route, frozen=True):
    """The column lineage of an asset, about *column* at first (None: its first)."""

    key: Key
    column: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver lineage --columns``."""
        return "lineage", self.key if self.column is None else f"{self.key}.{self.column}", "--columns"


class Runs(_Route, frozen=True):
    """All runs."""

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver history``."""
        return ("history",)


class Checks(_Route, frozen=True):
    """How the checks stand."""

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver check``."""
        return ("check",)


class Changes(_Route, frozen=True):
    """What changed since the last build."""

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver impact``."""
        return ("impact",)


class Cost(_Route, frozen=True):
    """What each asset costs."""

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver cost``."""
        return ("cost",)


class Goals(_Route, frozen=True):
    """How each goal stands."""

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver goals``."""
        return ("goals",)


class Incidents(_Route, frozen=True):
    """What is wrong, one line a cause."""

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver incidents``."""
        return ("incidents",)


class Why(_Route, frozen=True):
    """The explanation of an asset's state."""

    key: Key

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver why``."""
        return "why", self.key


class Preview(_Route, frozen=True):
    """The rows of an asset. *before* is the id of the materialization that *side* compares with."""

    key: Key
    before: str = "before"
    side: Side = Side.NOW

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver show``."""
        return "show", self.key


class Code(_Route, frozen=True):
    """The code of an asset, and what changed in it."""

    key: Key

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver why``, which shows the changes."""
        return "why", self.key


class Log(_Route, frozen=True):
    """The output of an asset in the last run that computed it."""

    key: Key

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver log`` of one asset."""
        return "log", "last", self.key


class RunLog(_Route, frozen=True):
    """One run, live or replayed. *run* is its id, or None for the run that goes on."""

    run: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver log``."""
        return "log", self.run or "last"


class History(_Route, frozen=True):
    """The earlier materializations of an asset."""

    key: Key

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver history``."""
        return "history", self.key


class Build(_Route, frozen=True):
    """The build dialog for assets (none: the project)."""

    keys: tuple[Key, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver build``."""
        return "build", *self.keys


class Rename(_Route, frozen=True):
    """The dialog that gives an asset another key."""

    key: Key


class RenameColumn(_Route, frozen=True):
    """The dialog that gives a column another name. Its result is that name."""

    key: Key
    column: str


class Drop(_Route, frozen=True):
    """What would break if a column were dropped."""

    key: Key
    column: str

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver impact --drop``."""
        return "impact", "--drop", f"{self.key}.{self.column}"


class ApplyFix(_Route, frozen=True):
    """The dialog that writes the fix of a misspelled name."""

    found: Fix

    @property
    def words(self) -> tuple[str, ...]:
        """``upriver fix``."""
        return "fix", self.found.asset


class StopRun(_Route, frozen=True):
    """The question before a run of another process is stopped."""

    run: str


class SavedViews(_Route, frozen=True):
    """The saved filters; *current* is the one in use. The result is the filter that was chosen."""

    current: str = ""


class Jump(_Route, frozen=True):
    """Jump mode over the list of assets."""


class Leave(_Route, frozen=True):
    """The question before the window is left while it builds."""


class Help(_Route, frozen=True):
    """The keys of the screen below."""


Route: TypeAlias = (
    Graph
    | Columns
    | Runs
    | Checks
    | Changes
    | Cost
    | Goals
    | Incidents
    | Why
    | Preview
    | Code
    | Log
    | RunLog
    | History
    | Build
    | Rename
    | RenameColumn
    | Drop
    | ApplyFix
    | StopRun
    | SavedViews
    | Jump
    | Leave
    | Help
)
