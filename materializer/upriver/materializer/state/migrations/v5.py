"""State version 5: incidents, and the outbox of messages about them. Both begin empty."""

from __future__ import annotations

TABLES = """
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
"""
