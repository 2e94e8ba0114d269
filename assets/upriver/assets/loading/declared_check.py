"""Checks as they are declared apart from their assets, as values."""

from __future__ import annotations

from upriver.assets.model import Check, Key, Place, Value


class DeclaredCheck(Value, frozen=True):
    """A check of the asset *of*, declared apart from it. *at* is where the key is written."""

    of: Key
    check: Check
    at: Place
