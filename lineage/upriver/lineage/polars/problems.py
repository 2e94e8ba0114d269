"""Problems of plans that can't work, read from what Polars says."""

from __future__ import annotations

import re

import polars as pl

from upriver.lineage.model import UnknownColumn

_NOT_FOUND = re.compile(r'^(?:unable to find column )?"(?P<name>.+?)"(?: not found|; valid columns: )')


def unknown_column(error: BaseException) -> UnknownColumn | None:
    """The column that a plan looked for in vain; None when *error* says something else."""
    if not isinstance(error, pl.exceptions.ColumnNotFoundError):
        return None
    said = _NOT_FOUND.match(str(error))
    return UnknownColumn(said["name"]) if said else None
