"""The same project in other tools: ``--competitors PYTHON`` names the interpreter that has them installed.

None is a dependency of Upriver. Each tool gets what its documentation recommends for SQL on DuckDB, nothing tuned.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plain_script import sql_assets
from benchmarks.processes import Command, Timings, interleaved
from benchmarks.report import Report
from benchmarks.settings import Settings


@dataclass(frozen=True)
class Tool:
    """*module* tells whether it is installed; *write* makes its project in a folder and returns the two command lines.

    The first builds everything from nothing, the second is run when nothing has changed.
    """

    module: str
    write: Callable[[Path, Path, Path], tuple[list[str], list[str]]]
    leftovers: tuple[str, ...] = ()


def compare(report: Report, settings: Settings, scratch: Path, project: Path) -> None:
    """Add what each installed tool takes to build *project*, and to find that nothing has changed."""
    assert settings.competitors is not None
    for name, tool in TOOLS.items():
        if not _installed(settings.competitors, tool.module):
            continue
        folder = scratch / name
        folder.mkdir()
        full, nothing = tool.write(folder, project, settings.competitors)

        def clean(folder: Path = folder, leftovers: tuple[str, ...] = tool.leftovers) -> None:
            for leftover in leftovers:
                shutil.rmtree(folder / leftover, ignore_errors=True)
                (folder / leftover).unlink(missing_ok=True)

        timed = interleaved({name: Command(full, folder, clean)}, 1, scratch)
        _add(report, f"{name}, from nothing", timed[name])
        timed = interleaved({name: Command(nothing, folder)}, settings.runs, scratch)
        _add(report, f"{name}, nothing changed", timed[name])


def _add(report: Report, what: str, timings: Timings) -> None:
    report.add(what, timings.seconds, "s", note=f"{timings.cpu_seconds:.2f} s of processor time")


def _installed(python: Path, module: str) -> bool:
    found = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
    return found.returncode == 0


def _reads(query: str, keys: frozenset[str]) -> list[str]:
    words = query.replace(",", " ").split()
    return sorted(keys & set(words))


def _with_reads(query: str, reads: Iterable[str], written: Callable[[str], str]) -> str:
    """*query* with another text in the place of each table that it reads; `l1_t7` is no part of `l1_t76`."""
    names = "|".join(map(re.escape, sorted(reads, key=len, reverse=True)))
    return (
        re.sub(rf"(?<![\w.])({names})(?![\w.])", lambda found: written(found[0]), query) if names else query
    )


_LUIGI = """
import os
import duckdb
import luigi

# The tables that they read are files here.
QUERIES = {queries!r}
READS = {reads!r}

class Table(luigi.Task):
    key = luigi.Parameter()

    def requires(self):
        return [Table(key=read) for read in READS[self.key]]

    def output(self):
        return luigi.LocalTarget(os.path.join("out", self.key + ".parquet"))

    def run(self):
        os.makedirs("out", exist_ok=True)
        query = QUERIES[self.key]
        with self.output().temporary_path() as path, duckdb.connect() as connection:
            connection.execute(f"copy ({{query}}) to '{{path}}' (format parquet)")

class Everything(luigi.WrapperTask):
    def requires(self):
        return [Table(key=key) for key in QUERIES]

if __name__ == "__main__":
    luigi.build([Everything()], local_scheduler=True, log_level="WARNING")
"""


def _luigi(folder: Path, project: Path, python: Path) -> tuple[list[str], list[str]]:
    queries = {key: _absolute(text, project) for key, text in sql_assets(project)}
    keys = frozenset(queries)
    reads = {key: _reads(text, keys) for key, text in queries.items()}
    queries = {
        key: _with_reads(text, reads[key], lambda read: f"'out/{read}.parquet'")
        for key, text in queries.items()
    }
    (folder / "tasks.py").write_text(_LUIGI.format(queries=queries, reads=reads))
    command = [str(python), "tasks.py"]
    return command, command


def _dbt(folder: Path, project: Path, python: Path) -> tuple[list[str], list[str]]:
    queries = {key: _absolute(text, project) for key, text in sql_assets(project)}
    keys = frozenset(queries)
    (folder / "models").mkdir()
    for key, text in queries.items():
        text = _with_reads(
            text, _reads(text, keys), lambda read: f"{{{{ ref('{read.replace('.', '_')}') }}}}"
        )
        config = "{{ config(materialized='external') }}\n"
        (folder / "models" / f"{key.replace('.', '_')}.sql").write_text(config + text)
    (folder / "out").mkdir()
    (folder / "dbt_project.yml").write_text(
        "name: layered\nprofile: layered\nmodel-paths: [models]\nflags: {send_anonymous_usage_stats: false}\n"
    )
    (folder / "profiles.yml").write_text(
        "layered:\n  target: dev\n  outputs:\n"
        "    dev: {type: duckdb, path: dev.duckdb, threads: 2, external_root: out}\n"
    )
    dbt = [str(python.with_name("dbt")), "--quiet"]
    state = ["--select", "state:modified+", "--state", "kept"]
    keep = "mkdir -p kept && cp target/manifest.json kept/"
    full = ["sh", "-c", f"{' '.join(dbt)} run --profiles-dir . && {keep}"]
    return full, [*dbt, "run", "--profiles-dir", ".", *state]


def _absolute(query: str, project: Path) -> str:
    return query.replace("'data/", f"'{project}/data/")


TOOLS = {
    "Luigi": Tool("luigi", _luigi, ("out",)),
    "dbt-duckdb": Tool("dbt.adapters.duckdb", _dbt, ("dev.duckdb", "target", "kept")),
}
