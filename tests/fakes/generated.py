"""Projects of any size, the same for the same seed."""

from __future__ import annotations

import random

from tests.fakes.shop import AssetSpec, ColumnSpec

from upriver.assets.model import Key
from upriver.materializer.model import Cause, Reason, State

_LAYERS = ("staging", "core", "marts", "reports")
_NAMES = (
    *("orders", "customers", "payments", "refunds", "sessions", "products", "prices", "stock", "invoices"),
    *("returns", "visits", "carts", "campaigns", "clicks", "leads", "accounts", "tickets", "calls"),
    *("shipments", "routes", "drivers", "parcels", "stores", "staff"),
)
_COLUMNS = (ColumnSpec("id", "BIGINT"), ColumnSpec("amount", "DOUBLE"), ColumnSpec("status", "VARCHAR"))


def generated(size: int, seed: int = 7) -> tuple[AssetSpec, ...]:
    """*size* assets in four layers over one source for each twenty; a few failed, some stale, most fresh."""
    dice = random.Random(seed)
    specs: list[AssetSpec] = []
    states: dict[Key, State] = {}
    sources = max(1, size // 20)
    for number in range(sources):
        key = f"raw.{_NAMES[number % len(_NAMES)]}_{number:05d}"
        states[key] = State.FRESH
        specs.append(
            AssetSpec(
                key, "source", State.FRESH, age=dice.uniform(60, 90_000), rows=dice.randrange(10, 10**7),
                columns=_COLUMNS, kind="source",
            )
        )  # fmt: skip
    below: list[Key] = [spec.key for spec in specs]
    remaining = size - sources
    for depth, layer in enumerate(_LAYERS):
        count = remaining // len(_LAYERS) if depth < len(_LAYERS) - 1 else size - len(specs)
        made: list[Key] = []
        for number in range(count):
            key = f"{layer}.{_NAMES[(number * 7 + depth) % len(_NAMES)]}_{number:05d}"
            near = number * len(below) // max(1, count)
            reads = {
                below[min(len(below) - 1, max(0, near + dice.randrange(-3, 4)))]
                for _ in range(dice.randrange(1, 4))
            }
            upstreams = tuple(sorted(reads))
            state, reasons = _state(key, upstreams, states, dice)
            states[key] = state
            age = None if state is State.MISSING else dice.uniform(60, 900_000)
            specs.append(
                AssetSpec(
                    key, "sql", state, upstreams, age,
                    round(dice.expovariate(0.5) + 0.1, 1), dice.randrange(10, 10**7), _COLUMNS, reasons,
                    owner=dice.choice(("eng", "fin", "ana")), tags=(layer,),
                    text=(f"select id, amount, status from {upstreams[0]}",),
                    error=("Binder Error: it fails",) if state is State.FAILED else (),
                )
            )  # fmt: skip
            made.append(key)
        below = made or below
    return tuple(specs)


def _state(
    key: Key, upstreams: tuple[Key, ...], states: dict[Key, State], dice: random.Random
) -> tuple[State, tuple[Reason, ...]]:
    for upstream in upstreams:
        if states[upstream] in (State.FAILED, State.BLOCKED):
            return State.BLOCKED, (Reason(Cause.FAILED, upstream),)
    for upstream in upstreams:
        if states[upstream] in (State.STALE, State.PENDING, State.MISSING):
            return State.PENDING, (Reason(Cause.UPSTREAM, upstream, detail=states[upstream].value),)
    chance = dice.random()
    if chance < 0.0005:
        return State.FAILED, (Reason(Cause.FAILED, key, detail="Binder Error: it fails"),)
    if chance < 0.008:
        return State.STALE, (Reason(Cause.RECIPE, key, detail=f"{key}:3 changed"),)
    if chance < 0.012:
        return State.MISSING, (Reason(Cause.MISSING, key),)
    return State.FRESH, ()
