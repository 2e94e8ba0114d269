"""The share of a run that is done tells the truth: about what was never built, and about what was stopped."""

from __future__ import annotations

from upriver.materializer.answers import AssetResult
from upriver.materializer.events import AssetFinished, AssetStarted, RunFinished, RunStarted
from upriver.materializer.model import Outcome, RunStatus
from upriver.tui.present.views.live import RunPicture

KEYS = ("a", "b", "c", "d")


def begun(*expected: tuple[str, float]) -> RunPicture:
    """A run of four assets, of which some have a usual duration."""
    picture = RunPicture("1")
    picture.take(RunStarted(0.0, "1", KEYS, 1, expected))
    return picture


def test_what_was_never_built_counts_as_the_others_usually_take() -> None:
    """One of four done is a quarter, not all of it."""
    picture = begun(("a", 4.0))
    picture.take(AssetStarted(0.0, "a", 1, 1, ()))
    assert picture.share_done(2.0) == 0.125
    picture.take(AssetFinished(4.0, AssetResult("a", Outcome.BUILT, seconds=4.0)))
    assert picture.share_done(4.0) == 0.25
    assert picture.left(4.0, {}) == 12.0


def test_when_nothing_is_known_assets_are_counted() -> None:
    """And no time is promised."""
    picture = begun()
    picture.take(AssetFinished(1.0, AssetResult("a", Outcome.BUILT)))
    assert picture.share_done(1.0) == 0.25
    assert picture.left(1.0, {}) is None


def test_a_cancelled_run_stays_where_it_stopped() -> None:
    """A full bar would say that all was done."""
    picture = begun(*((key, 4.0) for key in KEYS))
    picture.take(AssetFinished(4.0, AssetResult("a", Outcome.BUILT, seconds=4.0)))
    picture.take(AssetStarted(4.0, "b", 1, 1, ()))
    picture.take(AssetFinished(6.0, AssetResult("b", Outcome.CANCELLED, seconds=2.0)))
    for key in ("c", "d"):
        picture.take(AssetFinished(6.0, AssetResult(key, Outcome.CANCELLED)))
    picture.take(RunFinished(6.0, "1", RunStatus.INTERRUPTED))
    assert picture.share_done(100.0) == 6.0 / 16.0


def test_a_run_that_is_over_is_done() -> None:
    """Also when some of it failed: nothing more will come."""
    picture = begun(*((key, 4.0) for key in KEYS))
    for key in KEYS:
        picture.take(AssetFinished(4.0, AssetResult(key, Outcome.FAILED if key == "d" else Outcome.BUILT)))
    picture.take(RunFinished(6.0, "1", RunStatus.FAILED))
    assert picture.share_done(100.0) == 1.0
