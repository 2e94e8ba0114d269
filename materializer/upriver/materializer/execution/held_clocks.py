"""Clocks held for a unit test: those of SQL by macros of their names, those of Python in the process that runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Asset, Key, Schema, SqlRecipe
from upriver.lineage.project.project import Project
from upriver.materializer.execution.attempt import Analyses
from upriver.materializer.execution.local.held_clock import other_clocks
from upriver.materializer.ports import AttemptResult, Engine, Executor, NotProduced, PythonAttempt, Watching

CLOCKS: Mapping[str, str] = {
    "now": "TIMESTAMP WITH TIME ZONE",
    "transaction_timestamp": "TIMESTAMP WITH TIME ZONE",
    "get_current_timestamp": "TIMESTAMP WITH TIME ZONE",
    "current_timestamp": "TIMESTAMP WITH TIME ZONE",
    "today": "DATE",
    "current_date": "DATE",
    "localtimestamp": "TIMESTAMP",
    "current_localtimestamp": "TIMESTAMP",
    "localtime": "TIME",
    "current_localtime": "TIME",
    "current_time": "TIME WITH TIME ZONE",
    "get_current_time": "TIME WITH TIME ZONE",
}
"""The clocks of SQL and the types of what they show; a macro of the same name takes the place of each."""

_BEHIND = re.compile(r"\"?\b(?:system|pg_catalog)\"?\s*\.", re.IGNORECASE)
"""A name by which a query gets at a function that a macro stands for."""


class SqlClocks:
    """The clocks of *engine*, which show one moment while they are held. *root* is the project's."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self._engine = engine
        self._root = root
        self._held: float | None = None

    def hold(self, moment: float | None) -> None:
        """Let them show *moment*, in seconds since the epoch; None: the time."""
        if moment == self._held:
            return
        for name, type in CLOCKS.items():
            if moment is None:
                self._engine.fetch(f"drop macro if exists main.{name}")
            else:
                shown = f"to_timestamp({moment!r}::double)"
                if "TIME ZONE" not in type:
                    shown = f"({shown} at time zone 'UTC')"
                self._engine.fetch(f"create or replace macro main.{name}() as cast({shown} as {type})")
        self._held = moment

    def other(
        self, project: Project, asset: Asset, analyses: Analyses, schemas: Mapping[Key, Schema]
    ) -> str | None:
        """What the recipe of *asset* asks that can't be held, None when there is nothing."""
        if isinstance(asset.recipe, SqlRecipe):
            if _BEHIND.search(project.query(asset.key).executable):
                return "a function by the name of its schema"
            found = analyses.analyze(asset.key, schemas)
            if isinstance(found, Diagnosis):
                return None  # told when it runs
            return next((f"{one.function}()" for one in found.volatile if one.function not in CLOCKS), None)
        for part in project.parts(asset.key):
            try:
                module = (self._root / part.place.path).read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                module = ""
            for asked in other_clocks(part.source, module):
                return f"{asked} ({part.name})"
        return None


class AtMoment:
    """An executor whose attempts believe that it is *moment*."""

    def __init__(self, executor: Executor, moment: float | None) -> None:
        self._executor = executor
        self._moment = moment

    def capacity(self) -> int:
        return self._executor.capacity()

    def expect(self, count: int) -> None:
        self._executor.expect(count)

    def run(self, attempt: PythonAttempt, target: Path, watching: Watching) -> AttemptResult | NotProduced:
        return self._executor.run(msgspec.structs.replace(attempt, moment=self._moment), target, watching)

    def close(self) -> None:
        self._executor.close()
