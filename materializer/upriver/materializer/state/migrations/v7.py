"""State version 7: contents in numbers."""

from __future__ import annotations

TABLES = """
create table profiles (
    version text primary key,
    asset text not null,
    at real not null,
    body blob not null
) without rowid;
create index profiles_by_asset on profiles (asset, at);
"""
