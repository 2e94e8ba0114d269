"""Event logs: what a run has told is read again, as earlier versions told it too."""

from __future__ import annotations

from pathlib import Path

from upriver.materializer.answers import AssetResult
from upriver.materializer.events import AssetFinished, AssetOutput, Event
from upriver.materializer.model import Cause, Outcome, Reason
from upriver.materializer.runs.event_log import RunLog, log_path, read_events

EARLIER = (
    b'{"type":"asset_finished","at":4.0,"asset":"marts.a","outcome":"built","changed":true,'
    b'"reasons":[{"kind":"data","asset":"raw.b","columns":["x"],"detail":"+3 rows"}],'
    b'"rows":3,"bytes":30,"seconds":1.5,"error":null,"partition":null}\n'
)
RESULT = AssetResult(
    "marts.a", Outcome.BUILT, True, (Reason(Cause.DATA, "raw.b", ("x",), "+3 rows"),), 3, 30, 1.5
)


def test_the_end_of_an_asset_is_read_as_an_earlier_version_wrote_it(tmp_path: Path) -> None:
    """Logs of runs of before an update stay readable: what they tell is shown and counted as before."""
    path = log_path(tmp_path, "run")
    path.parent.mkdir()
    path.write_bytes(EARLIER + b'{"type":"of a newer version"}\n' + EARLIER[:40] + b"\n")
    assert read_events(tmp_path, "run") == (AssetFinished(4.0, RESULT),)


def test_what_is_told_is_what_is_read(tmp_path: Path) -> None:
    """Every event comes back from the file as the listener was given it."""
    told: list[Event] = []
    log = RunLog(tmp_path, "run", told.append)
    log.emit(AssetOutput(1.0, "marts.a", 1, "stdout", "a line\nof text"))
    log.emit_all([AssetFinished(4.0, RESULT)])
    log.close()
    assert read_events(tmp_path, "run") == tuple(told)
    assert len(told) == 2
