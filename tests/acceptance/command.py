"""The real command line on real folders: what a person types, and what comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UPRIVER = (sys.executable, "-m", "upriver")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""As at a person's desk, where a module is compiled once."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What is on stdout: one JSON document, or this raises."""
        return json.loads(self.out)


def run(
    *words: str,
    folder: Path,
    command: tuple[str | Path, ...] = UPRIVER,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run ``upriver WORDS`` in *folder*."""
    done = subprocess.run(
        [*command, *words],
        cwd=folder,
        env=ENVIRONMENT if environment is None else environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Project:
    """A project's folder, to be edited and built."""

    root: Path

    @property
    def warehouse(self) -> Path:
        """The database that any DuckDB client may open."""
        return self.root / ".upriver" / "warehouse.duckdb"

    def run(self, *words: str) -> Done:
        """Run ``upriver -C PROJECT WORDS`` from the folder above."""
        return run("-C", self.root.name, *words, folder=self.root.parent)

    def read(self, *words: str) -> Any:
        """The document of ``upriver WORDS --json``, which must succeed."""
        done = self.run(*words, "--json")
        assert done.code == 0, done
        return done.document

    def plan(self, *select: str) -> dict[str, str]:
        """What is not fresh, with what ``plan`` would do about it."""
        steps = self.read("plan", *select)["steps"]
        return {step["asset"]: step["action"] for step in steps if step["action"] != "fresh"}

    def build(self, *select: str) -> dict[str, str]:
        """Build; what was not fresh, with what was done about it."""
        document = self.read("build", *select)
        assert document["status"] == "success"
        return {one["asset"]: one["action"] for one in document["assets"] if one["action"] != "fresh"}

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace *old*, which occurs once, in a file of the project."""
        text = (self.root / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} holds {text.count(old)} of {old!r}"
        self.write(path, text.replace(old, new))

    def file(self, key: str) -> bytes:
        """The current artifact of a file asset."""
        (current,) = (one for one in self.read("history", key)["materializations"] if one["current"])
        (artifact,) = (self.root / ".upriver" / "store").rglob(f"{current['version']}.*")
        return artifact.read_bytes()
