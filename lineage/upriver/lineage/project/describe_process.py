"""The program of the process that loads a project's Python modules and reports what they declare.

It runs in a process of its own, so that the program itself never executes project code: a module that crashes,
hangs or ends the process, or that imports half of PyPI, costs this process only, and two projects never meet.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.loading.capture import capturing
from upriver.assets.loading.imports import ProjectImports
from upriver.assets.loading.load import LoadedPython, load_python
from upriver.assets.model import Asset, CodePart, PythonRecipe
from upriver.assets.project.files import discover
from upriver.assets.support.fresh_state import begin_afresh
from upriver.assets.support.redaction import REVEALED
from upriver.assets.support.supervised_process import run_program
from upriver.lineage.project.manifest import Described, PythonModules
from upriver.lineage.project.redacted import without_secrets
from upriver.lineage.python.reach import reach
from upriver.lineage.python.source import Sources


def describe_project(root: Path) -> Described:
    """What the Python modules of the project at *root* declare, with the code that each recipe can reach."""
    files = discover(root)
    loaded = load_python(root, files)
    # Functions may import more of the project when they are called: looking into them imports it, too.
    with ProjectImports(root, files), capturing():
        sys.modules.update(loaded.modules)
        found = _fingerprinted(root, loaded)
    modules = PythonModules(
        observed=loaded.observed,
        assets=tuple(found.assets),
        sources=loaded.sources,
        failed=tuple(dict.fromkeys([*loaded.failed, *found.failed])),
        diagnoses=(*loaded.diagnoses, *found.diagnoses),
        output=loaded.output,
    )
    described = Described(modules, found.parts)
    return without_secrets(described) if REVEALED.used else described


@dataclass
class _Fingerprinted:
    """The assets with the fingerprints of their recipes, and the code parts of each fingerprint.

    *failed* are the paths of modules with a recipe that could not be looked into, for what *diagnoses* say.
    """

    assets: list[Asset] = field(default_factory=list)
    parts: dict[str, tuple[CodePart, ...]] = field(default_factory=dict)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def _fingerprinted(root: Path, loaded: LoadedPython) -> _Fingerprinted:
    texts = Sources()
    result = _Fingerprinted()
    for asset in loaded.assets:
        assert isinstance(asset.recipe, PythonRecipe)
        function = loaded.functions[asset.key].function
        try:
            found = reach(function, Path(os.path.realpath(root)), texts, loaded.modules)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is this asset's failure alone
            result.diagnoses.append(_unreadable(asset, error))
            result.failed.append(asset.place.path)
            continue
        result.parts[found.fingerprint] = found.parts
        recipe = msgspec.structs.replace(
            asset.recipe, fingerprint=found.fingerprint, packages=found.packages, widened=found.widened
        )
        result.assets.append(msgspec.structs.replace(asset, recipe=recipe))
    return result


def _unreadable(asset: Asset, error: Exception) -> Diagnosis:
    return Diagnosis(
        "analysis-failed",
        f"what the recipe of {asset.key} can reach can't be told: {type(error).__name__}: {error}",
        asset.place,
        ("this is a fault of Upriver; other assets are not affected",),
        "report it with the text of this asset; written in a simpler way, it may be understood",
        key=asset.key,
    )


def _write(pipe: RawIOBase, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[pipe.write(view) or 0 :]


def unconfined(_root: Path) -> None:
    """Nothing is denied to the project's modules."""


def work(pipe: BinaryIO, arguments: Sequence[str], confine: Callable[[Path], None] = unconfined) -> None:
    """Report to the descriptor given. *confine* is called before project code is imported."""
    pipe.close()
    root, channel = Path(arguments[0]), int(arguments[1])
    os.set_inheritable(channel, False)
    report = os.fdopen(channel, "wb", buffering=0)
    # Whatever ends this process: what it has printed on its way must not show a secret.
    REVEALED.tell = lambda name, value: _write(report, msgspec.json.encode((name, value)) + b"\n")
    confine(root)
    begin_afresh()  # which may start threads: from here on they are confined, too
    _write(report, msgspec.json.encode(describe_project(root)))
    os._exit(0)  # threads and exit handlers of project modules must not hold back the report


if __name__ == "__main__":
    run_program(work)
