"""The locator finds the files of a version at the moment when it is read; no record holds a path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os.path import exists
from pathlib import Path
from typing import TypeVar

from upriver.materializer.model import ArtifactRef, Located, Version
from upriver.materializer.ports import Store

_Key = TypeVar("_Key")


class Locator:
    """Versions to files: artifacts by asking *store*, sources that are read in place below the project at *root*."""

    def __init__(self, root: Path, store: Store) -> None:
        self._root = f"{root}/"
        self._store = store

    def located(self, version: Version) -> Located:
        """The version with its files."""
        return Located(version.id, version.schema, version.rows, version.bytes, self.files(version))

    def files(self, version: Version) -> tuple[str, ...]:
        """The absolute paths of the files that hold its rows, in order."""
        artifacts = [self._store.locate(ref) for ref in version.artifacts]
        return (*artifacts, *(_below(self._root, file) for file in version.in_place))

    def there(self, version: Version) -> bool:
        """Whether all of it is where it belongs (no byte is looked at)."""
        return bool(self.those_there({"": version}))

    def sound(self, version: Version) -> bool:
        """Whether all of it is where it belongs, with the bytes that it was recorded with."""
        return self.there(version) and not self._store.damaged(version.artifacts)

    def those_there(self, versions: Mapping[_Key, Version]) -> dict[_Key, Version]:
        """Those of *versions* that are all there, found together."""
        kept = self._store.exists_many(_artifacts(versions.values()))
        return {
            key: version
            for key, version in versions.items()
            if all(ref in kept for ref in version.artifacts)
            and all(exists(_below(self._root, file)) for file in version.in_place)  # noqa: PTH110 -- many
        }


def _below(root: str, file: str) -> str:
    """A source outside the project is declared, and so recorded, by its own absolute name."""
    return file if file.startswith("/") else root + file


def _artifacts(versions: Iterable[Version]) -> Iterable[ArtifactRef]:
    return (ref for version in versions for ref in version.artifacts)
