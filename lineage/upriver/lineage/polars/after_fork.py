"""Importer of Polars and NumPy into a process that is to be forked."""

from __future__ import annotations

import importlib
import importlib.util
import secrets
import sys

from upriver.assets.support.fresh_state import AFTER_FORK

_STARTUP = "__register_startup_deps"


def prepare() -> None:
    """Import both here, and put off what would not outlive a fork: see :func:`begin_afresh` in
    :mod:`upriver.assets.support.fresh_state`.

    When it is imported, Polars starts a thread, which removes what queries have written to disk for want of memory. A
    fork has no such thread, and its disk would fill up; so the call that starts it is made in each fork.
    """
    spec = importlib.util.find_spec("polars")
    if spec is None or "polars" in sys.modules:
        return
    sys.modules["polars"] = importlib.util.module_from_spec(spec)  # not executed: for what is below it alone
    try:
        runtime = importlib.import_module("polars._plr")
    finally:
        del sys.modules["polars"]
    start, put_off = getattr(runtime, _STARTUP), []
    setattr(runtime, _STARTUP, lambda *arguments: put_off.append(arguments))
    try:
        polars = importlib.import_module("polars")
    finally:
        setattr(runtime, _STARTUP, start)
    polars._plr = runtime  # type: ignore[attr-defined]

    def begin() -> None:
        for arguments in put_off:
            start(*arguments)
        polars.set_random_seed(secrets.randbits(63))
        if (random := sys.modules.get("numpy.random")) is not None:
            random.seed()

    AFTER_FORK.append(begin)
