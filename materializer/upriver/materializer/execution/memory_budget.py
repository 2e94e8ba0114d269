"""Memory that an attempt is expected to take, from what the asset took before.

An expectation, not a limit: it decides what may run beside what, and errs to the side of waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from upriver.assets.identity import Node
from upriver.materializer.model import Materialization

UNPACKED = 32
"""Bytes of memory that one more byte of input takes at most, as far as can be expected: Parquet is packed."""


@dataclass(frozen=True)
class Took:
    """What an asset took, in bytes: *peak* of memory, the largest of its last few materializations.

    *newest* is the peak of the one that stands now, and *inputs* the size of what that one read.
    """

    peak: int
    newest: int = 0
    inputs: int = 0

    def expected(self, inputs: int) -> int:
        """Bytes to expect when the upstreams are of *inputs* bytes.

        Grows with them, and does not shrink: a process takes some memory whatever it reads. For the same reason it
        grows no faster than data can: what a few bytes took does not tell what many will.
        """
        if not self.inputs or inputs <= self.inputs:
            return self.peak
        grown = min(self.newest * inputs // self.inputs, self.newest + UNPACKED * (inputs - self.inputs))
        return max(self.peak, grown)


def took_before(
    durations: Mapping[Node, tuple[float, int | None]], records: Mapping[Node, Materialization]
) -> dict[Node, Took]:
    """What is known of the nodes that are known to have taken memory."""
    found = {}
    for node, (_, peak) in durations.items():
        if peak is not None:
            record = records.get(node)
            newest, inputs = (record.peak_memory, record.input_bytes) if record is not None else (0, 0)
            found[node] = Took(peak, newest or 0, inputs or 0)
    return found


def expected_memory(took: Took | None, inputs: int, limit: int | None) -> int:
    """Bytes to set aside for an attempt: by its history, else its declared *limit*, which it can't exceed."""
    if took is None:
        return limit or 0
    expected = took.expected(inputs)
    return expected if limit is None else min(expected, limit)
