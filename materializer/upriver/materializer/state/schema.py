"""The tables of the state database, as they are in the present version.

The version is ``PRAGMA user_version``; ``PRAGMA application_id`` tells our file from other SQLite files. The steps
from older versions are in :mod:`upriver.materializer.state.migrations`. A partition of '' is the whole asset.
Values are kept whole as JSON in *body* columns (``msgspec``); the other columns exist to be searched.
"""

from __future__ import annotations

APPLICATION_ID = 0x55705276  # "UpRv"
VERSION = 9

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

create table environments (
    name text primary key,
    created real not null
) without rowid;

create table failures (
    environment text not null,
    asset text not null,
    partition text not null default '',
    body blob not null,
    primary key (environment, asset, partition)
) without rowid;

-- Who builds now, or holds the whole project. That one lives is told by the kernel's lock on its file.
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
    pool text not null default '',
    primary key (environment, asset, partition)
) without rowid;
create index claims_by_token on claims (token);

-- Artifacts that were made and not published, and failures that were accepted all the same.
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

-- What is wrong or was, one open incident a cause; and what is to be told about it.
create table incidents (
    id text primary key,
    environment text not null,
    asset text not null,
    kind text not null,
    open integer not null,
    opened real not null,
    body blob not null
);
create unique index incidents_open on incidents (environment, asset, kind) where open;

create table outbox (
    key text primary key,
    environment text not null,
    created real not null,
    due real,
    body blob not null
);
create index outbox_due on outbox (environment, due);

create table approvals (
    environment text not null,
    asset text not null,
    partition text not null default '',
    inputs text not null,
    body blob not null,
    primary key (environment, asset, partition, inputs)
) without rowid;

-- From here on: remembered facts, safe to lose.
create table durations (
    environment text not null,
    asset text not null,
    partition text not null default '',
    recent blob not null,
    primary key (environment, asset, partition)
) without rowid;

-- When each version was seen last: of a source (environment ''), of an asset as one that verified.
create table observations (
    environment text not null,
    asset text not null,
    partition text not null default '',
    version text not null,
    at real not null,
    primary key (environment, asset, partition, version)
) without rowid;

create table backfills (
    environment text not null,
    id text not null,
    at real not null,
    body blob not null,
    primary key (environment, id)
) without rowid;

create table pauses (
    environment text not null,
    asset text not null,
    since real not null,
    until real,
    primary key (environment, asset)
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
    version text not null,
    body blob not null
) without rowid;

create table recipes (
    fingerprint text primary key,
    body blob not null
) without rowid;

create table verdicts (
    id text primary key,
    asset text not null,
    name text not null,
    at real not null,
    body blob not null
) without rowid;
create index verdicts_by_check on verdicts (asset, name, at);

create table profiles (
    version text primary key,
    asset text not null,
    at real not null,
    body blob not null
) without rowid;
create index profiles_by_asset on profiles (asset, at);

insert into meta values ('token', 0), ('revision', 0), ('journal', 0), ('journal_bytes', 0);
"""
