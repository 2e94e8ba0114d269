"""Origin of a file or a module: the project, Upriver, the standard library, or a package."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import sysconfig
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType


@lru_cache(maxsize=4096)
def _real(path: str | Path) -> str:
    return os.path.realpath(path)


class Origin(StrEnum):
    """Origin of a piece of code, which decides what its fingerprint is made of."""

    PROJECT = "project"  # by meaning: its source
    UPRIVER = "upriver"  # never counts: upgrading Upriver changes no recipe
    STDLIB = "stdlib"  # by the Python minor version
    PACKAGE = "package"  # by the version of its distribution


PYTHON = ("python", f"{sys.version_info.major}.{sys.version_info.minor}")
"""The pseudo-package that stands for the language and its standard library."""


def is_upriver(module: str) -> bool:
    """Whether a module of this name is one of Upriver's own."""
    return f"{module}.".startswith("upriver.")


def attribute(value: object, name: str, default: object = None) -> object:
    """An attribute of a project's object, whose own code may raise anything when it is asked."""
    try:
        return getattr(value, name, default)
    except Exception:  # noqa: BLE001 -- no answer is none
        return default


_INSTALLED = ("site-packages", "dist-packages")


class Origins:
    """Answers by file and by module name, for a project at *root* whose modules are *modules* by name.

    Modules that are not among them are looked up in ``sys.modules``.
    Code outside *root* that is neither installed nor of the standard library (an editable install, a
    folder on PYTHONPATH) counts as the project's: its version number does not move when it is edited.
    """

    def __init__(self, root: Path, modules: Mapping[str, ModuleType] | None = None) -> None:
        self._modules = modules or {}
        self.root = _real(root)
        paths = sysconfig.get_paths()
        self._stdlib = tuple({_real(paths[k]) + os.sep for k in ("stdlib", "platstdlib")})
        prefix = _real(sys.prefix)
        # A virtual environment inside the project is not project code.
        self._prefix = prefix + os.sep if prefix.startswith(self.root + os.sep) else None
        self._files: dict[str, bool] = {}

    def is_project_file(self, filename: str) -> bool:
        """Whether *filename*, as in ``__file__`` or ``co_filename``, holds project code."""
        known = self._files.get(filename)
        if known is None:
            known = self._files[filename] = self._decide(filename)
        return known

    def _decide(self, filename: str) -> bool:
        if filename.startswith("<"):
            return False
        real = _real(filename)
        if any(part in _INSTALLED for part in Path(real).parts):
            return False
        if self._prefix is not None and real.startswith(self._prefix):
            return False
        if real.startswith(self.root + os.sep):
            return True
        return not real.startswith(self._stdlib) and Path(real).is_file()

    def module(self, name: str) -> ModuleType | None:
        """The loaded module called *name*."""
        return self._modules.get(name) or sys.modules.get(name)

    def of_name(self, module: str | None) -> Origin:
        """The origin of a module by its name, imported or not."""
        module = module or "builtins"
        if is_upriver(module):
            return Origin.UPRIVER
        loaded = self.module(module)
        if loaded is not None and self.is_project_module(loaded):
            return Origin.PROJECT
        top, _, _ = module.partition(".")
        return Origin.STDLIB if top in sys.stdlib_module_names else Origin.PACKAGE

    def is_project_module(self, module: ModuleType) -> bool:
        """Whether *module* is project code. Namespace packages count when one of their folders does."""
        if is_upriver(module.__name__):
            return False
        filename = vars(module).get("__file__")
        if isinstance(filename, str):
            return self.is_project_file(filename)
        folders = [str(p) for p in vars(module).get("__path__", ())]
        return any(_real(p).startswith(self.root + os.sep) for p in folders) and not any(
            part in _INSTALLED for p in folders for part in Path(p).parts
        )

    def relative(self, filename: str) -> str:
        """*filename* relative to the project root with forward slashes, or as it is when outside."""
        real = _real(filename)
        if real.startswith(self.root + os.sep):
            return Path(real).relative_to(self.root).as_posix()
        return real

    def anonymous(self, text: str) -> str:
        """*text* with the project's location taken out, so that a fingerprint can move with the project."""
        return text.replace(self.root, "<root>") if self.root in text else text


@cache
def distributions_of(top: str) -> tuple[tuple[str, str], ...]:
    """The distributions that provide the top-level module *top*, as sorted (name, version).

    Most are named like their module, which costs one file look-up; the map of all is read only for the rest.
    """
    try:
        found = importlib.metadata.distribution(top)
    except importlib.metadata.PackageNotFoundError:
        names = sorted(set(_all_distributions().get(top, ())))
        return tuple((_normal(n), importlib.metadata.version(n)) for n in names) or ((top, _declared(top)),)
    except ValueError:  # an empty name: code that was never imported from anywhere
        return ()
    return ((_normal(top), found.version),)


@cache
def _all_distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _declared(top: str) -> str:
    version = vars(sys.modules[top]).get("__version__") if top in sys.modules else None
    return str(version) if version is not None else "unknown"
