"""What a benchmark is told: how large, how often, where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp


@dataclass(frozen=True)
class Settings:
    """*scale* multiplies the sizes that the figures of README are for; *runs* is how often each thing is timed.

    *folder* is where the work is done (None: a temporary folder), *competitors* a Python that has the
    other tools.
    """

    scale: float = 1.0
    runs: int = 5
    folder: Path | None = None
    competitors: Path | None = None

    def sized(self, full: int, least: int = 1) -> int:
        """*full* at scale 1."""
        return max(least, round(full * self.scale))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder that is gone afterwards."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(prefix="upriver-bench-", dir=self.folder))
        try:
            yield made
        finally:
            rmtree(made, ignore_errors=True)
