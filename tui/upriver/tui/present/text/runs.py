"""Text of runs, materializations and captured output."""

from __future__ import annotations

import time
from collections.abc import Sequence

from upriver.materializer.answers import HistoryEntry, LogLine, RunEntry
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, RUN
from upriver.tui.present.spans import EMPTY, Line, Page, Span, joined, line, without_colours
from upriver.tui.present.text.marks import sign, word
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import rows

_RUNS = (
    Column(""),
    Column("status", leaves=4),
    Column("run"),
    Column("started", leaves=3),
    Column("took", "right", leaves=2),
    Column("assets", minimum=12),
    Column("asked for", minimum=8, leaves=1),
)
_MADE = (
    Column(""),
    Column("materialized"),
    Column("age", "right", leaves=3),
    Column("took", "right"),
    Column("rows", "right"),
    Column("size", "right", leaves=2),
    Column("run", leaves=1),
    Column("version", leaves=4),
)
_VERSION_DIGITS = 12
_STREAMS = {"stderr": "yellow", "warning": "yellow", "traceback": "red", "upriver": "red"}
_ENDS = ("traceback", "upriver")
"""The streams of lines that no recipe printed: what an attempt ended with."""


def runs_lines(runs: Sequence[RunEntry], page: Page, *, now: float) -> list[Line]:
    """Runs, one a line."""
    if not runs:
        return [line("no runs yet: `upriver build` makes the first")]
    return table(_RUNS, [_run_row(run, now, page) for run in runs], page.width)


def _run_row(run: RunEntry, now: float, page: Page) -> list[Line]:
    mark = RUN[run.status]
    counts = run.tally()
    parts = [
        line(f"{counts[o]:,} ", Span(OUTCOME[o].word, OUTCOME[o].colour)) for o in OUTCOME if o in counts
    ]
    took = figures.duration((now if run.finished is None else run.finished) - run.started)
    return [
        (sign(mark, page),),
        (word(mark),),
        (Span(run.id, "bold"),),
        line(f"{local_time(run.started)}  ", Span(figures.ago(now - run.started), "dim")),
        (Span(took),),
        joined(parts),
        line(Span(" ".join(run.select), "dim")) if run.select else EMPTY,
    ]


def history_lines(key: str, entries: Sequence[HistoryEntry], page: Page, *, now: float) -> list[Line]:
    """Materializations of one asset; the current one is marked."""
    if not entries:
        return [line(f"{key} was never built")]
    current = Span("*" if page.ascii else "▸", "green")
    body: list[list[Line]] = [
        [
            (current if entry.current else Span(" "),),
            line(local_time(entry.materialized_at)),
            line(figures.age(now - entry.materialized_at)),
            line(figures.duration(entry.seconds)),
            line(rows(entry.rows)),
            line(figures.size(entry.bytes)),
            line(entry.run),
            line(Span(entry.version[:_VERSION_DIGITS], "dim")),
        ]
        for entry in entries
    ]
    return table(_MADE, body, page.width)


def local_time(seconds: float) -> str:
    """A moment in the user's own time, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def log_lines(run: RunEntry, lines: Sequence[LogLine], page: Page, *, now: float) -> list[Line]:
    """The run, then asset by asset what was printed and what it ended with."""
    out = table(_RUNS, [_run_row(run, now, page)], page.width, header=False)
    printed: dict[str, list[LogLine]] = {result.asset: [] for result in run.assets if result.error}
    for entry in lines:
        printed.setdefault(entry.asset, []).append(entry)
    results = {result.asset: result for result in run.assets}
    for asset, entries in printed.items():
        result = results.get(asset)
        mark = OUTCOME[result.action] if result else None
        end: Line = (sign(mark, page), Span(" ")) if mark else EMPTY
        out += [EMPTY, line(end, Span(asset, "bold")), *_printed(entries)]
        if result and result.error and not any(entry.stream in _ENDS for entry in entries):
            out += [line("  ", Span(text, "red")) for text in _texts(result.error)]
    if not printed:
        out += [EMPTY, line(Span("nothing was printed", "dim"))]
    return out


def _printed(entries: Sequence[LogLine]) -> list[Line]:
    out: list[Line] = []
    attempt = 1
    for entry in entries:
        if entry.attempt > attempt:
            attempt = entry.attempt
            out.append(line(Span(f"  attempt {attempt}", "dim")))
        style = _STREAMS.get(entry.stream, "")
        out += [line("  ", Span(text, style)) for text in _texts(entry.text)]
    return out


def _texts(text: str) -> list[str]:
    """The lines of what another program printed."""
    return without_colours(text).rstrip("\n").expandtabs(4).split("\n")
