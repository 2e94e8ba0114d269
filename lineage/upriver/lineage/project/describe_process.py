"""``python -m upriver.lineage.project.describe_process ROOT FD``: load a project's Python modules and report what they
declare.

Run in a process of its own, so that the program itself never executes project code: a module that crashes,
hangs or ends the process, or that imports half of PyPI, costs this process only, and two projects never meet.
"""

from __future__ import annotations

import os
import sys
from io import RawIOBase
from pathlib import Path

import msgspec

from upriver.assets.loading.capture import capturing
from upriver.assets.loading.imports import ProjectImports
from upriver.assets.loading.load import LoadedPython, load_python
from upriver.assets.model import Asset, CodePart, PythonRecipe
from upriver.assets.project.files import discover
from upriver.assets.support.redaction import REVEALED
from upriver.assets.support.supervised_process import keep
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
        assets, parts = _fingerprinted(root, loaded)
    modules = PythonModules(
        observed=loaded.observed,
        assets=tuple(assets),
        sources=loaded.sources,
        failed=loaded.failed,
        diagnoses=loaded.diagnoses,
        output=loaded.output,
    )
    return without_secrets(Described(modules, parts)) if REVEALED.used else Described(modules, parts)


def _fingerprinted(root: Path, loaded: LoadedPython) -> tuple[list[Asset], dict[str, tuple[CodePart, ...]]]:
    """The assets with the fingerprints of their recipes, and the code parts of each fingerprint."""
    texts = Sources()
    parts: dict[str, tuple[CodePart, ...]] = {}
    assets: list[Asset] = []
    for asset in loaded.assets:
        assert isinstance(asset.recipe, PythonRecipe)
        function = loaded.functions[asset.key].function
        found = reach(function, Path(os.path.realpath(root)), texts, loaded.modules)
        parts[found.fingerprint] = found.parts
        recipe = msgspec.structs.replace(
            asset.recipe, fingerprint=found.fingerprint, packages=found.packages, widened=found.widened
        )
        assets.append(msgspec.structs.replace(asset, recipe=recipe))
    return assets, parts


def _write(pipe: RawIOBase, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[pipe.write(view) or 0 :]


def main() -> None:
    """Report to the file descriptor given."""
    root, channel = Path(sys.argv[1]), int(sys.argv[2])
    os.close(keep())
    os.set_inheritable(channel, False)
    pipe = os.fdopen(channel, "wb", buffering=0)
    # Whatever ends this process: what it has printed on its way must not show a secret.
    REVEALED.tell = lambda name, value: _write(pipe, msgspec.json.encode((name, value)) + b"\n")
    _write(pipe, msgspec.json.encode(describe_project(root)))
    os._exit(0)  # threads and exit handlers of project modules must not hold back the report


if __name__ == "__main__":
    main()
