"""The fingerprint of a Python recipe: a hash of all the project code that it can reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b, sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from upriver.assets.model import CodePart, Value
from upriver.lineage.python.classes import describe_class, describe_instance
from upriver.lineage.python.effects import describe_effects, effectful_modules
from upriver.lineage.python.functions import describe_function, describe_held
from upriver.lineage.python.modules import describe_binding, describe_everything, describe_module
from upriver.lineage.python.origin import Origins
from upriver.lineage.python.source import Sources, project_files
from upriver.lineage.python.walk import Describe, Walk

_DESCRIBERS: dict[str, Describe] = {
    "function": describe_function,
    "held": describe_held,
    "class": describe_class,
    "instance": describe_instance,
    "binding": describe_binding,
    "module": describe_module,
    "everything": describe_everything,
    "effects": describe_effects,
}


class Reach(Value, frozen=True):
    """What a function can reach.

    *fingerprint* is 32 hexadecimal digits (BLAKE2b, 128 bits). *parts* are the pieces of project code, in the
    order in which they were met; *packages* the distributions used, with the Python version among them;
    *widened* says in words where the reach had to be widened, and what it can't cover; *unimportable* are the project
    modules that functions import in their bodies, and that can't be imported now.
    """

    fingerprint: str
    parts: tuple[CodePart, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    widened: tuple[str, ...] = ()
    unimportable: tuple[str, ...] = ()


def reach(
    function: Callable[..., Any],
    root: Path,
    sources: Sources | None = None,
    modules: Mapping[str, ModuleType] | None = None,
) -> Reach:
    """Fingerprint *function* with all that it can reach of the project at *root*.

    To be called when the project's modules have been imported and nothing of them has run: values at module
    level count as they are now. *modules* are those modules by name, when they are no longer in ``sys.modules``;
    project modules that functions import in their bodies must still be importable, else the reach widens to
    the whole project. Pass one *sources* for many functions, so that each file is read once. The result
    depends on no hash seed (unless a module-level value does), address, absolute path or machine.
    """
    sources = Sources() if sources is None else sources
    origins = Origins(root, modules)
    walk = Walk(origins, sources, _DESCRIBERS, effectful_modules)
    digest = walk.fingerprint(function)
    if walk.asks_for_docstrings:
        walk = Walk(origins, sources, _DESCRIBERS, effectful_modules, docstrings=True)
        digest = walk.fingerprint(function)
    if walk.asks_for_text:
        whole = blake2b(digest, digest_size=16)
        for path in project_files(origins.root):
            whole.update(sha256(Path(path).read_bytes()).digest())
        digest = whole.digest()
    return Reach(
        fingerprint=digest.hex(),
        parts=tuple(walk.parts.values()),
        packages=tuple(sorted(walk.packages.items())),
        widened=tuple(walk.widened),
        unimportable=tuple(walk.unimportable),
    )
