"""Hooks on ``os.stat`` and its like: record the questions about files (is it there, how large, how old).

Python has no audit events for them. They all end at three functions of :mod:`os`, through which :mod:`os.path`,
:mod:`pathlib` and :mod:`glob` ask as well; the import system does not.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any

real_stat = os.stat
"""``os.stat`` as it was when this module was imported: for looks that no recipe asks for."""

_FUNCTIONS = ("stat", "lstat", "access", "readlink")
_telling = threading.local()


def tell_questions(tell: Callable[[object, str], None]) -> Callable[[], None]:
    """From now on call *tell* with what each question is about, and the name of the function.

    What *tell* asks itself is not told. Returns what puts the functions back; code that has taken one of them by
    name keeps telling.
    """
    before = {name: getattr(os, name) for name in _FUNCTIONS}
    for name, function in before.items():
        setattr(os, name, _told(function, tell))

    def put_back() -> None:
        for name, function in before.items():
            setattr(os, name, function)

    return put_back


def _told(function: Callable[..., Any], tell: Callable[[object, str], None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def asked(path: Any, *rest: Any, **named: Any) -> Any:
        if not getattr(_telling, "busy", False):
            _telling.busy = True
            try:
                tell(path, function.__name__)
            finally:
                _telling.busy = False
        return function(path, *rest, **named)

    return asked
