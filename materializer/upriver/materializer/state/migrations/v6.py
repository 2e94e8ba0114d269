"""State version 6: a claim may hold a slot of a pool."""

from __future__ import annotations

TABLES = """
alter table claims rename to claims_5;
drop index claims_by_token;

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
insert into claims select environment, asset, partition, token, host, memory, '' from claims_5;
drop table claims_5;
"""
