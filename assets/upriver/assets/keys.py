"""Keys: the names of assets and sources."""

from __future__ import annotations

import re
from typing import TypeAlias

Key: TypeAlias = str
"""The name of an asset or source: a dotted lower-case path such as ``marts.daily_revenue``."""

_KEY = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*")
MAX_KEY_LENGTH = 200
_RESERVED_PARTS = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(10)}
)


def key_problem(key: str) -> str | None:
    """Say in words why *key* is no valid key, or return None when it is one."""
    if len(key) > MAX_KEY_LENGTH:
        return f"it has {len(key)} characters; at most {MAX_KEY_LENGTH} are allowed"
    if not _KEY.fullmatch(key):
        return (
            "a key is a dotted path of lower-case ASCII letters, digits and underscores, "
            "and no part starts with a digit"
        )
    for part in key.split("."):
        if part in _RESERVED_PARTS:
            return f"{part!r} is a reserved device name on some file systems"
    return None
