"""Words of other tools on the command line, and what each is called here.

A value is a command, or a sentence where no command of Upriver does the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

COMMAND_WORDS: Mapping[str, str] = {
    "airflow": "there are no DAG files: `upriver build` runs what is stale, in the order that reading demands",
    "apply": "build",
    "backfill": "a change rebuilds what reads it: `upriver build`",
    "clean": "gc",
    "compile": "`upriver plan` checks every query and says what a build would do; the query itself is the compiled one",
    "costs": "cost",
    "create": "init",
    "daemon": "watch",
    "dag": "lineage",
    "dags": "there are no DAG files: `upriver status` lists the assets, `upriver lineage ASSET` shows who reads whom",
    "debug": "`upriver status` reads the project and tells what is wrong with it; `upriver version` tells the engines",
    "deps": "lineage",
    "describe": "show",
    "dev": "ui",
    "diff": "impact",
    "docs": "`upriver ui` shows assets, columns and lineage; `upriver show ASSET` shows one of them",
    "explain": "why",
    "freshness": "status",
    "graph": "lineage",
    "head": "show",
    "job": "build",
    "jobs": "history",
    "list": "status",
    "logs": "log",
    "ls": "status",
    "make": "build",
    "materialize": "build",
    "move": "rename",
    "mv": "rename",
    "new": "init",
    "parse": "plan",
    "preview": "show",
    "prune": "gc",
    "query": "sql",
    "refresh": "build",
    "render": "show",
    "repair": "fix",
    "retry": "`upriver build` tries again what failed, and only that and what is stale",
    "run": "build",
    "runs": "history",
    "schedule": "goals",
    "schedules": "goals",
    "scheduler": "watch",
    "seed": "nothing is loaded first: a query reads the file where it is (from 'data/x.csv'), or declare it once "
    'with source("raw.x", "data/x.csv") in a Python module under assets/',
    "sla": "goals",
    "snapshot": "every build keeps what it made: `upriver history ASSET`, `upriver show ASSET --at RUN`",
    "tasks": "status",
    "test": "`upriver build` tells what can't be built and `upriver status --check` what is stale",
    "trigger": "build",
    "tui": "ui",
    "vacuum": "gc",
    "verify": "fsck",
    "web": "ui --web",
    "webserver": "ui --web",
}
"""What is typed after ``upriver`` out of habit. A word that is a command by now is not looked up here."""

_SELECTED = "assets are named without an option: `upriver {command} {value}`"
_ENVIRONMENT = "an environment is chosen with --env: `upriver {command} --env {value}`"
_FORCED = "what is stale is built in full anyway; --force builds what is fresh, too"
_OPTIONS: Mapping[str, str] = {
    "-s": _SELECTED,
    "--select": _SELECTED,
    "--selector": _SELECTED,
    "-m": _SELECTED,
    "--models": _SELECTED,
    "--model": _SELECTED,
    "--assets": _SELECTED,
    "--exclude": "what is left out is written with an exclamation mark: `upriver {command} '!{value}'`",
    "-t": _ENVIRONMENT,
    "--target": _ENVIRONMENT,
    "--environment": _ENVIRONMENT,
    "--full-refresh": _FORCED,
    "-f": _FORCED,
    "--threads": "at most N at the same time: --jobs N",
    "--workers": "at most N at the same time: --jobs N",
    "-x": "stop at the first failure: --fail-fast",
    "--vars": "variables are in [variables] of upriver.toml, for one environment in [environments.NAME]",
    "--project-dir": "work as if started in a folder: `upriver -C DIR {command}`",
    "--profiles-dir": "there are no profiles: settings are in upriver.toml",
    "--profile": "there are no profiles: settings are in upriver.toml",
    "--output": "answers as JSON: --json",
    "--defer": "nothing needs to be deferred: what an earlier build made of the same is taken from the store",
    "--state": "`upriver status` knows what changed since the last build: state:stale selects it",
    "-d": "work as if started in a folder: `upriver -C DIR {command}`",
    "-v": "what recipes printed is kept: `upriver log RUN`",
    "--verbose": "what recipes printed is kept: `upriver log RUN`",
    "--quiet": "results are on stdout, progress on stderr: 2>/dev/null",
}
_NAME = re.compile(r"[^-]\S*")


def option_hint(option: str, command: str, value: str | None) -> str | None:
    """What *option* of another tool is called here, None when it is not known. *value* is what was typed after it."""
    if (said := _OPTIONS.get(option)) is None:
        return None
    placeholder = "NAME" if said == _ENVIRONMENT else "SELECT"
    shown = value if value is not None and _NAME.fullmatch(value) else placeholder
    return said.format(command=command, value=shown)
