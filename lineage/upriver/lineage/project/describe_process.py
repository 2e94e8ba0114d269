"""The program of the process that loads a project's Python modules and reports what they declare.

It runs in a process of its own, so that the program itself never executes project code: a module that crashes,
hangs or ends the process, or that imports half of PyPI, costs this process only, and two projects never meet.

Its arguments are the project's root, perhaps the modules that have ended such a process before, with their diagnoses
(they are not loaded again), and the descriptor to report to. The report is lines of JSON: a list for a secret that was
revealed, a text for the path of a module that begins to be executed, null when one has ended; last what is declared.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import RawIOBase
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.loading.capture import capturing
from upriver.assets.loading.declared_check import DeclaredCheck
from upriver.assets.loading.imports import ProjectImports, module_name
from upriver.assets.loading.load import LoadedPython, load_python
from upriver.assets.model import Asset, CodePart, Predicate, PythonRecipe
from upriver.assets.project.files import discover
from upriver.assets.support.encodable import encode_json
from upriver.assets.support.fresh_state import begin_afresh
from upriver.assets.support.redaction import revealed
from upriver.assets.support.supervised_process import run_program
from upriver.lineage.project.manifest import Described, PythonModules
from upriver.lineage.project.redacted import without_secrets
from upriver.lineage.python.reach import reach
from upriver.lineage.python.source import Sources

_NONE: Mapping[str, Diagnosis] = MappingProxyType({})


def describe_project(
    root: Path,
    refused: Mapping[str, Diagnosis] = _NONE,
    executing: Callable[[str | None], None] = lambda path: None,
) -> Described:
    """What the Python modules of the project at *root* declare, with the code that each recipe can reach.

    *refused* and *executing* as for :class:`upriver.assets.loading.imports.ProjectImports`.
    """
    files = discover(root)
    imports = ProjectImports(root, files, refused=refused, executing=executing)
    loaded = load_python(root, files, imports)
    # Functions may import more of the project when they are called: looking into them imports it, too.
    with imports, capturing():
        sys.modules.update(loaded.modules)
        found = _fingerprinted(root, loaded)
    modules = PythonModules(
        observed=loaded.observed,
        assets=tuple(found.assets),
        sources=loaded.sources,
        checks=tuple(found.checks),
        failed=dict(loaded.failed),
        loaded=loaded.loaded,
        diagnoses=(*loaded.diagnoses, *found.diagnoses),
        output=loaded.output,
    )
    described = Described(modules, found.parts)
    return without_secrets(described) if revealed.used else described


@dataclass
class _Fingerprinted:
    """The assets with the fingerprints of their recipes, and the code parts of each fingerprint.

    *diagnoses* say what is wrong with a recipe that can't be looked into, or with code that only a function imports.
    """

    assets: list[Asset] = field(default_factory=list)
    checks: list[DeclaredCheck] = field(default_factory=list)
    parts: dict[str, tuple[CodePart, ...]] = field(default_factory=dict)
    diagnoses: list[Diagnosis] = field(default_factory=list)


def _fingerprinted(root: Path, loaded: LoadedPython) -> _Fingerprinted:
    failed = {module_name(path): problems for path, problems in loaded.failed.items()}
    texts = Sources()
    result = _Fingerprinted()
    for asset in loaded.assets:
        assert isinstance(asset.recipe, PythonRecipe)
        function = loaded.functions[asset.key].function
        try:
            found = reach(function, Path(os.path.realpath(root)), texts, loaded.modules)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is this asset's failure alone
            result.diagnoses.append(_unreadable(asset, error))
            result.assets.append(asset)
            continue
        for name in found.unimportable:
            result.diagnoses += [_behind(asset, problem) for problem in failed.get(name, ())]
        result.parts[found.fingerprint] = found.parts
        recipe = msgspec.structs.replace(
            asset.recipe, fingerprint=found.fingerprint, packages=found.packages, widened=found.widened
        )
        result.assets.append(msgspec.structs.replace(asset, recipe=recipe))
    return _with_checks(root, loaded, texts, result)


def _with_checks(root: Path, loaded: LoadedPython, texts: Sources, result: _Fingerprinted) -> _Fingerprinted:
    """Add the checks with the fingerprints of their functions. What can't be looked into breaks the asset."""
    for declared, function in loaded.checks:
        rule = declared.check.rule
        assert isinstance(rule, Predicate)
        try:
            found = reach(function.function, Path(os.path.realpath(root)), texts, loaded.modules)
        except Exception as error:  # noqa: BLE001 -- as for an asset
            result.diagnoses.append(
                Diagnosis(
                    "analysis-failed",
                    f"what the check {declared.check.name} can reach can't be told: {type(error).__name__}: {error}",
                    declared.check.place,
                    key=declared.of,
                )
            )
            continue
        result.parts[found.fingerprint] = found.parts
        recipe = msgspec.structs.replace(
            rule.recipe, fingerprint=found.fingerprint, packages=found.packages, widened=found.widened
        )
        check = msgspec.structs.replace(declared.check, rule=msgspec.structs.replace(rule, recipe=recipe))
        result.checks.append(msgspec.structs.replace(declared, check=check))
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


def _behind(asset: Asset, problem: Diagnosis) -> Diagnosis:
    fact = f"{asset.key}, declared at {asset.place}, imports it when it runs"
    return msgspec.structs.replace(problem, facts=(*problem.facts, fact), key=asset.key)


def _write(pipe: RawIOBase, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[pipe.write(view) or 0 :]


def unconfined(_root: Path) -> None:
    """Nothing is denied to the project's modules."""


def work(pipe: BinaryIO, arguments: Sequence[str], confine: Callable[[Path], None] = unconfined) -> None:
    """Report to the descriptor given. *confine* is called before project code is imported."""
    pipe.close()
    root, channel = Path(arguments[0]), int(arguments[-1])
    refused = msgspec.json.decode(arguments[1], type=dict[str, Diagnosis]) if len(arguments) > 2 else _NONE
    os.set_inheritable(channel, False)
    report = os.fdopen(channel, "wb", buffering=0)
    # Whatever ends this process: what it has printed on its way must not show a secret.
    revealed.tell = lambda name, value: _write(report, encode_json((name, value)) + b"\n")
    confine(root)
    begin_afresh()  # which may start threads: from here on they are confined, too

    def executing(path: str | None) -> None:
        _write(report, encode_json(path) + b"\n")

    _write(report, encode_json(describe_project(root, refused, executing)))
    os._exit(0)  # threads and exit handlers of project modules must not hold back the report


if __name__ == "__main__":
    run_program(work)
