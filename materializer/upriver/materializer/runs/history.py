"""Read-only queries over materializations, runs and their event logs, and over the run that goes on now."""

from __future__ import annotations

import msgspec

from upriver.assets.errors import UsageError
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.answers import AssetResult, HistoryEntry, LogLine, RunEntry
from upriver.materializer.context import Context
from upriver.materializer.events import (
    AssetFinished,
    AssetOutput,
    AssetRetrying,
    AssetStarted,
    Event,
    RunStarted,
)
from upriver.materializer.model import Run
from upriver.materializer.ports import Holder
from upriver.materializer.runs.event_log import log_path, read_events


class Past:
    """The state's and the logs' account of what was done in *context*. The caller sees to the taking of turns."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def history(self, key: Key | None, limit: int) -> tuple[HistoryEntry, ...]:
        """Materializations, newest first."""
        state = self._context.state
        asked = None if key is None else [Node(key)]
        current = {one.id for one in state.current(self._context.environment, asked).values()}
        return tuple(
            HistoryEntry(
                id=one.id,
                asset=one.asset,
                run=one.run,
                materialized_at=one.finished,
                seconds=one.finished - one.started,
                rows=one.version.rows,
                bytes=one.version.bytes,
                version=one.version.id,
                current=one.id in current,
            )
            for one in state.history(key, limit)
        )

    def runs(self, limit: int) -> tuple[RunEntry, ...]:
        """Runs, newest first."""
        return tuple(_run_entry(run) for run in self._context.state.runs(limit))

    def run(self, run_id: str) -> RunEntry:
        """One run with its assets' outcomes. Raises UsageError when *run_id* means none, or several."""
        found = self._find_run(run_id)
        outcomes = self._context.state.run_outcomes(found.id)
        recorded = {one.asset: one for one in (msgspec.convert(o, AssetResult) for o in outcomes)}
        # Fresh assets are not recorded, nor is anything of a run that goes on or ended without a word.
        events = self.events(found.id)
        told = {e.asset: e.result for e in events if isinstance(e, AssetFinished)}
        rank = {key: n for e in events if isinstance(e, RunStarted) for n, key in enumerate(e.assets)}
        assets = sorted((told | recorded).values(), key=lambda one: rank.get(one.asset, len(rank)))
        return msgspec.structs.replace(_run_entry(found), assets=tuple(assets))

    def _find_run(self, run_id: str) -> Run:
        runs = self._context.state.runs(limit=10_000)
        if run_id == "last" and runs:
            return runs[0]
        matching = [run for run in runs if run.id.startswith(run_id)] if run_id else []
        exact = [run for run in matching if run.id == run_id]
        if len(exact or matching) == 1:
            return (exact or matching)[0]
        if matching:
            raise UsageError(f"{run_id!r} is the beginning of {len(matching)} runs; give more of it")
        raise UsageError(f"there is no run {run_id!r}; `upriver history` lists them")

    def log(self, run_id: str, key: Key | None = None) -> tuple[LogLine, ...]:
        """Captured output of a run, of all its assets or of one; with the errors that attempts ended with."""
        lines: list[LogLine] = []
        told = set[Key]()
        for event in self.events(self._find_run(run_id).id):
            match event:
                case AssetOutput(at, asset, attempt, stream, text) if key in (None, asset):
                    told |= {asset} if stream == "traceback" else set()
                    lines.append(LogLine(asset, attempt, stream, text, at))
                case AssetRetrying(at, asset, attempt, _, error) if key in (None, asset):
                    lines.append(LogLine(asset, attempt, "upriver", error, at))
                case AssetFinished(at, AssetResult(asset=asset, error=str(error))) if (
                    key in (None, asset) and asset not in told
                ):
                    lines += [LogLine(asset, 0, "upriver", line, at) for line in error.splitlines()]
                case _:
                    pass
        return tuple(lines)

    def events(self, run_id: str) -> tuple[Event, ...]:
        """The recorded events of a run."""
        return read_events(self._context.runs_folder, run_id)

    def live_run(self) -> str | None:
        """The id of the newest run that is going on now in this environment, in any process, or None."""
        here = [one for one in self.builders() if one.environment == self._context.environment]
        return here[-1].run if here else None

    def builders(self) -> tuple[Holder, ...]:
        """The processes that build now, in any environment, oldest first."""
        if not (self._context.folder / "state.db").exists():
            return ()
        return tuple(one for one in self._context.state.holders() if not one.whole)

    def running_now(self) -> dict[Key, float]:
        """The assets that are being built now in this environment, in any process, and since when (seconds since the
        epoch).
        """
        running: dict[Key, float] = {}
        for builder in self.builders():
            if builder.environment == self._context.environment:
                running |= self._running_in(builder.run)
        return running

    def _running_in(self, run_id: str) -> dict[Key, float]:
        running: dict[Key, float] = {}
        if not log_path(self._context.runs_folder, run_id).exists():
            return running
        for event in self.events(run_id):
            match event:
                case AssetStarted(at=at, asset=asset):
                    running[asset] = at
                case AssetFinished(asset=asset):
                    running.pop(asset, None)
                case _:
                    pass
        return running


def _run_entry(run: Run) -> RunEntry:
    return RunEntry(run.id, run.status, run.started, run.finished, run.select, counts=run.counts)
