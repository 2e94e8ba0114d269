"""Projects that read systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.materializer.answers import AssetStatus
from upriver.materializer.model import Outcome
from upriver.materializer.session import Session


class Shop:
    """A project in a folder; each call opens it anew, as a command does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "assets").mkdir(exist_ok=True)

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def config(self, text: str) -> None:
        """Write ``upriver.toml``."""
        self.write("upriver.toml", text)

    def sources(self, *lines: str) -> None:
        """Declare sources."""
        self.write("assets/sources.py", "\n".join(("from upriver.assets import source", *lines, "")))

    def build(self, *select: str) -> dict[str, tuple[Outcome, str | None]]:
        """Build; what became of each asset, with its error."""
        with opened(self.root) as session:
            return {one.asset: (one.action, one.error) for one in session.build(select).assets}

    def built(self, *select: str) -> dict[str, str]:
        """Build without errors; what became of each asset."""
        done = self.build(*select)
        assert {key: error for key, (_, error) in done.items() if error} == {}
        return {key: action.value for key, (action, _) in done.items()}

    def status(self) -> dict[str, AssetStatus]:
        """How everything stands."""
        with opened(self.root) as session:
            return {one.asset: one for one in session.status()}

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """The rows of a query over artifacts."""
        with opened(self.root) as session:
            return [tuple(row) for row in session.sql(query).rows]


class opened:
    """A session as a context."""

    def __init__(self, root: Path) -> None:
        self._session = Session(root)

    def __enter__(self) -> Session:
        return self._session

    def __exit__(self, *_: object) -> None:
        self._session.close()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty project."""
    root = tmp_path / "shop"
    root.mkdir()
    made = Shop(root)
    made.config("")
    return made
