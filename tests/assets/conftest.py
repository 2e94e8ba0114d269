"""Projects written to a folder, and what loading them gives."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from upriver.assets.errors import Diagnosis
from upriver.assets.loading.load import LoadedPython, load_python
from upriver.assets.loading.sql_module import parse_sql_module
from upriver.assets.model import Asset, Source
from upriver.assets.project.files import ProjectFiles, discover
from upriver.assets.project.validate import check_keys

USUAL = "from upriver.assets import asset, secret, source\n"


class Project:
    """A project folder."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self.write("upriver.toml", "[project]\nname = 'test'\n")

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file; text is dedented."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return target

    def module(self, path: str, text: str) -> Path:
        """Write a Python module that begins with the usual import, in line 1."""
        return self.write(path, USUAL + dedent(text))

    @property
    def files(self) -> ProjectFiles:
        return discover(self.root)

    def python(self) -> LoadedPython:
        """The Python modules, loaded."""
        return load_python(self.root, self.files)

    def sound_python(self) -> LoadedPython:
        """The Python modules, loaded, with nothing wrong in them."""
        loaded = self.python()
        assert not loaded.diagnoses, "\n\n".join(map(str, loaded.diagnoses))
        return loaded

    def diagnoses(self) -> list[Diagnosis]:
        """Everything that is wrong with the project as far as this part can tell."""
        files = self.files
        assets: list[Asset] = []
        wrong_sql: list[Diagnosis] = []
        for file in files.sql:
            parsed = parse_sql_module(file.path, (self.root / file.path).read_text())
            if isinstance(parsed, Asset):
                assets.append(parsed)
            else:
                wrong_sql += parsed
        loaded = load_python(self.root, files)
        keys = check_keys([*assets, *loaded.assets], loaded.sources)
        return [*files.diagnoses, *wrong_sql, *loaded.diagnoses, *keys]

    def asset(self, key: str) -> Asset:
        """The Python asset *key* of the project, in which nothing is wrong."""
        return next(asset for asset in self.sound_python().assets if asset.key == key)

    def source(self, text: str) -> Source:
        """The one source that the call *text* declares."""
        self.module("assets/only.py", text)
        (found,) = self.sound_python().sources
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path / "project")
