"""Versions of installed distributions, found by the names of their folders: importing what knows more takes
30 ms.
"""

from __future__ import annotations

import functools
import os
import re
import sys


@functools.cache
def installed() -> dict[str, str]:
    """Versions by normalised distribution name (``scikit-learn``, as of PEP 503), first on ``sys.path``
    first.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                distribution, _, rest = name.rpartition(".")[0].partition("-")
                found.setdefault(normalised(distribution), rest.partition("-py")[0])
    return found


def normalised(name: str) -> str:
    """The spelling under which a distribution is known, whatever its capital letters, dots and underscores."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_version(name: str) -> str:
    """The version of a distribution, or ``none`` when it is not installed."""
    return installed().get(normalised(name)) or "none"


def release_series(version: str) -> str:
    """``2.1`` of ``2.1.3``: results may change between series, not within one."""
    return ".".join(version.split(".")[:2])
