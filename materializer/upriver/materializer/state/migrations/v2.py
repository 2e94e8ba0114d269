"""State version 2: nodes, references to artifacts instead of paths, failures and durations by environment.

In version 1 a failure and the durations of an asset told no environment. They go to every environment that was ever
built in: there, they are what version 1 has shown.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import apsw
import msgspec

from upriver.assets.errors import BusyError
from upriver.assets.support import checksum
from upriver.materializer.storage.locks import FileLock

_STORED = re.compile(r"\.upriver/store/[0-9a-f]{2}/([0-9a-f]{64})((?:\.[A-Za-z0-9_-]{1,32}){0,4})")

_TABLES = """
create table environments (
    name text primary key,
    created real not null
) without rowid;
insert into environments select distinct environment, 0 from pointers;
insert or ignore into environments
    select 'dev', 0 where exists (select * from failures_1) or exists (select * from runs);

create table failures (
    environment text not null,
    asset text not null,
    partition text not null default '',
    body blob not null,
    primary key (environment, asset, partition)
) without rowid;
insert into failures select e.name, f.asset, '', f.body from failures_1 f, environments e;
drop table failures_1;

create table builders (
    token integer primary key,
    run text not null,
    environment text not null,
    whole integer not null,
    lock text not null,
    body blob not null
);

create table claims (
    environment text not null,
    asset text not null,
    partition text not null default '',
    token integer not null references builders (token) on delete cascade,
    host text not null,
    memory integer not null,
    primary key (environment, asset, partition)
) without rowid;
create index claims_by_token on claims (token);

create table durations (
    environment text not null,
    asset text not null,
    partition text not null default '',
    recent blob not null,
    primary key (environment, asset, partition)
) without rowid;
insert into durations select e.name, d.asset, '', d.recent from durations_1 d, environments e;
drop table durations_1;

create table sources (
    key text primary key,
    version text not null,
    body blob not null
) without rowid;
"""


def migrate(connection: apsw.Connection) -> None:
    """Make version 2 of version 1, within the caller's transaction. Raises ValueError for a record that is damaged."""
    folder = Path(connection.db_filename("main")).parent
    _wait_until_free(folder / "build.lock")
    for name in ("failures", "durations", "sources"):
        connection.execute(f"alter table {name} rename to {name}_1")
    connection.execute(_TABLES)
    for seq, body in connection.execute("select seq, body from materializations").fetchall():
        connection.execute(
            "update materializations set body = ? where seq = ?", (_resealed(body, materialization), seq)
        )
    for key, body in connection.execute("select key, body from sources_1").fetchall():
        found = source(msgspec.json.decode(checksum.read(_bytes(body))), folder.parent)
        if found is not None:  # else its snapshot is gone, and it is looked at again anyway
            row = (key, found["version"]["id"], checksum.write(msgspec.json.encode(found)))
            connection.execute("insert into sources values (?, ?, ?)", row)
    connection.execute("drop table sources_1")


def _wait_until_free(lock: Path) -> None:
    """Refuse while a build of the older program goes on: it holds this lock, which version 2 does without."""
    held = FileLock(lock, create=False)
    try:
        if not held.try_shared():
            raise BusyError(
                f"a build of an older Upriver goes on, and this one would change its state under it ({lock})\n"
                "  Nothing was changed.\n  hint: wait for its end"
            )
    except FileNotFoundError:
        return  # nothing was ever built
    finally:
        held.close()


def materialization(old: dict[str, Any]) -> dict[str, Any]:
    """A materialization of version 1, as JSON, in the form of version 2."""
    version = old["version"]
    return {**old, "version": _version(version, int(version["bytes"]))}


def source(old: dict[str, Any], root: Path) -> dict[str, Any] | None:
    """A source's record of version 1 in the form of version 2; None when its snapshot is not there.

    The size of a snapshot was not recorded: it is that of the file in the project at *root*.
    """
    version, size = old["version"], 0
    for file in version["files"]:
        if _STORED.fullmatch(file):
            try:
                size = os.lstat(root / file).st_size
            except OSError:
                return None
    return {**old, "version": _version(version, size)}


def _version(old: dict[str, Any], size: int) -> dict[str, Any]:
    artifacts, in_place = [], []
    for file in old["files"]:
        stored = _STORED.fullmatch(file)
        if stored is not None and stored[1] == old["id"]:
            artifacts.append([stored[1], stored[2], size])
        else:
            in_place.append(file)
    kept = {name: value for name, value in old.items() if name not in ("files", "content")}
    return {**kept, "artifacts": artifacts, "in_place": in_place}


def _resealed(body: object, convert: Any) -> bytes:
    return checksum.write(msgspec.json.encode(convert(msgspec.json.decode(checksum.read(_bytes(body))))))


def _bytes(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[call-overload]
