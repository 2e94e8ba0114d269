"""Costs of assets in the last runs, and what reuse has spared: from records alone, nothing is looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

import msgspec

from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.answers import AssetResult
from upriver.materializer.context import Context
from upriver.materializer.events import AssetFinished, RunStarted
from upriver.materializer.model import Outcome, Run
from upriver.materializer.runs.cost_answers import AssetCost, Costs
from upriver.materializer.runs.history import Past


def costs(context: Context, past: Past, assets: Collection[Key], limit: int) -> Costs:
    """The *assets* over the last *limit* runs that have ended, in the order of *assets*."""
    state = context.state
    durations = state.durations(context.environment)
    usual = {node.asset: known for node, known in durations.items() if node.partition is None}
    current = state.current(context.environment, map(Node, assets))
    spent: defaultdict[Key, float] = defaultdict(float)
    saved: defaultdict[Key, float] = defaultdict(float)
    ends: defaultdict[Key, Counter[Outcome]] = defaultdict(Counter)
    runs = [run for run in state.runs(limit + 1) if run.finished is not None][:limit]
    for run in runs:
        for outcome in state.run_outcomes(run.id):
            result = msgspec.convert(outcome, AssetResult)
            ends[result.asset][result.action] += 1
            spent[result.asset] += result.seconds
            if result.action is Outcome.REUSED:
                saved[result.asset] += usual.get(result.asset, (0.0, None))[0]
        for key in _turned_out_fresh(past, run):
            ends[key][Outcome.FRESH] += 1
            saved[key] += usual.get(key, (0.0, None))[0]
    found = []
    for key in assets:
        seconds, peak = usual.get(key, (None, None))
        record = current.get(Node(key))
        version = None if record is None else record.version
        found.append(
            AssetCost(
                asset=key,
                seconds=seconds,
                total=spent[key],
                built=ends[key][Outcome.BUILT],
                failed=ends[key][Outcome.FAILED],
                reused=ends[key][Outcome.REUSED] + ends[key][Outcome.FRESH],
                saved=saved[key],
                rows=None if version is None else version.rows,
                bytes=None if version is None else version.bytes,
                peak_memory=peak,
            )
        )
    return Costs(len(runs), runs[-1].started if runs else None, tuple(found))


def _turned_out_fresh(past: Past, run: Run) -> list[Key]:
    """What was going to be built, and needed not be after all: its upstream was built to the same content.

    What was fresh from the beginning is not counted: no build would have made it.
    """
    if not run.counts.get(Outcome.FRESH):
        return []
    planned: set[Key] = set()
    fresh = []
    for event in past.events(run.id):
        match event:
            case RunStarted(expected=expected):
                planned = {key for key, _ in expected}
            case AssetFinished(result=AssetResult(asset=key, action=Outcome.FRESH)) if key in planned:
                fresh.append(key)
            case _:
                pass
    return fresh
