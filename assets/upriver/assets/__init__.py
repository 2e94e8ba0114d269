"""Public names for project modules: ``asset``, ``by``, ``check``, ``source`` and ``secret``.

The names are loaded on first use, so that importing any module of this part costs only that module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upriver.assets.declare.asset import asset
    from upriver.assets.declare.check import check
    from upriver.assets.declare.partition import by
    from upriver.assets.declare.secret import secret
    from upriver.assets.declare.source import source

__all__ = ["asset", "by", "check", "secret", "source"]

_HOMES = {
    "asset": "declare.asset",
    "by": "declare.partition",
    "check": "declare.check",
    "secret": "declare.secret",
    "source": "declare.source",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
