"""Small projects written to disk, imported, fingerprinted and forgotten again."""

from __future__ import annotations

import decimal
import importlib
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import polars as pl
import pytest

from upriver.lineage.python import Reach, reach


class Projects:
    """Makes projects in folders of their own, so that no two share a path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def reach(self, files: Mapping[str, str], function: str = "asset") -> Reach:
        """What *function* of module ``m`` reaches in the project made of *files*."""
        self._count += 1
        root = self._folder / f"p{self._count}"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        before = set(sys.modules)
        sys.path.insert(0, str(root))
        importlib.invalidate_caches()
        extended = {cls: set(vars(cls)) for cls in (pl.Expr, pl.LazyFrame)}
        environment, handlers = dict(os.environ), logging.root.handlers[:]
        try:
            with decimal.localcontext():
                module = importlib.import_module("m")
                return reach(getattr(module, function), root)
        finally:
            logging.root.handlers[:] = handlers
            os.environ.clear()
            os.environ.update(environment)
            sys.path.remove(str(root))
            for cls, members in extended.items():
                for name in set(vars(cls)) - members:
                    delattr(cls, name)
            for name in set(sys.modules) - before:
                if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(root)) or (
                    any(str(p).startswith(str(root)) for p in getattr(sys.modules[name], "__path__", ()))
                ):
                    del sys.modules[name]


@pytest.fixture
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Projects:
    """Fresh projects; nothing of them stays imported."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Projects(tmp_path)


@pytest.fixture
def split() -> Callable[[str], dict[str, str]]:
    """A project written as one text, each file after a line ``--- path``."""

    def parts(text: str) -> dict[str, str]:
        files: dict[str, str] = {}
        name = "m.py"
        for line in dedent(text).splitlines(keepends=True):
            if line.startswith("--- "):
                name = line[4:].strip()
                files[name] = ""
            else:
                files[name] = files.get(name, "") + line
        return files

    return parts
