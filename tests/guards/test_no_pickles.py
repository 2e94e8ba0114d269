"""Nothing that is read from a disk is ever run: the product does not even have the means."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for part in ("assets", "lineage", "materializer", "tui") for path in (ROOT / part).rglob("*.py")
)

MODULES = frozenset(
    {"pickle", "_pickle", "cPickle", "pickletools", "marshal", "shelve", "dbm", "dill", "cloudpickle", "joblib", "jsonpickle", "runpy", "code", "numpy", "torch", "multiprocessing", "concurrent.futures.process"}
)  # fmt: skip
"""They unpickle, or run what they read."""

CALLS = frozenset(
    {"eval", "exec", "execfile", "deserialize", "unsafe_load", "full_load", "load_all", "read_pickle", "from_pickle", "enable_extension_loading", "load_extension", "loadextension", "enableloadextension"}
)  # fmt: skip


def means(tree: ast.AST) -> Iterator[str]:
    """What could run what is read, in one file."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if _forbidden(name.name))
            case ast.ImportFrom(module=str(module)) if _forbidden(module):
                yield module
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield name
            case ast.Call(func=ast.Attribute(attr=name)) if name in CALLS:
                yield name
            case ast.Call(func=ast.Attribute(attr="load" | "load_all", value=ast.Name(id="yaml"))) as call:
                loader = [keyword.value for keyword in call.keywords if keyword.arg == "Loader"]
                if "Safe" not in "".join(map(ast.unparse, [*loader, *call.args[1:]])):
                    yield "yaml.load"


def _forbidden(module: str) -> bool:
    return module in MODULES or module.partition(".")[0] in MODULES


def test_nothing_in_the_product_can_unpickle_or_run_what_it_reads() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), what)
        for path in FILES
        for what in means(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set()


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "def f():\n    from pickle import loads",
        "import joblib.numpy_pickle",
        "eval(text)",
        "pl.LazyFrame.deserialize(file)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "connection.enable_extension_loading(True)",
    ],
)
def test_the_guard_sees_it(code: str) -> None:
    assert list(means(ast.parse(code)))
