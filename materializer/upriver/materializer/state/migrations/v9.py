"""State version 9: backfills that were asked for. There are none at first."""

from __future__ import annotations

TABLES = """
create table backfills (
    environment text not null,
    id text not null,
    at real not null,
    body blob not null,
    primary key (environment, id)
) without rowid;
"""
