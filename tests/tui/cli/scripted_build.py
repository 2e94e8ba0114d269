"""A program for tests: ``upriver build`` on a scripted session that works until it is told to stop.

Called as ``python scripted_build.py SECONDS WORDS…``; SECONDS is how long the build lasts.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.tui.cli.scripted import ScriptedSession

from upriver.assets.model import Key
from upriver.materializer.answers import AssetResult, BuildResult
from upriver.materializer.events import (
    AssetFinished,
    AssetOutput,
    AssetProgress,
    AssetRetrying,
    AssetStarted,
    Event,
    RunFinished,
    RunStarted,
)
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.model import Cause, Outcome, Reason, RunStatus
from upriver.tui.cli.main import execute

KEYS = ("raw.a", "staging.one", "staging.two", "marts.bad", "marts.slow")


class SlowSession(ScriptedSession):
    """Builds two assets, fails one, and spends the rest of its time on another."""

    def __init__(self, lasts: float) -> None:
        super().__init__()
        self.lasts = lasts

    def build(
        self,
        select: Sequence[str] = (),
        *,
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
        **options: Any,
    ) -> BuildResult:
        assert cancel is not None
        time.sleep(60 if "waiting" in select else 0)
        start = time.time()
        on_event(RunStarted(start, "0001", KEYS, 2, (("staging.two", 0.5), ("marts.slow", 2.0))))
        on_event(AssetFinished(start, AssetResult("raw.a", Outcome.FRESH)))
        results = [AssetResult("raw.a", Outcome.FRESH)]
        own = (Reason(Cause.RECIPE, "staging.one", detail="its code changed"),)
        on_event(AssetStarted(start, "staging.one", 1, 1, own))
        on_event(
            AssetOutput(
                start, "staging.one", 1, "stdout", "\x1b[32mhello\x1b[0m from\x1b]0;evil\x07 the recipe"
            )
        )
        on_event(AssetFinished(start, AssetResult("staging.one", Outcome.BUILT, True, own, 1234, 10, 0.1)))
        results.append(AssetResult("staging.one", Outcome.BUILT, True, own, 1234, 10, 0.1))
        on_event(AssetStarted(start, "marts.bad", 1, 2, ()))
        on_event(AssetRetrying(start, "marts.bad", 1, 0.5, "flaky"))
        on_event(
            AssetFinished(
                start,
                AssetResult("marts.bad", Outcome.FAILED, error="Binder Error: no column\n  3 | x\n    | ^"),
            )
        )
        results.append(AssetResult("marts.bad", Outcome.FAILED, error="Binder Error: no column"))
        on_event(AssetStarted(start, "marts.slow", 1, 1, ()))
        ended = Outcome.BUILT
        while time.time() < start + self.lasts:
            for _ in range(50):  # far more events than anybody can see
                on_event(
                    AssetProgress(time.time(), "marts.slow", (time.time() - start) / self.lasts, 64_000_000)
                )
            time.sleep(0.005)
            if cancel.level:
                ended = Outcome.CANCELLED
                break
        slow: Key = "marts.slow"
        on_event(AssetFinished(time.time(), AssetResult(slow, ended, True, (), 7, 7, time.time() - start)))
        results.append(AssetResult(slow, ended, True, (), 7, 7, time.time() - start))
        status = RunStatus.INTERRUPTED if cancel.level else RunStatus.FAILED
        on_event(RunFinished(time.time(), "0001", status))
        return BuildResult("0001", status, tuple(results))


if __name__ == "__main__":
    slow_session = SlowSession.open(float(sys.argv[1]))
    sys.exit(execute(sys.argv[2:], sys.stdout, sys.stderr, os.environ, lambda root, name: slow_session))
