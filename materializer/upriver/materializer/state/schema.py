"""The tables of the state database, and how an older database becomes a present one.

The version is ``PRAGMA user_version``; ``PRAGMA application_id`` tells our file from other SQLite files.
Values are kept whole as JSON in *body* columns (``msgspec``); the other columns exist to be searched.
"""

from __future__ import annotations

from collections.abc import Mapping

APPLICATION_ID = 0x55705276  # "UpRv"
VERSION = 1

SCHEMA = """
create table meta (
    name text primary key,
    value integer not null
) without rowid;

-- One row for each artifact ever made. seq grows with time; ids are random.
create table materializations (
    seq integer primary key,
    id text not null unique,
    asset text not null,
    partition text not null default '',
    recipe text not null,
    artifact text not null,
    finished real not null,
    bytes integer not null,
    body blob not null
);
create index materializations_by_recipe on materializations (asset, recipe, seq);
create index materializations_by_artifact on materializations (artifact);

create table pointers (
    environment text not null,
    asset text not null,
    partition text not null default '',
    seq integer not null references materializations (seq),
    primary key (environment, asset, partition)
) without rowid;
create index pointers_by_seq on pointers (seq);

create table runs (
    seq integer primary key,
    id text not null unique,
    status text not null,
    token integer not null,
    body blob not null
);
create index runs_by_status on runs (status);
create trigger terminal_runs_never_change before update on runs when old.status <> 'running'
begin
    select raise(abort, 'a run that has ended never changes again');
end;

create table outcomes (
    run text not null,
    position integer not null,
    body blob not null,
    primary key (run, position)
) without rowid;

create table failures (
    asset text primary key,
    body blob not null
) without rowid;

-- From here on: remembered facts, safe to lose.
create table durations (
    asset text primary key,
    recent blob not null
) without rowid;

create table fingerprints (
    version text not null,
    algorithm text not null,
    footprint text not null,
    value text not null,
    primary key (version, algorithm, footprint)
) without rowid;

create table sources (
    key text primary key,
    body blob not null
) without rowid;

create table recipes (
    fingerprint text primary key,
    body blob not null
) without rowid;

insert into meta values ('token', 0), ('revision', 0), ('journal', 0), ('journal_bytes', 0);
"""

MIGRATIONS: Mapping[int, str] = {}
"""For each older version, the statements that make the next version of it."""
