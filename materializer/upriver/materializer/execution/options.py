"""Options of a build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from upriver.assets.model import Key
from upriver.lineage.partitions.selection import Chooses

_ALL: Mapping[Key, Chooses] = MappingProxyType({})


class Options:
    """How to build. Of the partitioned assets in *slices* only those slices are made."""

    def __init__(
        self,
        *,
        force: bool = False,
        jobs: int | None = None,
        fail_fast: bool = False,
        wait: float | None = 0.0,
        select: Sequence[str] = (),
        accept: Sequence[str] = (),
        because: str = "",
        slices: Mapping[Key, Chooses] = _ALL,
    ) -> None:
        self.force = force
        self.jobs = jobs
        self.fail_fast = fail_fast
        self.wait = wait
        self.select = tuple(select)
        self.accept = tuple(accept)
        self.because = because
        self.slices = slices
