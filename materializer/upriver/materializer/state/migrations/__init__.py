"""Migrations of an older state: one numbered step from each version to the next, applied in order.

A step is frozen: it tells its own tables in full, and never imports what later versions may change. A new one is a
module ``v<N>.py`` beside the others and a line in :data:`MIGRATIONS`; it is tested from a state that the older program
has stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import apsw

from upriver.materializer.state.migrations import v2, v3, v4, v5, v6, v7, v8, v9

Migration: TypeAlias = str | Callable[[apsw.Connection], None]
"""SQL statements, or a function, that make the next version within a transaction that the caller holds."""

MIGRATIONS: Mapping[int, Migration] = {
    1: v2.migrate,
    2: v3.migrate,
    3: v4.TABLES,
    4: v5.TABLES,
    5: v6.TABLES,
    6: v7.TABLES,
    7: v8.TABLES,
    8: v9.TABLES,
}
"""For each older version, the step that makes the next version of it."""
