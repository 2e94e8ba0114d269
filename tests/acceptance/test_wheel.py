"""The wheel: what is in it, and that it works in an environment of its own beside files of the user's own.

The environment holds the wheel only. Its dependencies are those of the tests' environment, which is put on its path
as a plain folder: what is installed there as editable, Upriver itself above all, is not seen through it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.command import ENVIRONMENT, Done, run

ROOT = Path(__file__).parents[2]
PARTS = ("assets", "lineage", "materializer", "tui")
CLEAN = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}
PIP = (sys.executable, "-m", "pip")
QUICKLY = ("--quiet", "--no-deps", "--no-index", "--no-compile")

TRAP = """\
raise SystemExit("Upriver has imported a file of the user's that is none of its business")
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment in which Upriver is installed from its wheel."""

    folder: Path

    @property
    def scripts(self) -> Path:
        """Where its commands are."""
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    def python(self, code: str, folder: Path) -> str:
        """What *code* prints, run as ``python -c`` in *folder*."""
        done = subprocess.run(
            [self.scripts / "python", "-c", code],
            cwd=folder,
            env=CLEAN,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def upriver(self, *words: str, folder: Path) -> Done:
        """Run the installed ``upriver`` in *folder*."""
        return run(*words, folder=folder, command=(self.scripts / "upriver",), environment=CLEAN)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("pip is not installed here")
    folder = tmp_path_factory.mktemp("dist")
    isolation = [] if importlib.util.find_spec("hatchling") is None else ["--no-build-isolation"]
    done = subprocess.run(
        [*PIP, "wheel", ROOT, "--no-deps", "--quiet", "--wheel-dir", folder, *isolation],
        env=CLEAN,
        capture_output=True,
        text=True,
    )
    if "No matching distribution found for hatchling" in done.stderr:
        pytest.skip(
            "hatchling, which builds the wheel, is not installed, and pip reaches no index that has it"
        )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("upriver-*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel in it, and its dependencies within reach."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False)
    made = Environment(folder)
    subprocess.run(
        [*PIP, "--python", made.scripts / "python", "install", *QUICKLY, wheel], env=CLEAN, check=True
    )
    packages = made.python("import sysconfig; print(sysconfig.get_path('purelib'))", folder)
    (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return made


def names(wheel: Path) -> set[str]:
    """The files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_four_parts_and_nothing_else(wheel: Path) -> None:
    """Every file below the parts' roots, once; no tests, no sample data, no caches."""
    expected = set()
    for part in PARTS:
        files = [path for path in (ROOT / part / "upriver").rglob("*") if path.is_file()]
        inside = [path.relative_to(ROOT / part) for path in files]
        expected |= {
            path.as_posix()
            for path in inside
            if not any(name.startswith((".", "__pycache__")) for name in path.parts)
        }
    found = {name for name in names(wheel) if ".dist-info/" not in name}
    (manual,) = found - expected
    assert manual.endswith(".data/data/share/man/man1/upriver.1")
    assert found - {manual} == expected
    assert {name.split("/")[1] for name in expected} == {
        *PARTS,
        "__main__.py",
        "project.py",
        "pytest_plugin.py",
    }


def test_the_wheel_says_that_it_is_typed_and_brings_its_styles_and_licence(wheel: Path) -> None:
    """What is no Python is easily left out."""
    found = names(wheel)
    assert found >= {f"upriver/{part}/py.typed" for part in PARTS}
    assert "upriver/tui/app/app.tcss" in found
    assert "upriver/__init__.py" not in found
    assert any(name.endswith("licenses/LICENSE") for name in found)


def test_the_installed_namespace_is_the_wheel_s(environment: Environment, tmp_path: Path) -> None:
    """Not the repository's, which would make the other tests here worth nothing."""
    code = "import json, upriver; print(json.dumps(list(upriver.__path__)))"
    (only,) = json.loads(environment.python(code, tmp_path))
    assert Path(only).is_relative_to(environment.folder)


def test_init_and_build_work_beside_the_user_s_own_modules(environment: Environment, tmp_path: Path) -> None:
    """Files in the working folder that are named like Upriver's parts, or like what it imports, stay unread."""
    for name in (*PARTS, "upriver", "duckdb", "polars", "sources", "worker"):
        (tmp_path / f"{name}.py").write_text(TRAP, encoding="utf-8")

    assert environment.upriver("init", "shop", folder=tmp_path).code == 0
    done = environment.upriver("-C", "shop", "build", "--json", folder=tmp_path)
    assert done.code == 0, done.err
    assert {one["action"] for one in done.document["assets"]} == {"built"}
    again = environment.upriver("-C", "shop", "build", "--json", folder=tmp_path)
    assert {one["action"] for one in again.document["assets"]} == {"fresh"}


def test_the_user_s_modules_are_not_shadowed(environment: Environment, tmp_path: Path) -> None:
    """``import assets`` finds the user's own: the wheel claims no name but ``upriver``."""
    for part in PARTS:
        (tmp_path / f"{part}.py").write_text("MINE = True\n", encoding="utf-8")
    code = f"import {', '.join(PARTS)}; print({' and '.join(f'{part}.MINE' for part in PARTS)})"
    assert environment.python(code, tmp_path) == "True"
    assert environment.python("from upriver.assets import asset, source; print(1)", tmp_path) == "1"


def test_a_module_of_the_project_may_be_called_assets(environment: Environment, tmp_path: Path) -> None:
    """A recipe imports the project's own ``assets.py``, though the folder beside it has the same name."""
    environment.upriver("init", "shop", folder=tmp_path)
    shop = tmp_path / "shop"
    (shop / "assets.py").write_text("BEST = 2\n", encoding="utf-8")
    recipe = shop / "assets/marts/best_customers.py"
    text = recipe.read_text(encoding="utf-8")
    text = text.replace("import polars as pl\n", "import polars as pl\nfrom assets import BEST\n")
    recipe.write_text(text.replace(".head(3)", ".head(BEST)"), encoding="utf-8")

    done = environment.upriver("-C", "shop", "build", "--json", folder=tmp_path)
    assert done.code == 0, done.err
    rows = {one["asset"]: one["rows"] for one in done.document["assets"]}
    assert rows["marts.best_customers"] == 2


def test_the_manual_is_where_man_looks_for_it(environment: Environment) -> None:
    """Beside the command."""
    assert (environment.folder / "share" / "man" / "man1" / "upriver.1").is_file()


def test_the_command_and_the_module_are_the_same(environment: Environment, tmp_path: Path) -> None:
    """``upriver`` and ``python -m upriver``, with the version of the wheel."""
    script = environment.upriver("--version", folder=tmp_path)
    module = run(
        "--version",
        folder=tmp_path,
        command=(environment.scripts / "python", "-m", "upriver"),
        environment=CLEAN,
    )
    assert script == module
    assert script.out.startswith("upriver 0.")
