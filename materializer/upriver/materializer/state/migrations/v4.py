"""State version 4: verdicts of checks, artifacts that were refused, failures that were accepted."""

from __future__ import annotations

TABLES = """
create table refusals (
    environment text not null,
    asset text not null,
    partition text not null default '',
    body blob not null,
    primary key (environment, asset, partition)
) without rowid;

create table acceptances (
    environment text not null,
    verdict text not null,
    asset text not null,
    body blob not null,
    primary key (environment, verdict)
) without rowid;

create table verdicts (
    id text primary key,
    asset text not null,
    name text not null,
    at real not null,
    body blob not null
) without rowid;
create index verdicts_by_check on verdicts (asset, name, at);
"""
