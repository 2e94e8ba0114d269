"""Content fingerprints: 128 bits that change when what a footprint covers changes, and not otherwise.

For each row the footprint's columns are hashed *jointly* with DuckDB's ``hash()``, in two lanes; each row
hash is hashed once more and summed exactly (HUGEINT), so that the order of rows does not matter and
duplicates count. The number of rows, both sums and the names and types of the columns go into one BLAKE2b. In
ordered mode the row's number is hashed with it. A fingerprint is written ``<rows>:<32 hex digits>``.

``hash()`` alone is not enough; what it can't tell apart was found by probing DuckDB 2.0
(``tests/materializer/freshness/test_fingerprint_types.py`` keeps the cases). The second lane sees each column in a form
that tells it:

========================  ==========================================  ==================================
type                      what ``hash()`` does not tell               the second lane hashes
========================  ==========================================  ==================================
VARCHAR, BLOB, JSON       strings that differ in the last bytes of    the string behind a prefix of 4
                          two 8-byte words: ``(h ^ word) * odd``      bytes, which shifts the words
FLOAT, DOUBLE             -0.0 from 0.0, -nan from nan                also ``signbit``
HUGEINT, UUID,            its two halves swapped                      its text
DECIMAL(19 and more)
INTERVAL                  1 month from 30 days from 720 hours         its sort key
lists, structs, maps,     null from [] from [null]; [[1],[2]] from    its sort key, and its text when a
unions                    [[1,2]]; {a: null} from null                float may be inside
anything else             (not known)                                 its sort key and its text
========================  ==========================================  ==================================

Not told apart: NaNs of the same sign with different payloads, which SQL and Polars don't tell apart either.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upriver.assets.errors import StoreError
from upriver.assets.model import Column, Schema
from upriver.lineage.model import Footprint
from upriver.lineage.sql.names import quote
from upriver.materializer.engines.types import stored_scan, stored_type
from upriver.materializer.model import Located

if TYPE_CHECKING:
    import duckdb

_FORM = 2
"""Raised when the way of computing changes."""

_SHIFT = "~!@#"
_SALT = 7
_POSITION = "upriver row number"
_KEPT = "upriver row number kept"
_PASSED = "upriver number of passed row"
_SIMPLE = frozenset(
    {
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
        "DATE", "TIME", "TIME_NS", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS",
        "TIME WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE", '"NULL"',
    }
)  # fmt: skip
_HALVES = frozenset({"HUGEINT", "UHUGEINT", "UUID"})
_MAX_ONE_WORD_DECIMAL = 18


@functools.cache
def algorithm() -> str:
    """The name of the way fingerprints are computed now; those of other algorithms can't be compared."""
    return f"{_FORM}/duckdb-{_duckdb_version()}"


def _duckdb_version() -> str:
    # Neither duckdb nor importlib.metadata is imported if a look at the folder's names tells: a no-op build
    # has 100 ms.
    spec = importlib.util.find_spec("duckdb")
    if spec is not None and spec.origin is not None:
        site = Path(spec.origin).parent.parent
        versions = {
            path.name.removesuffix(".dist-info").partition("-")[2] for path in site.glob("duckdb-*.dist-info")
        }
        if len(versions) == 1:
            return versions.pop()
    from importlib.metadata import version

    return version("duckdb")


def fingerprint_sql(
    relation: str, schema: Schema, footprints: Sequence[Footprint], position: str = "file_row_number"
) -> str:
    """One statement that computes, for each footprint: the number of rows, and the sums of both lanes.

    *relation* is a table expression with the columns of *schema*; *position* an expression over it that
    numbers the rows, used by ordered footprints. An ordered footprint with a predicate numbers the rows that
    pass, and must therefore come alone.
    """
    predicates = {footprint.predicate for footprint in footprints}
    if floats := compared_floats(" ".join(filter(None, predicates)), schema):
        # The bounds in a Parquet file say nothing of NaN, which is above all numbers. What DuckDB can't see through is
        # not judged by them.
        opaque = ", ".join(f"if(random() < 2, {name}, null) as {name}" for name in floats)
        kept = ""
        if any(footprint.ordered and footprint.predicate is None for footprint in footprints):
            kept, position = f", {position} as {quote(_KEPT)}", quote(_KEPT)
        relation = f"(select * replace ({opaque}){kept} from {relation})"
    shared = predicates.pop() if len(predicates) == 1 else None
    where = f" where {condition(shared)}" if shared is not None else ""
    if shared is not None and any(footprint.ordered for footprint in footprints):
        # Numbered after the filter: rows that it excludes may come and go.
        relation = f"(select *, row_number() over () as {quote(_PASSED)} from {relation}{where})"
        position, where = quote(_PASSED), ""
    wanted = []
    for footprint in footprints:
        only = (
            ""
            if shared is not None or footprint.predicate is None
            else f" filter ({condition(footprint.predicate)})"
        )
        wanted.append(f"count(*){only}")
        wanted += [f"sum(hash(hash({lane}))){only}" for lane in lanes(schema, footprint, position)]
    return f"select {', '.join(wanted)} from {relation}{where}"


def compared_floats(predicates: str, schema: Schema) -> list[str]:
    """The columns that may hold NaN and may be compared in *predicates*, quoted."""
    text = predicates.casefold()
    floats = [quote(c.name) for c in schema if "FLOAT" in c.type.upper() or "DOUBLE" in c.type.upper()]
    return [name for name in floats if name[1:-1].casefold() in text]


def condition(predicate: str) -> str:
    return f"({predicate}\n)"  # the line break ends a comment that the predicate may end with


def lanes(schema: Schema, footprint: Footprint, position: str) -> tuple[str, str] | tuple[()]:
    columns = [column for column in covered(schema, footprint) if column.type]
    plain = [quote(column.name) for column in columns]
    exact = [form for column in columns for form in exact_forms(column)]
    if footprint.ordered:
        plain.insert(0, position)
        exact.insert(0, position)
    if not columns:
        return ()
    return ", ".join(plain), ", ".join([str(_SALT), *exact])


def covered(schema: Schema, footprint: Footprint) -> tuple[Column, ...]:
    """The columns that *footprint* covers in *schema*; one that is not there has the type ""."""
    if footprint.columns is None:
        return schema
    exact = {column.name: column for column in schema}
    folded = {column.name.casefold(): column for column in schema}
    return tuple(
        exact.get(name) or folded.get(name.casefold()) or Column(name, "") for name in footprint.columns
    )


def exact_forms(column: Column) -> tuple[str, ...]:
    """Expressions over *column* whose ``hash()`` tells any two of its values apart, as far as 64 bits do."""
    name, kind = quote(column.name), column.type.upper()
    base = kind.partition("(")[0]
    if kind in _SIMPLE:
        return (name,)
    if kind in ("VARCHAR", "JSON"):
        return (f"'{_SHIFT}' || {name}",)
    if kind.startswith("ENUM(") and not kind.endswith("]"):
        return (f"'{_SHIFT}' || {name}::varchar",)
    if kind == "BLOB":
        return (f"'{_SHIFT}'::blob || {name}",)
    if kind in ("FLOAT", "DOUBLE"):
        return (name, f"signbit({name})")
    if kind in _HALVES:
        return (f"'{_SHIFT}' || {name}::varchar",)
    if match := re.fullmatch(r"DECIMAL\((\d+),\s*\d+\)", kind):
        one_word = int(match[1]) <= _MAX_ONE_WORD_DECIMAL
        return (name,) if one_word else (f"'{_SHIFT}' || {name}::varchar",)
    sort_key = f"'{_SHIFT}'::blob || create_sort_key({name}, 'ASC NULLS LAST')"
    if kind in ("INTERVAL", "BIT", "BIGNUM"):
        return (sort_key,)
    nested = base in ("STRUCT", "MAP", "UNION") or kind.endswith("]")
    if nested and not re.search(r"FLOAT|DOUBLE|VARIANT|GEOMETRY", kind):
        return (sort_key,)
    return (sort_key, f"'{_SHIFT}' || {name}::varchar")


class Fingerprinter:
    """Computes fingerprints with cursors from *cursor*, each of which it closes. Threads may share it."""

    def __init__(self, cursor: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._cursor = cursor

    def compute(self, version: Located, footprints: Sequence[Footprint]) -> Mapping[Footprint, str]:
        """The fingerprint of each footprint in *version*, in as few passes over the files as possible.

        A predicate that fails on the data or names a column that is not there counts as absent, and the
        fingerprint says so: it then equals no fingerprint with the predicate. Raises StoreError when the
        files can't be read.
        """
        if not version.schema:
            # A file, not a table: its bytes are its content, and nothing less can be read of it.
            return {footprint: _digest(version.rows or 0, ["file", version.id]) for footprint in footprints}
        found: dict[Footprint, str] = {}
        todo = []
        for footprint in dict.fromkeys(footprints):
            if _counts_only(version, footprint):
                found[footprint] = finish(version.schema, footprint, (version.rows,))
            else:
                todo.append(footprint)
        for group in _groups(todo):
            found.update(self._pass(version, group))
        return found

    def _pass(self, version: Located, group: Sequence[Footprint]) -> Mapping[Footprint, str]:
        try:
            return self._run(version, group)
        except _PredicateFailedError:
            if len(group) > 1:
                return {k: v for footprint in group for k, v in self._pass(version, [footprint]).items()}
            (one,) = group
            without = Footprint(one.columns, None, one.ordered)
            wider = self._run(version, [without])[without]
            rows, _, _ = wider.partition(":")
            return {one: _digest(int(rows), ["predicate failed", wider])}

    def _run(self, version: Located, group: Sequence[Footprint]) -> Mapping[Footprint, str]:
        import duckdb

        numbered = any(footprint.ordered and footprint.predicate is None for footprint in group)
        table, position = numbered_relation(version, numbered)
        cursor = self._cursor()
        try:
            row = cursor.execute(fingerprint_sql(table, version.schema, group, position)).fetchone()
        except duckdb.InterruptException:
            raise
        except (duckdb.DataError, duckdb.BinderException, duckdb.InvalidInputException) as error:
            if any(footprint.predicate is not None for footprint in group):
                raise _PredicateFailedError from error
            raise unreadable(version, error) from error
        except duckdb.Error as error:
            raise unreadable(version, error) from error
        finally:
            cursor.close()
        assert row is not None
        return dict(_split(version.schema, group, row))


class _PredicateFailedError(Exception):
    pass


def _groups(footprints: Sequence[Footprint]) -> list[list[Footprint]]:
    """Which footprints share a pass. When one reads all rows, filters of the others cost nothing more."""
    alone = [[one] for one in footprints if one.ordered and one.predicate is not None]
    joint = [one for one in footprints if not (one.ordered and one.predicate is not None)]
    if any(one.predicate is None for one in joint):
        return [joint, *alone]
    by_predicate: dict[str | None, list[Footprint]] = {}
    for one in joint:
        by_predicate.setdefault(one.predicate, []).append(one)
    return [*by_predicate.values(), *alone]


def _counts_only(version: Located, footprint: Footprint) -> bool:
    return footprint.columns == () and footprint.predicate is None and version.rows is not None


def relation(version: Located) -> str:
    """The rows of a version as recipes see them, as a table expression."""
    return numbered_relation(version, numbered=False)[0]


def numbered_relation(version: Located, numbered: bool) -> tuple[str, str]:
    """The rows of a version as recipes see them, and an expression that numbers them from 0."""
    if not version.files:
        columns = ", ".join(f"null::{column.type} as {quote(column.name)}" for column in version.schema)
        return f"(select {columns} where false)", "0"
    relation = stored_scan(version.files)
    number = "file_row_number"
    taken = number in {column.name.casefold() for column in version.schema}
    if numbered and (len(version.files) > 1 or taken):
        # Not by file and row number in it: the same rows in fewer or more files are the same content.
        number = quote(_POSITION)
        relation = f"(select *, row_number() over () - 1 as {number} from {relation})"
    if any(stored_type(column.type) != column.type for column in version.schema):
        # A predicate means the types that were computed, which are not always those that Parquet can hold.
        columns = ", ".join(_as_computed(column) for column in version.schema)
        relation = f"(select {columns}{f', {number}' if numbered else ''} from {relation})"
    return relation, number


def _as_computed(column: Column) -> str:
    name = quote(column.name)
    same = stored_type(column.type) == column.type or column.type == '"NULL"'
    return name if same else f"cast({name} as {column.type}) as {name}"


def _split(schema: Schema, group: Sequence[Footprint], row: tuple[Any, ...]) -> list[tuple[Footprint, str]]:
    values = iter(row)
    result = []
    for footprint in group:
        sums = (next(values), *(next(values) for _ in lanes(schema, footprint, "0")))
        result.append((footprint, finish(schema, footprint, sums)))
    return result


def finish(schema: Schema, footprint: Footprint, sums: tuple[int | None, ...]) -> str:
    numbers = [int(value or 0) for value in sums]
    facts = [
        "table",
        "all" if footprint.columns is None else "some",
        "ordered" if footprint.ordered else "bag",
    ]
    for column in covered(schema, footprint):
        facts += column.facts
    return _digest(numbers[0], facts + [str(number) for number in numbers])


def _digest(rows: int, facts: Sequence[str]) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    for fact in facts:
        data = fact.encode("utf-8", "surrogatepass")
        hasher.update(
            len(data).to_bytes(8, "little") + data
        )  # lengths: no two lists of facts run together alike
    return f"{rows}:{hasher.hexdigest()}"


def unreadable(version: Located, error: Exception) -> StoreError:
    first, *others = version.files or ("no file",)
    more = f" and {len(others)} more" if others else ""
    reason, _, _ = str(error).partition("\n")
    return StoreError(
        f"can't read the content of {first}{more}: {reason}\n"
        "  hint: `upriver fsck` tells whether an artifact is damaged; for a source, look at the file itself"
    )
