"""PostgreSQL, read by ADBC: tables as of one exported snapshot, versions by a hash of all rows in the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as quote_url

from upriver.assets.errors import did_you_mean
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.model import Trust
from upriver.materializer.ports.system import (
    Address,
    Moment,
    Rows,
    Sighting,
    System,
    SystemFault,
    SystemObject,
    Wanted,
)
from upriver.materializer.ports.target import Delivered, Delivery, Read
from upriver.materializer.sources.systems.opening import require, unknown_settings
from upriver.materializer.sources.systems.postgres_types import PostgresColumn, columns_of

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Connection, Cursor

FORMS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "standard_conforming_strings": "on",
    "lc_monetary": "C",
}
"""The forms in which values are written, so that a hash of them does not depend on who asks."""

BATCH_BYTES = 16 << 20
"""Bytes of rows that are handed over at a time."""


def connect(address: Address) -> System:
    """The server at *address*. Raises SystemFault, NotInstalled."""
    require("adbc_driver_postgresql", "postgres", "PostgreSQL")
    unknown_settings(
        address, ("password", "user", "application_name", "connect_timeout", "sslmode", "sslrootcert")
    )
    return Postgres(address)


class Postgres:
    """A PostgreSQL server. See :class:`upriver.materializer.ports.system.System`."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._url = _with_settings(address)
        self._first: Connection | None = None

    def open(self, *, writing: bool = False) -> Connection:
        """A connection of its own, with a session of fixed forms."""
        from adbc_driver_postgresql import dbapi

        connection = dbapi.connect(self._url)
        forms = FORMS if writing else {**FORMS, "default_transaction_read_only": "on"}
        with connection.cursor() as cursor:
            listed = (
                f"set_config({literal(name)}, {literal(value)}, false)" for name, value in forms.items()
            )
            cursor.execute(f"select {', '.join(listed)}")
            cursor.fetchall()
        connection.commit()
        return connection

    @property
    def connection(self) -> Connection:
        """The one that all questions are asked by, one after the other."""
        if self._first is None:
            self._first = self.open()
        return self._first

    def answer(self) -> str:
        """Version, database and user."""
        rows = self._ask("select split_part(version(), ' ', 2), current_database(), current_user")
        return f"PostgreSQL {rows[0][0]}, database {rows[0][1]}, as {rows[0][2]}"

    def objects(self, like: str) -> Iterator[SystemObject]:
        """Tables, views and foreign tables that may be read, those of ``public`` without their schema."""
        pattern = like.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%").replace("*", "%")
        rows = self._ask(
            "select case when n.nspname = 'public' then c.relname else n.nspname || '.' || c.relname end as name, "
            "c.relkind::text, c.reltuples::int8 from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema') "
            "and n.nspname !~ '^pg_(toast|temp)' and has_table_privilege(c.oid, 'select') "
            f"and (n.nspname || '.' || c.relname like {_text(pattern)} or c.relname like {_text(pattern)}) order by 1"
        )
        kinds = {"v": "view", "m": "materialized view", "f": "foreign table"}
        for name, kind, rows_ in rows:
            counted = kind in ("r", "m") and int(rows_) >= 0
            yield SystemObject(str(name), kinds.get(str(kind), "table"), int(rows_) if counted else None)

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """A snapshot that is exported, so that what fails of one table leaves it to the others."""
        leader = self.open()
        try:
            with leader.cursor() as cursor:
                cursor.execute("set transaction isolation level repeatable read, read only")
                cursor.execute("select pg_export_snapshot()")
                snapshot = str(cursor.fetchall()[0][0])
            yield _Snapshot(self, snapshot)
        finally:
            leader.close()

    def deliver(self, delivery: Delivery, read: Read) -> Delivered:
        """Write rows. Raises NotKept, SystemFault."""
        from upriver.materializer.sources.systems.postgres_sink import deliver

        connection = self.open(writing=True)
        try:
            return deliver(connection, delivery, read)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection."""
        if self._first is not None:
            self._first.close()
            self._first = None

    def _ask(self, query: str) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            found: list[Any] = cursor.fetchall()
        self.connection.rollback()
        return found

    def meant(self, table: str) -> str:
        """A sentence for a *table* that is not there."""
        hint = did_you_mean(table, (one.name for one in self.objects("*")))
        return f"; {hint}" if hint else ""


class _Snapshot:
    """One exported snapshot: each look and each read takes it in a transaction of its own."""

    def __init__(self, system: Postgres, snapshot: str) -> None:
        self._system = system
        self._snapshot = snapshot

    def sight(self, wanted: Wanted, before: Sighting | None) -> Sighting | None:
        """Row count and two sums of halves of each row's MD5, with the columns and their types."""
        with self._transaction() as cursor:
            hint = ""
            if wanted.table:
                cursor.execute(f"select to_regclass({_text(_identifier(wanted.table))})::oid::int8")
                oid = cursor.fetchall()[0][0]
                if oid is None:
                    return None
                hint = _counters(cursor, int(oid)) if self._system._address.hinted else ""
                if hint and before is not None and before.hint == hint:
                    detail = "the server's counters of changes, which may lag and are lost in a crash"
                    return Sighting(before.version, Trust.TIME, detail, before.bytes, hint)
            columns = columns_of(cursor, _relation(wanted))
            version, rows = _hashed(cursor, wanted, columns)
            return Sighting(
                version, Trust.CONTENT, f"the hash of all {rows:,} rows, taken in the server", 0, hint
            )

    @contextmanager
    def read(self, wanted: Wanted, scratch: Path) -> Iterator[Rows]:
        """All rows, or *wanted.columns* of them."""
        with self._transaction() as cursor:
            columns = columns_of(cursor, _relation(wanted))
            if wanted.columns:
                columns = tuple(one for one in columns if one.name in wanted.columns)
            listed = ", ".join(one.selected for one in columns) or '1 as "no column"'
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
            cursor.execute(f"select {listed} from {_relation(wanted)}")
            casts = {one.name: one.cast for one in columns if one.cast}
            notes = tuple(one.note for one in columns if one.note)
            yield Rows(cursor.fetch_record_batch(), casts, notes)

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        connection = self._system.connection
        try:
            with connection.cursor() as cursor:
                cursor.execute("set transaction isolation level repeatable read, read only")
                cursor.execute(f"set transaction snapshot {_text(self._snapshot)}")
                yield cursor
        finally:
            connection.rollback()


def _hashed(cursor: Cursor, wanted: Wanted, columns: tuple[PostgresColumn, ...]) -> tuple[str, int]:
    """The version of the rows and their number. Raises SystemFault for values that no table here can keep."""
    fields = ", ".join(quote(one.name) for one in columns)
    guards = [(one, guard) for one in columns for guard in one.guards]
    inner = ", ".join(
        [
            f"md5(row({fields})::text) as hashed",
            *(f"({guard.condition}) as guard_{number}" for number, (_, guard) in enumerate(guards)),
        ]
    )
    outer = "".join(f", count(*) filter (where guard_{number})" for number in range(len(guards)))
    # The halves are added as numbers of any length: no sum overflows, and equal rows don't cancel out.
    cursor.execute(
        "select count(*), coalesce(sum(('x' || left(hashed, 16))::bit(64)::int8), 0)::text, "
        f"coalesce(sum(('x' || right(hashed, 16))::bit(64)::int8), 0)::text{outer} "
        f"from (select {inner} from {_relation(wanted)}) as hashed_rows"
    )
    rows, left, right, *caught = cursor.fetchall()[0]
    for (column, guard), count in zip(guards, caught, strict=True):
        if count:
            raise SystemFault(
                f"{wanted}: column {column.name} ({column.type}) holds {guard.what} in {count:,} "
                f"row{'s' * (count != 1)}, which a table here can't keep\n"
                f'  hint: query="select … {quote(column.name)}::text …" keeps it as text'
            )
    shape = ",".join(f"{one.name} {one.type}" for one in columns)
    return f"{rows}:{left}:{right}:{shape}", int(rows)


def _counters(cursor: Cursor, oid: int) -> str:
    """What the catalogue counts of a table's changes; empty where it counts nothing of it."""
    cursor.execute(
        "select c.oid::text || ':' || pg_relation_filenode(c.oid)::text || ':' || coalesce(d.stats_reset::text, '') "
        "|| ':' || s.n_tup_ins || ':' || s.n_tup_upd || ':' || s.n_tup_del from pg_class c "
        "join pg_stat_user_tables s on s.relid = c.oid, pg_stat_database d "
        f"where c.oid = {oid} and c.relkind = 'r' and d.datname = current_database()"
    )
    rows = cursor.fetchall()
    return str(rows[0][0]) if rows and rows[0][0] is not None else ""


def _relation(wanted: Wanted) -> str:
    return _identifier(wanted.table) if wanted.table else f"({wanted.query}\n) as source_rows"


def _identifier(table: str) -> str:
    return ".".join(quote(part) for part in table.split("."))


def _text(value: str) -> str:
    return literal(value) if "\\" not in value else "E" + literal(value.replace("\\", "\\\\"))


def _with_settings(address: Address) -> str:
    """The address as libpq takes it: settings are parameters of it."""
    more = "&".join(f"{name}={quote_url(value, safe='')}" for name, value in address.settings.items())
    if not more:
        return address.url
    return f"{address.url}{'&' if '?' in address.url else '?'}{more}"
