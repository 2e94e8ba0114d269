"""State version 3: what was observed when, and which goals are paused. Both begin empty."""

from __future__ import annotations

import apsw

_TABLES = """
create table observations (
    environment text not null,
    asset text not null,
    partition text not null default '',
    version text not null,
    at real not null,
    primary key (environment, asset, partition, version)
) without rowid;

create table pauses (
    environment text not null,
    asset text not null,
    since real not null,
    until real,
    primary key (environment, asset)
) without rowid;
"""


def migrate(connection: apsw.Connection) -> None:
    """Make version 3 of version 2, within the caller's transaction."""
    connection.execute(_TABLES)
