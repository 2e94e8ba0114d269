"""Planner of one recipe: calls it with empty frames, to learn its columns without data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from upriver.assets.errors import AssetError
from upriver.assets.model import Frame, Key, Schema
from upriver.lineage.model import Analysis, Opaque, UnknownColumn
from upriver.lineage.polars.guard import SideEffect, no_side_effects
from upriver.lineage.polars.observe import Recorder, observed_scan
from upriver.lineage.polars.plan_lineage import analyze_lazyframe
from upriver.lineage.polars.problems import unknown_column
from upriver.lineage.polars.tree import FAILURES

_LAZY = (Frame.LAZY, Frame.ANY)


def plan_on_empty(
    function: Callable[..., Any],
    inputs: Mapping[str, tuple[Key, Frame, Schema]],
    *,
    order_promised: bool = False,
    called: Callable[[str], str] = str,
) -> Analysis | UnknownColumn:
    """Call *function* with empty frames for *inputs* (by parameter) and analyse what it returns.

    An UnknownColumn when it looks for one that is not there and has read no data: on full frames it would as well.
    Opaque, with the cause, when an input is no LazyFrame, the result is none, the function reads data to
    decide what to return, raises, or tries to do something outside (see
    :mod:`~upriver.lineage.polars.guard`). Time and memory are the caller's to limit.
    """
    for parameter, (key, kind, _) in inputs.items():
        if kind not in _LAZY:
            return _opaque(f"parameter {parameter} takes {key} as {kind.value}")
    recorders: dict[Key, Recorder] = {}
    try:
        frames = {
            parameter: observed_scan((), recorders.setdefault(key, Recorder(key)), schema)
            for parameter, (key, _, schema) in inputs.items()
        }
    except AssetError as error:
        return _opaque(str(error))
    with no_side_effects() as tried:
        try:
            returned = function(**frames)
        except SideEffect as effect:
            return _opaque(f"it {effect} before it returns its plan")
        except (*FAILURES, SystemExit) as error:
            if not tried and (problem := _problem(error, recorders)) is not None:
                return problem
            return _opaque(f"on empty frames it raises {type(error).__name__}: {error}".strip())
    if tried:
        return _opaque(f"it {tried[0]} before it returns its plan")
    if not isinstance(returned, pl.LazyFrame):
        return _opaque(f"it returns {_kind(returned)}, not a LazyFrame")
    read = sorted(key for key, recorder in recorders.items() if recorder.reads)
    if read:
        return _opaque(f"it collects {', '.join(read)} inside the function")
    try:
        returned.collect_schema()
    except FAILURES as error:
        if (problem := _problem(error, recorders)) is not None:
            return problem
    return analyze_lazyframe(returned, recorders, order_promised=order_promised, called=called)


def _problem(error: BaseException, recorders: Mapping[Key, Recorder]) -> UnknownColumn | None:
    if any(recorder.reads for recorder in recorders.values()):
        return None  # what it met in empty frames says nothing about full ones
    return unknown_column(error)


def _opaque(cause: str) -> Analysis:
    return Analysis(None, opaque=(Opaque(cause),))


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__module__}.{type(value).__qualname__}"
