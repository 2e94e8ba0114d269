"""Room on the disk: whether there is enough for the small files without which nothing can be written."""

from __future__ import annotations

import os
from pathlib import Path

LEAST = 64 << 10
"""Bytes that the state needs beside its own file before a transaction can begin (the index of its log)."""


def is_full(folder: Path) -> bool:
    """Whether the disk of *folder* has less room than :data:`LEAST` for this process."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return (found.f_bfree if os.geteuid() == 0 else found.f_bavail) * found.f_frsize < LEAST
