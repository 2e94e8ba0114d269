"""PostgreSQL as a target: staged, checked, written and receipted in one transaction.

Rows go to a temporary table first, whose columns are those of the rows; from there the server casts them to the types
of the target, of which only those are taken that lose nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from upriver.assets.model import Column
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.ports.target import RECEIPTS, Delivered, Delivery, NotKept, Read

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Connection, Cursor

_STAGING = "upriver_delivery"
_TEXT = frozenset({"text", "varchar", "bpchar"})


class _Kept(NamedTuple):
    """How a type is kept: *made* as in a new table, *taken* by columns of these types; *sent* as this DuckDB type."""

    made: str
    taken: frozenset[str]
    sent: str = ""


_KEPT = {
    "BOOLEAN": _Kept("boolean", frozenset({"bool"})),
    "TINYINT": _Kept("smallint", frozenset({"int2", "int4", "int8", "numeric"}), "SMALLINT"),
    "SMALLINT": _Kept("smallint", frozenset({"int2", "int4", "int8", "numeric"})),
    "UTINYINT": _Kept("smallint", frozenset({"int2", "int4", "int8", "numeric"}), "SMALLINT"),
    "INTEGER": _Kept("integer", frozenset({"int4", "int8", "numeric"})),
    "USMALLINT": _Kept("integer", frozenset({"int4", "int8", "numeric"}), "INTEGER"),
    "BIGINT": _Kept("bigint", frozenset({"int8", "numeric"})),
    "UINTEGER": _Kept("bigint", frozenset({"int8", "numeric"}), "BIGINT"),
    # The driver would write 2^63 and more as negative numbers.
    "UBIGINT": _Kept("numeric(20)", frozenset({"numeric"}), "VARCHAR"),
    "HUGEINT": _Kept("numeric(39)", frozenset({"numeric"}), "VARCHAR"),
    "UHUGEINT": _Kept("numeric(39)", frozenset({"numeric"}), "VARCHAR"),
    "FLOAT": _Kept("real", frozenset({"float4", "float8"})),
    "DOUBLE": _Kept("double precision", frozenset({"float8"})),
    "VARCHAR": _Kept("text", _TEXT),
    "JSON": _Kept("jsonb", _TEXT | {"json", "jsonb"}, "VARCHAR"),
    "UUID": _Kept("uuid", _TEXT | {"uuid"}, "VARCHAR"),
    "BLOB": _Kept("bytea", frozenset({"bytea"})),
    "DATE": _Kept("date", frozenset({"date"})),
    "TIME": _Kept("time", frozenset({"time"})),
    "TIMESTAMP": _Kept("timestamp", frozenset({"timestamp"})),
    "TIMESTAMP WITH TIME ZONE": _Kept("timestamptz", frozenset({"timestamptz"})),
}
_DIRECT = {"BOOLEAN": "bool", "SMALLINT": "int2", "INTEGER": "int4", "BIGINT": "int8", "FLOAT": "float4"}
_DIRECT |= {"DOUBLE": "float8", "VARCHAR": "text", "BLOB": "bytea", "DATE": "date", "TIMESTAMP": "timestamp"}
_DIRECT |= {"TIMESTAMP WITH TIME ZONE": "timestamptz", "TIME": "time"}
"""The types that the driver itself writes these as, in binary; no other column takes that."""
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def _kept(column: Column) -> _Kept | None:
    """How *column* is kept; None when it can't be."""
    if found := _DECIMAL.fullmatch(column.type):
        # As text: the driver keeps no scale of a number.
        return _Kept(f"numeric({found[1]}, {found[2]})", frozenset({"numeric"}), "VARCHAR")
    if column.type.startswith("ENUM("):
        return _Kept("text", _TEXT, "VARCHAR")
    return _KEPT.get(column.type)


def deliver(connection: Connection, delivery: Delivery, read: Read) -> Delivered:
    """Write the rows of *delivery*, in one transaction that this ends. Raises NotKept."""
    table = ".".join(quote(part) for part in delivery.sink.table.split("."))
    unkept = [f"{one.name} ({one.type})" for one in delivery.schema if _kept(one) is None]
    if unkept:
        raise NotKept(
            f"{delivery.sink.table} can't keep {', '.join(unkept)}\n  hint: cast it to a type that PostgreSQL has"
        )
    with connection.cursor() as cursor:
        cursor.execute("set transaction isolation level read committed")
        _receipts(cursor)
        # Another delivery to the same table waits here, and reads then what was written.
        _run(cursor, f"select pg_advisory_xact_lock(hashtextextended({_text(delivery.sink.table)}, 8474))")
        known = _ask(cursor, f"select input, rows, content from {RECEIPTS} where sink = {_text(delivery.id)}")
        there = _exists(cursor, table)
        edited = (
            bool(known) and delivery.sink.verify and (not there or known[0][2] != _content(cursor, table))
        )
        if known and known[0][0] == delivery.input and there and not edited:
            connection.rollback()
            return Delivered(False, int(str(known[0][1])))
        if edited and delivery.sink.mode != "replace":
            raise NotKept(
                f"{delivery.sink.table} was edited by others since it was written, and {delivery.sink.mode} goes on "
                f"from what is there\n  hint: delete the row {delivery.id!r} of {RECEIPTS} to take it as it is"
            )
        _refuse_values(delivery, read)
        if not there:
            _make(cursor, delivery, table)
        casts = _casts(cursor, delivery, table)
        if _alike(casts) and delivery.sink.mode != "upsert":
            rows = _write_directly(cursor, delivery, table, casts, read)
        else:
            _stage(cursor, delivery, read)
            rows = _write(cursor, delivery, table, casts)
        content = _content(cursor, table) if delivery.sink.verify else ""
        values = ", ".join(_text(one) for one in (delivery.id, delivery.input, str(rows), content))
        _run(
            cursor,
            f"insert into {RECEIPTS} (sink, input, rows, content) "
            f"select a, b, c::int8, d from (values ({values})) as v(a, b, c, d) on conflict (sink) do update set "
            "input = excluded.input, rows = excluded.rows, content = excluded.content, at = now()",
        )
    connection.commit()
    return Delivered(
        True, rows, f"{delivery.sink.table} was edited by others, and written anew" if edited else ""
    )


def _receipts(cursor: Cursor) -> None:
    if _ask(cursor, f"select to_regclass({_text(RECEIPTS)})")[0][0] is None:
        _run(
            cursor,
            f"create table if not exists {RECEIPTS} (sink text primary key, input text not null, rows bigint not null, "
            "content text not null, at timestamptz not null default now())",
        )


def _exists(cursor: Cursor, table: str) -> bool:
    return _ask(cursor, f"select to_regclass({_text(table)})::oid::int8")[0][0] is not None


def _content(cursor: Cursor, table: str) -> str:
    """A hash of the rows that the target holds."""
    query = (
        "select count(*) || ':' || coalesce(sum(('x' || left(h, 16))::bit(64)::int8), 0) || ':' || "
        f"coalesce(sum(('x' || right(h, 16))::bit(64)::int8), 0) from (select md5(t::text) as h from {table} t) as r"
    )
    return str(_ask(cursor, query)[0][0])


def _refuse_values(delivery: Delivery, read: Read) -> None:
    """Raise NotKept for values that no column there can hold."""
    texts, moments = [], []
    for column in delivery.schema:
        if column.type in ("VARCHAR", "JSON") or column.type.startswith("ENUM("):
            texts.append(column.name)
        elif column.type == "DATE" or column.type.startswith("TIMESTAMP"):
            moments.append(column.name)
    wrong = [(name, f"contains({quote(name)}::varchar, chr(0))", "a NUL character") for name in texts]
    wrong += [(name, f"not isfinite({quote(name)})", "infinity") for name in moments]
    if wrong:
        counts = ", ".join(
            f"count(*) filter (where {condition}) as c{i}" for i, (_, condition, _) in enumerate(wrong)
        )
        with read(f"select {counts} from delivery") as reader:
            (found,) = reader.read_all().to_pylist()
        for number, (name, _, what) in enumerate(wrong):
            if found[f"c{number}"]:
                raise NotKept(f"{delivery.sink.table} can't keep {what}, which column {name} holds")


def _alike(casts: dict[str, _Cast]) -> bool:
    """Whether all columns have the types that the driver itself would give the rows."""
    return all(one.alike for one in casts.values())


def _write_directly(
    cursor: Cursor, delivery: Delivery, table: str, casts: dict[str, _Cast], read: Read
) -> int:
    """Write rows that need no cast: half the work."""
    if delivery.sink.mode == "replace":
        _run(cursor, f"truncate {table}")
    schema, _, name = delivery.sink.table.rpartition(".")
    with read(f"select {', '.join(map(quote, casts))} from delivery") as reader:
        return int(
            cursor.adbc_ingest(name, reader, mode="append", db_schema_name=schema or _schema(cursor, table))
        )


def _schema(cursor: Cursor, table: str) -> str:
    query = f"select relnamespace::regnamespace::text from pg_class where oid = {_text(table)}::regclass"
    return str(_ask(cursor, query)[0][0])


def _stage(cursor: Cursor, delivery: Delivery, read: Read) -> None:
    """Bring the rows into a temporary table."""
    listed = []
    for column in delivery.schema:
        kept = _kept(column)
        assert kept is not None
        sent, name = kept.sent, quote(column.name)
        listed.append(f"cast({name} as {sent}) as {name}" if sent else name)
    _run(cursor, f"drop table if exists pg_temp.{_STAGING}")
    with read(f"select {', '.join(listed)} from delivery") as reader:
        cursor.adbc_ingest(_STAGING, reader, mode="create", temporary=True)


def _make(cursor: Cursor, delivery: Delivery, table: str) -> None:
    columns = []
    for column in delivery.schema:
        kept = _kept(column)
        assert kept is not None
        columns.append(f"{quote(column.name)} {kept.made}")
    if delivery.sink.key:
        columns.append(f"primary key ({', '.join(map(quote, delivery.sink.key))})")
    _run(cursor, f"create table {table} ({', '.join(columns)})")


class _Cast(NamedTuple):
    """The expression that the type of a column wants; *alike* when that is the type of the rows."""

    expression: str
    alike: bool


def _casts(cursor: Cursor, delivery: Delivery, table: str) -> dict[str, _Cast]:
    """What each column of the target wants. Raises NotKept where one would lose something."""
    described = _ask(
        cursor,
        "select a.attname, t.typname, a.atttypmod::int8, format_type(a.atttypid, a.atttypmod) from pg_attribute a "
        f"join pg_type t on t.oid = a.atttypid where a.attrelid = {_text(table)}::regclass and a.attnum > 0 "
        "and not a.attisdropped",
    )
    there = {str(name): (str(type), int(str(typmod)), str(shown)) for name, type, typmod, shown in described}
    casts, wrong = dict[str, _Cast](), list[str]()
    for column in delivery.schema:
        kept = _kept(column)
        assert kept is not None
        if column.name not in there:
            wrong.append(f"{column.name}: {delivery.sink.table} has no such column")
            continue
        type, typmod, shown = there[column.name]
        if type not in kept.taken or not _fits(column, type, typmod):
            wrong.append(f"{column.name}: a {column.type} does not fit into its {shown}")
            continue
        name = quote(column.name)
        # Text that is cast to varchar(3) would be cut off: it is assigned, which is an error when it is too long.
        expression = name if type in _TEXT else f"{name}::{quote(type)}"
        casts[column.name] = _Cast(expression, not kept.sent and _DIRECT.get(column.type) == type)
    if wrong:
        raise NotKept(f"{delivery.sink.table} can't keep what is to be written:\n  " + "\n  ".join(wrong))
    return casts


def _fits(column: Column, type: str, typmod: int) -> bool:
    if type != "numeric" or typmod < 4:
        return True
    digits, scale = (typmod - 4) >> 16 & 0xFFFF, (typmod - 4) & 0x7FF
    found = _DECIMAL.fullmatch(column.type)
    own, places = (int(found[1]), int(found[2])) if found else (_DIGITS.get(column.type, 39), 0)
    return scale >= places and digits - scale >= own - places


_DIGITS = {
    "TINYINT": 3,
    "UTINYINT": 3,
    "SMALLINT": 5,
    "USMALLINT": 5,
    "INTEGER": 10,
    "UINTEGER": 10,
    "BIGINT": 19,
}
_DIGITS |= {"UBIGINT": 20}


def _write(cursor: Cursor, delivery: Delivery, table: str, casts: dict[str, _Cast]) -> int:
    columns = ", ".join(map(quote, casts))
    listed = ", ".join(f"{cast.expression} as {quote(name)}" for name, cast in casts.items())
    staged = f"(select {listed} from pg_temp.{_STAGING})"
    rows = int(str(_ask(cursor, f"select count(*) from pg_temp.{_STAGING}")[0][0]))
    if delivery.sink.mode == "upsert":
        _refuse_doubles(cursor, delivery)
        key = delivery.sink.key
        others = [name for name in casts if name not in key]
        matched = " and ".join(f"t.{quote(name)} = s.{quote(name)}" for name in key)
        differs = " or ".join(f"t.{quote(name)} is distinct from s.{quote(name)}" for name in others)
        updated = ", ".join(f"{quote(name)} = s.{quote(name)}" for name in others)
        when = f"when matched and ({differs}) then update set {updated} " if others else ""
        new = ", ".join(f"s.{quote(name)}" for name in casts)
        _run(cursor, f"lock table {table} in share row exclusive mode")
        _run(
            cursor,
            f"merge into {table} t using {staged} s on {matched} {when}"
            f"when not matched then insert ({columns}) values ({new})",
        )
        return rows
    if delivery.sink.mode == "replace":
        _run(cursor, f"truncate {table}")
    _run(cursor, f"insert into {table} ({columns}) select {columns} from {staged} s")
    return rows


def _refuse_doubles(cursor: Cursor, delivery: Delivery) -> None:
    key = ", ".join(map(quote, delivery.sink.key))
    missing = [name for name in delivery.sink.key if name not in {column.name for column in delivery.schema}]
    if missing:
        raise NotKept(
            f"the key of {delivery.sink.table} has a column that is not written: {', '.join(missing)}"
        )
    nulls = " or ".join(f"{quote(name)} is null" for name in delivery.sink.key)
    if int(str(_ask(cursor, f"select count(*) from pg_temp.{_STAGING} where {nulls}")[0][0])):
        raise NotKept(
            f"a row for {delivery.sink.table} has no value in its key ({', '.join(delivery.sink.key)})"
        )
    doubled = f"select {key} from pg_temp.{_STAGING} group by {key} having count(*) > 1 limit 1"
    if found := _ask(cursor, f"select row(d.*)::text from ({doubled}) as d"):
        raise NotKept(
            f"two rows for {delivery.sink.table} have the same key ({', '.join(delivery.sink.key)}): {found[0][0]}"
        )


def _run(cursor: Cursor, statement: str) -> None:
    cursor.execute(statement)


def _ask(cursor: Cursor, query: str) -> list[tuple[object, ...]]:
    cursor.execute(query)
    return [tuple(row) for row in cursor.fetchall()]


def _text(value: str) -> str:
    return literal(value) if "\\" not in value else "E" + literal(value.replace("\\", "\\\\"))
