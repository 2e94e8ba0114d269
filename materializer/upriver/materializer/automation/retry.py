"""Backing off: what failed waits before it is tried again, unless its code or its inputs have changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from upriver.assets.model import Key, Value

FIRST, MOST = 10.0, 3600.0
"""Seconds before the first repetition of what failed, doubled each time, and the longest."""

AGAIN = 2.0
"""Seconds before what was built and is wanted all the same is built again, doubled each time."""


class Wait(Value, frozen=True):
    """An asset waits until *until*, after *times* tries at what *identity* names, the last of which *failed* or not."""

    identity: str
    times: int
    until: float
    failed: bool = True


def waiting(waits: Mapping[Key, Wait], identities: Mapping[Key, str], now: float) -> frozenset[Key]:
    """The assets that wait at *now*. Another identity is another try; a clock set back does not lengthen a wait."""
    return frozenset(
        key
        for key, wait in waits.items()
        if identities.get(key) == wait.identity and now < wait.until and wait.until - now <= MOST
    )


def after_build(
    waits: Mapping[Key, Wait],
    tried: Mapping[Key, str],
    failed: Collection[Key],
    now: float,
) -> dict[Key, Wait]:
    """The waits after a build that *tried* assets of these identities, of which some *failed*."""
    found = dict(waits)
    for key, identity in tried.items():
        before = found.get(key)
        times = before.times + 1 if before is not None and before.identity == identity else 1
        first = FIRST if key in failed else AGAIN
        until = now + min(MOST, first * 2.0 ** min(times - 1, 20))
        found[key] = Wait(identity, times, until, key in failed)
    return found
