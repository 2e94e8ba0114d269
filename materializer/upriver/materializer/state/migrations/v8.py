"""State version 8: what persons have approved. It begins empty."""

from __future__ import annotations

TABLES = """
create table approvals (
    environment text not null,
    asset text not null,
    partition text not null default '',
    inputs text not null,
    body blob not null,
    primary key (environment, asset, partition, inputs)
) without rowid;
"""
