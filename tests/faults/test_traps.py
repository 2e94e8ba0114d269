"""Files that would do something if they were run or unpickled: nothing that looks at a project does either."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tests.faults.project import Project
from tests.faults.shops import sql_shop
from tests.tui.cli.terminal import Terminal

COMMAND = (str(Path(sys.executable).parent / "upriver"),)
"""As a user has it: with ``python -m``, Python itself takes modules from the current folder."""


class Trap:
    """Unpickled, it makes the file *marker*."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch '{self.marker}'",)


def trapped(root: Path, marker: Path) -> Project:
    """A project of SQL alone, with files in it that something or other runs when it finds them."""
    project = sql_shop(root)
    code = f"import os\nopen({str(marker)!r}, 'a').write(__file__ + chr(10))\n"
    modules = "conftest sitecustomize usercustomize upriver duckdb polars pyarrow sqlglot apsw msgspec textual json logging typing setup noxfile"
    for name in modules.split():
        project.write(f"{name}.py", code)
        project.write(f"lib/{name}/__init__.py", code)
    project.write("upriver/tui/cli/main.py", code)
    project.write("upriver/__main__.py", code)
    shell = (
        f".shell touch '{marker}'\n.system touch '{marker}'\ncopy (select 1) to '{marker}' (format csv);\n"
    )
    for name in (".duckdbrc", ".sqliterc", ".psqlrc", ".upriver/.duckdbrc"):
        project.write(name, shell)
    project.write(".env", f"PYTHONSTARTUP={root}/conftest.py\nLD_PRELOAD={root}/lib.so\n")
    project.write("pyvenv.cfg", f"home = {root}\ninclude-system-site-packages = true\n")
    project.write("pyproject.toml", f"[tool.pytest.ini_options]\npythonpath = ['{root}']\n")
    return project


def pickles(project: Project, marker: Path) -> None:
    """Put pickles wherever a program might keep or look for some."""
    data = pickle.dumps(Trap(marker))
    pickle.loads(data)
    marker.unlink()  # the trap works: else nothing here would prove anything
    for name in (
        "cache.pkl",
        "state.pickle",
        "cache/x.pkl",
        "cache/manifest.pkl",
        "runs/x.pkl",
        "tmp/x",
        "store/x.pkl",
    ):
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for path in [*(project.folder / "cache").glob("*"), *(project.folder / "runs").glob("*/*")]:
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(data)
    for name in (
        "data/x.pkl",
        "data/x.joblib",
        "assets/x.pkl",
        "x.pickle",
        "__pycache__/conftest.cpython-311.pyc",
    ):
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


LOOKS = (
    ("status",), ("plan",), ("build",), ("lineage", "marts.daily.amount"), ("impact",), ("why", "marts.daily"),
)  # fmt: skip


def test_a_project_of_sql_alone_runs_no_code_of_its_own(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    project = trapped(tmp_path / "p", marker)
    project.environment |= {"HOME": str(project.root)}
    for words in LOOKS:
        assert project.run(*words, command=COMMAND).code == 0, words
    terminal = Terminal(["env", "-C", str(project.root), *COMMAND, "ui"], 120, 40, {**project.environment})
    terminal.read_until(lambda written: "✓ 5" in written)
    os.write(terminal.master, b"q")
    assert terminal.finish() == 0
    assert not marker.exists(), marker.read_text()


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """Wherever it lies: beside the state, in the place of what is remembered, in a source, in a column's metadata."""
    marker = tmp_path / "marker"
    project = sql_shop(tmp_path / "p")
    typed = pa.field("a", pa.int64(), metadata={
        "ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(Trap(marker), 0)
    })  # fmt: skip
    table = pa.table({"a": [1, 2]}, schema=pa.schema([typed], {"pandas": pickle.dumps(Trap(marker), 0)}))
    pq.write_table(table, project.root / "data/typed.parquet")
    with (
        pa.OSFile(str(project.root / "data/typed.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as out,
    ):
        out.write_table(table)
    project.write("assets/typed.sql", "select sum(a) as a from 'data/typed.parquet'\n")
    project.write(
        "assets/python.py",
        """from pathlib import Path
import polars as pl
import pyarrow as pa
from upriver.assets import asset, source

lazy = source("raw.lazy", "data/typed.parquet")
arrow = source("raw.arrow", "data/typed.arrow")
pickled = source("raw.pickled", "data/x.pkl")

@asset
def by_polars(lazy: pl.LazyFrame) -> pl.LazyFrame:
    return lazy

@asset
def by_arrow(arrow: pa.Table, lazy: pa.Table) -> pa.Table:
    return arrow

@asset(suffix=".bin")
def bytes_(pickled: Path) -> bytes:
    return b"x"
""",
    )
    pickles(project, marker)
    built = project.build()  # Polars does not cast types that it does not know
    assert set(built.errors) == {"by_polars"}, built.said
    pickles(project, marker)
    for words in (*LOOKS, ("history",), ("log", "last"), ("show", "typed"), ("sql", "from typed"), ("fsck",)):
        done = project.here(*words)
        assert "should not have happened" not in done.said
        assert done.code in (0, 1), done.said
    assert not marker.exists()
