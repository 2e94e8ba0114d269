"""Propagation of row order: the assets whose order of rows an asset downstream depends on.

An asset without a total order of its own passes on the order of what it reads. So when its reader takes the
first row, or adds up floating point numbers, a shuffled source matters to all in between, although none of
them reads the order itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from upriver.assets.model import Key
from upriver.lineage.model import Footprint


def ordered_assets(
    reads: Mapping[Key, tuple[Key, ...]], footprints: Iterable[tuple[Key, Footprint]]
) -> frozenset[Key]:
    """The assets whose order counts: those that one of *footprints* (by what it is of) reads in order, and
    all above.

    *reads* maps every asset and source to what it reads.
    """
    waiting = {key for key, footprint in footprints if footprint.ordered and footprint.columns != ()}
    found: set[Key] = set()
    while waiting:
        key = waiting.pop()
        if key not in found and reads.get(key):
            found.add(key)
            waiting.update(reads[key])
    return frozenset(found)
