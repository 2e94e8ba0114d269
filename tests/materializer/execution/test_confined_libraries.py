"""Libraries, installations and users under confinement: what works outside works inside, or says what to declare."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from upriver.materializer.execution.local.confinement.apply import offer
from upriver.materializer.session import Session

pytestmark = pytest.mark.skipif(not offer().enforced, reason="this kernel can't enforce reads")

HEAD = """\
import os
from pathlib import Path

import polars as pl

from upriver.assets import asset

"""

RECIPES = {
    "sklearn_serial": (
        "",
        """
        import numpy
        from sklearn.ensemble import RandomForestRegressor
        x = numpy.arange(200.0).reshape(-1, 1)
        model = RandomForestRegressor(n_estimators=4, random_state=0).fit(x, x[:, 0])
        value = round(float(model.predict([[50.0]])[0]))
        assert 45 < value < 55
        """,
    ),
    "sklearn_joblib": (
        "processes=True",
        """
        from joblib import Parallel, delayed
        import numpy
        from sklearn.linear_model import LinearRegression
        from sklearn.model_selection import cross_val_score
        x = numpy.arange(200.0).reshape(-1, 1)
        scores = cross_val_score(LinearRegression(), x, x[:, 0], n_jobs=2)
        pids = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(8)))
        assert os.getpid() not in pids
        value = round(float(scores.mean()), 3)
        """,
    ),
    "matplotlib": (
        "",
        """
        import io
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        plt.plot([1, 2, 3]); plt.title("a title")
        to = io.BytesIO(); plt.savefig(to, format="png")
        assert Path(matplotlib.get_cachedir()).is_relative_to(Path.home())
        value = to.getvalue()[:4].hex()
        """,
    ),
    "pandas": (
        "",
        """
        import pandas
        frame = pandas.DataFrame({"when": pandas.date_range("2024-01-01", periods=3, tz="Europe/Berlin"), "v": [1, 2, 3]})
        path = Path.home() / "f.parquet"
        frame.to_parquet(path)
        value = str(pandas.read_parquet(path)["when"].dt.tz_convert("Asia/Tokyo").iloc[0])
        """,
    ),
    "duckdb_spills": (
        "",
        """
        import duckdb
        connection = duckdb.connect()
        connection.execute("set memory_limit = '60MB'; set threads = 1; set preserve_insertion_order = false")
        query = "select count(*), max(s) from (select repeat('x', 40) || hash(i) as s from range(1500000) t(i) order by s)"
        value = connection.sql(f"with q as materialized ({query}) from q").fetchall()[0][0]
        assert connection.sql("select value from duckdb_settings() where name = 'temp_directory'").fetchall()[0][0] == os.environ["HOME"]
        duckdb.execute("set memory_limit = '200MB'")
        where = "select value from duckdb_settings() where name = 'temp_directory'"
        assert duckdb.sql(where).fetchall()[0][0] == os.environ["HOME"]
        """,
    ),
    "polars_streams": (
        "",
        """
        path = Path.home() / "big.parquet"
        pl.select(pl.int_range(300_000).alias("x")).lazy().with_columns(s=pl.col("x").hash()).sink_parquet(path)
        lazy = pl.scan_parquet(path).sort("s").with_row_index().select(pl.col("x").sum())
        value = lazy.collect(engine="streaming").item()
        """,
    ),
    "multiprocessing_pool": (
        "processes=True",
        """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            value = pool.map(abs, [-1, -2])
        """,
    ),
    "process_pool_spawned": (
        "processes=True",
        """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            value = list(pool.map(abs, [-1, -2]))
        """,
    ),
    "processes_that_look_at_themselves": (
        "processes=True",
        """
        import multiprocessing
        looks = [Path("/proc/self/statm"), Path("/proc/self/status"), Path("/proc/self/stat")]
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.map(Path.read_text, looks)
            below = [int(line.split()[1]) for line in found[1].splitlines() if line.startswith("PPid")]
        assert below == [os.getpid()] and str(os.getpid()) in os.listdir("/proc")
        value = len(found)
        """,
    ),
    "pipes_between_processes": (
        "",
        """
        import multiprocessing
        receive, send = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=send.send, args=([1, 2],))
        process.start(); value = receive.recv(); process.join()
        """,
    ),
    "asyncio": (
        "",
        """
        import asyncio
        async def work():
            process = await asyncio.create_subprocess_exec("echo", "hello", stdout=-1)
            return (await process.communicate())[0]
        value = asyncio.run(work())
        """,
    ),
    "time_zones": ("", 'import zoneinfo; value = zoneinfo.ZoneInfo("America/Lima").key'),
    "certificates": ("", "import ssl; value = len(ssl.create_default_context().get_ca_certs()) >= 0"),
    "compiler": (
        "",
        """
        import ctypes, subprocess, shutil
        value = 3
        if shutil.which("cc"):
            Path.home().joinpath("a.c").write_text("int three(void) { return 3; }")
            subprocess.run(["cc", "-shared", "-o", Path.home() / "a.so", Path.home() / "a.c"], check=True)
            value = ctypes.CDLL(str(Path.home() / "a.so")).three()
        """,
    ),
}


def module(name: str, options: str, body: str) -> str:
    """The module of an asset whose recipe sets ``value``."""
    import textwrap

    text = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return f'{HEAD}\n@asset({options})\ndef {name}() -> pl.DataFrame:\n{text}\n    return pl.DataFrame({{"value": [str(value)]}})\n'


SCIENCE = ("sklearn_serial", "sklearn_joblib", "matplotlib", "pandas")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SCIENCE, marks=pytest.mark.science, id="science"),
        pytest.param(tuple(name for name in RECIPES if name not in SCIENCE), id="others"),
    ],
)
def test_what_libraries_do_by_themselves_works_in_confinement(names: tuple[str, ...], tmp_path: Path) -> None:
    """And leaves nothing undeclared in the trace."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    for name in names:
        options, body = RECIPES[name]
        (tmp_path / f"assets/with_{name}.py").write_text(module(name, options, body))
    session = Session(tmp_path)
    try:
        result = session.build()
        failed = {one.asset: one.error for one in result.assets if one.error}
        printed = [
            f"{line.asset} {line.stream}: {line.text}" for line in session.log("last") if line.asset in failed
        ]
        assert failed == {}, "\n".join(map(str, printed))
        for key, record in session.context.state.current("dev").items():
            found = [
                name
                for name, _ in record.trace.environment
                if name.startswith(("file:", "names:", "listing:"))
            ]
            assert found == [], key
        assert {one.action.value for one in session.build().assets} == {"fresh"}
        assert sorted(path.name for path in tmp_path.iterdir()) == [".upriver", "assets", "upriver.toml"]
    finally:
        session.close()


PLAIN = f"{HEAD}\n@asset\ndef a() -> pl.DataFrame:\n    import helper\n    return pl.DataFrame({{'x': [helper.X, open('rate.txt').read()]}})\n"


def _project(root: Path) -> Path:
    for name, text in {
        "upriver.toml": "",
        "assets/m.py": PLAIN,
        "helper.py": "X = '1'\n",
        "rate.txt": "2",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def _build(
    root: Path, python: Path | str = sys.executable, **options: object
) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        [str(python), "-P", "-m", "upriver", "-C", str(root), "build", "--json"],
        **{"capture_output": True, "text": True, "check": False, "timeout": 120, **options},
    )
    return done


def _linked_environment(folder: Path) -> Path:
    """A virtual environment of links to the packages of this one; the interpreter in it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    ours, theirs = Path(sysconfig.get_path("purelib")), folder / "lib"
    theirs = next(theirs.glob("python3*/site-packages"))
    for entry in ours.iterdir():
        if entry.suffix == ".pth" or entry.name == "__pycache__":
            continue
        (theirs / entry.name).symlink_to(entry)
    parts = [Path(entry) for entry in sys.path if Path(entry, "upriver").is_dir()]
    (theirs / "parts.pth").write_text("\n".join(map(str, parts)) + "\n")
    return folder / "bin" / "python"


def test_a_virtual_environment_in_the_project_and_one_behind_a_link(tmp_path: Path) -> None:
    root = _project(tmp_path / "p")
    _linked_environment(root / ".venv")
    done = _build(root, root / ".venv" / "bin" / "python")
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "link").symlink_to(root / ".venv")
    (root / "rate.txt").write_text("3")
    done = _build(root, tmp_path / "link" / "bin" / "python")
    assert '"action":"built"' in done.stdout, done.stdout + done.stderr


def test_a_project_below_site_packages(tmp_path: Path) -> None:
    python = _linked_environment(tmp_path / "venv")
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    root = _project(site / "mine")
    done = _build(root, python)
    assert done.returncode == 0, done.stdout + done.stderr
    (root / "rate.txt").write_text("3")
    done = _build(root, python)
    assert '"action":"built"' in done.stdout, done.stdout + done.stderr
    assert '"action":"fresh"' in _build(root, python).stdout


def test_an_editable_install_of_the_project_and_of_a_library(tmp_path: Path) -> None:
    """One by an entry of the import path, one by a finder, as the tools that install make them."""
    python = _linked_environment(tmp_path / "venv")
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    root = _project(tmp_path / "p")
    (root / "src" / "mine").mkdir(parents=True)
    (root / "src" / "mine" / "__init__.py").write_text("X = 'mine'\n")
    library = tmp_path / "library" / "theirs"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text(
        "from pathlib import Path\nX = Path(__file__).with_name('data.txt').read_text()\n"
    )
    (library / "data.txt").write_text("theirs")
    (site / "mine.pth").write_text(f"{root / 'src'}\n")
    (site / "__editable___theirs_finder.py").write_text(
        "import importlib.util, sys\n"
        f"MAPPING = {{'theirs': {str(library)!r}}}\n"
        "class Finder:\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        if name in MAPPING:\n"
        "            place = MAPPING[name]\n"
        "            return importlib.util.spec_from_file_location(\n"
        "                name, place + '/__init__.py', submodule_search_locations=[place])\n"
        "def install():\n"
        "    sys.meta_path.append(Finder)\n"
    )
    (site / "theirs.pth").write_text(
        "import __editable___theirs_finder; __editable___theirs_finder.install()\n"
    )
    (root / "helper.py").write_text("import mine, theirs\nX = mine.X + theirs.X\n")
    done = _build(root, python)
    assert done.returncode == 0, done.stdout + done.stderr


def _reachable(path: Path) -> bool:
    """Whether another user can get at *path*."""
    real = path.resolve()
    return real.exists() and all(folder.stat().st_mode & 0o001 for folder in real.parents)


def _interpreter_for_others() -> Path | None:
    """An interpreter of this version that another user can start, and that can import what this one does."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = (Path(sys.executable), *(Path(folder, version) for folder in ("/usr/bin", "/usr/local/bin")))
    imported = [Path(entry) for entry in sys.path if Path(entry).is_dir() and "site-packages" in entry]
    if not all(map(_reachable, imported)):
        return None
    return next((one for one in found if _reachable(one)), None)


def test_an_ordinary_user_is_confined_as_root_is() -> None:
    if os.geteuid() != 0:
        pytest.skip("every other test runs as an ordinary user here")
    python = _interpreter_for_others()
    if python is None:
        pytest.skip("no interpreter here can be started by another user")
    imported = [entry for entry in sys.path if "site-packages" in entry or Path(entry, "upriver").is_dir()]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(imported)}
    folder = Path("/var/tmp", f"upriver-user-{os.getpid()}")
    try:
        root = _project(folder)
        (root / "assets" / "n.py").write_text(module("n", "", "value = open('/etc/hostname').read()"))
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, 65534, 65534)
        done = _build(root, python, user=65534, group=65534, extra_groups=[], env=environment)
        assert "reads rate.txt" in done.stderr, done.stdout + done.stderr
        assert '"asset":"n","partition":null,"action":"built"' in done.stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
