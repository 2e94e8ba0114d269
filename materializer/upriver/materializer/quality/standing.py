"""Standing of an asset's checks on one content, as a value; and what tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key, Schema, Value
from upriver.materializer.model import Cause, CheckOutcome, CheckResult, Reason, Reasons, Version


class Standing(Value, frozen=True):
    """How all checks of an asset stand on one content. *waits* are what they read beside it and is not decided."""

    results: tuple[CheckResult, ...] = ()
    waits: tuple[Key, ...] = ()

    @property
    def open(self) -> bool:
        """Whether nothing keeps the content from being served as it is."""
        return not self.waits and not any(
            one.outcome is CheckOutcome.DUE or one.stops for one in self.results
        )

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        """The checks that keep the content from being published."""
        return tuple(one for one in self.results if one.stops)

    @property
    def reasons(self) -> Reasons:
        """Why it is not open, as reasons."""
        return tuple(
            Reason(Cause.CHECK, one.asset, detail=f"{one.check}: {one.detail}")
            for one in self.results
            if one.stops or one.outcome is CheckOutcome.DUE
        )


class Guards(Protocol):
    """What tells how checks stand, without reading data (see ``quality/gate.py``)."""

    def guards(self, key: Key) -> bool:
        """Whether *key* has checks."""
        ...

    def broken_contract(self, key: Key, schema: Schema) -> Diagnosis | None:
        """What a content with the columns *schema* lacks of what *key* promises today."""
        ...

    def standing(self, key: Key, version: Version, other: Callable[[Key], Version | None]) -> Standing:
        """How the checks of *key* stand on *version*; *other* tells what else is there, None when undecided."""
        ...
