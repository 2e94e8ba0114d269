"""Run in a process of its own: loads a project, verifies it, asks for lineage; prints seconds and memory as JSON."""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")


def main(root: Path) -> None:
    """Measure the project at *root*, which is built."""
    from upriver.materializer.freshness.survey import survey
    from upriver.materializer.session import Session

    gc.set_threshold(100_000)  # as the program does
    before = _memory()
    found: dict[str, float] = {}
    session = Session(root)
    keys = _timed(found, "load", session.keys)
    seen = _timed(found, "verify", lambda: survey(session.context))
    assert len(seen.findings) == sum(key in seen.project.assets for key in keys)
    assert all(finding.version is not None for finding in seen.findings.values())
    last, first = keys[-1], keys[0]
    column = session.columns(last)[1]
    _timed(found, "first", lambda: session.lineage(last, column, downstream=False))
    _timed(found, "upstream", lambda: session.lineage(last, column, downstream=False))
    column = session.columns(first)[1]
    everything = _timed(found, "first_downstream", lambda: session.lineage(first, column, upstream=False))
    _timed(found, "downstream", lambda: session.lineage(first, column, upstream=False))
    found["nodes"] = len(everything.nodes)
    found["memory"] = _memory() - before
    session.close()
    print(json.dumps(found))


def _timed(found: dict[str, float], name: str, act: Callable[[], _T]) -> _T:
    started = time.perf_counter()
    result = act()
    found[name] = time.perf_counter() - started
    return result


def _memory() -> float:
    """The largest size of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
