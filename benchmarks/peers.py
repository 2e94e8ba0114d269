"""``python -m benchmarks.peers FOLDER``: the chains of :mod:`benchmarks.attempts` in other tools.

Each tool is installed into an environment of its own below FOLDER, unless it is there, and does what a plain script
does: computes a table with Polars, writes it, syncs it. None of them runs an asset in a process of its own, looks at
what it reads, or can tell that nothing has changed; their figures say what orchestration in one process costs. All is
measured in one run, in turn, and printed as ratios to the script.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Command, interleaved, ratio, upriver
from benchmarks.projects import CHAIN_START, LENGTH, chain_script, chain_step, polars_chains
from benchmarks.report import Report, markdown
from benchmarks.settings import Settings

_WRITTEN = """
import os
import polars as pl

TARGET = {target!r}
os.makedirs(TARGET, exist_ok=True)


def _written(frame, name):
    path = os.path.join(TARGET, name + ".parquet")
    frame.sink_parquet(path)
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _read(name):
    return pl.scan_parquet(os.path.join(TARGET, name + ".parquet"))
"""


@dataclass(frozen=True)
class Peer:
    """A tool: what has to be installed, the *function* that writes one asset as code, and how all are run."""

    packages: tuple[str, ...]
    head: str
    function: Callable[[str, str | None, str], str]
    run: str


def _hamilton(name: str, before: str | None, step: str) -> str:
    return f"def {name}({f'{before}: str' if before else ''}) -> str:\n    {step}\n    return {name!r}\n"


def _dagster(name: str, before: str | None, step: str) -> str:
    return f"@dg.asset(deps={[before] if before else []!r})\ndef {name}() -> None:\n    {step}\nassets.append({name})\n"


def _prefect(name: str, before: str | None, step: str) -> str:
    return f"@task\ndef {name}(before=None):\n    {step}\n    return {name!r}\ntasks.append(({name}, {before!r}))\n"


PEERS = {
    "Hamilton": Peer(
        ("sf-hamilton",),
        "",
        _hamilton,
        """
if __name__ == "__main__":
    import sys
    from hamilton import driver, telemetry
    telemetry.disable_telemetry()
    driver.Builder().with_modules(sys.modules[__name__]).build().execute(LAST)
""",
    ),
    "Dagster": Peer(
        ("dagster",),
        "import dagster as dg\nassets = []\n",
        _dagster,
        """
if __name__ == "__main__":
    import logging
    logging.disable(logging.CRITICAL)
    assert dg.materialize(assets).success
""",
    ),
    "Prefect": Peer(
        ("prefect",),
        "from prefect import flow, task\ntasks = []\n",
        _prefect,
        """
@flow(log_prints=False)
def chains():
    made = {}
    for one, before in tasks:
        made[one.fn.__name__] = one(made.get(before))

if __name__ == "__main__":
    chains()
""",
    ),
}
_QUIET = {
    "DO_NOT_TRACK": "1",
    "HAMILTON_TELEMETRY_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


def program(peer: Peer, chains: int, target: Path) -> str:
    """The chains as a program of *peer* that writes into *target*."""
    parts = [_WRITTEN.format(target=str(target)), peer.head]
    for chain in range(chains):
        for number in range(LENGTH):
            name = f"c{chain}_{number}"
            before = f"c{chain}_{number - 1}" if number else None
            start = f"_read({before!r})" if before else CHAIN_START
            parts.append(peer.function(name, before, f"_written({start}.{chain_step(number)}, {name!r})"))
    parts.append(f"LAST = {[f'c{chain}_{LENGTH - 1}' for chain in range(chains)]!r}\n")
    return "\n\n".join([*parts, peer.run])


def installed(folder: Path, name: str, peer: Peer) -> Path | None:
    """The interpreter that has *peer*; None, with the reason on stderr, when it can't be installed."""
    place = folder / name.lower()
    python = place / "bin" / "python"
    if (place / "installed").exists():
        return python
    polars = subprocess.run(
        [sys.executable, "-c", "import polars; print(polars.__version__)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    made = subprocess.run([sys.executable, "-m", "venv", place], check=False)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if made.returncode or subprocess.run([*pip, *peer.packages, f"polars=={polars}"], check=False).returncode:
        print(f"{name} can't be installed", file=sys.stderr)
        return None
    (place / "installed").touch()
    return python


def compare(settings: Settings, pythons: dict[str, Path]) -> Report:
    """The script, Upriver and every tool in turn."""
    chains = settings.sized(20, 1)
    report = Report(
        "peers",
        f"{chains * LENGTH} Polars assets in chains of {LENGTH}; whole processes, medians of {settings.runs} runs in"
        " turn; ratios are to a plain script that writes and syncs the same.",
    )
    with settings.scratch() as scratch:
        project = scratch / "project"
        polars_chains(project, chains)
        (scratch / "script.py").write_text(chain_script(chains, scratch / "script"))
        commands = {
            "script": Command(
                [sys.executable, str(scratch / "script.py")], scratch, _remover(scratch / "script")
            ),
            "Upriver": Command(
                upriver("-C", str(project), "build", "-q"), scratch, _remover(project / ".upriver")
            ),
        }
        for name, python in pythons.items():
            place, target = scratch / name, scratch / f"{name}-out"
            place.mkdir()
            (place / "chains.py").write_text(program(PEERS[name], chains, target))
            quiet = [f"{key}={value}" for key, value in _QUIET.items()]
            homes = [f"DAGSTER_HOME={place}", f"PREFECT_HOME={place}"]
            command = Command(["env", *quiet, *homes, str(python), "chains.py"], place, _remover(target))
            try:
                interleaved({name: command}, 0, scratch)
            except RuntimeError as error:
                print(error, file=sys.stderr)
            else:
                commands[name] = command
        timed = interleaved(commands, settings.runs, scratch)
    for name, timings in timed.items():
        wall, cpu = ratio(timings, timed["script"])
        report.add(
            name,
            wall,
            "×",
            note=f"{timings.seconds:.2f} s; processor time {timings.cpu_seconds:.2f} s, {cpu:.1f}×",
        )
    return report


def _remover(folder: Path) -> Callable[[], None]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Install, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the environments are, or are made")
    parser.add_argument("names", nargs="*", choices=[[], *PEERS], metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--runs", type=int, default=3, help="how often each is timed (default: 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 200 assets (default: 1)")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    found = {name: installed(given.folder, name, PEERS[name]) for name in given.names or PEERS}
    pythons = {name: python for name, python in found.items() if python is not None}
    print(markdown(compare(Settings(given.scale, given.runs), pythons)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
