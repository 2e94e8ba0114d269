"""Data that lies in a folder, as tables: which files belong together, their columns, and what looks like their key.

Only for a project that is to be written; a project's sources are what it declares.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from glob import escape
from itertools import combinations
from pathlib import Path, PurePosixPath

from upriver.assets.declare.locations import read_location
from upriver.assets.errors import UpriverError, UsageError
from upriver.assets.model import Column, FileLocation, Location, Place, Schema, Source, TableLocation, Value
from upriver.assets.project.files import SKIPPED_FOLDERS
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.engines.types import stored_scan
from upriver.materializer.sources.reading import SourceReader, told_of
from upriver.materializer.sources.registry import connector_of
from upriver.materializer.sources.stamps import expand

_ID = re.compile(r"(?:^|_|(?<=[a-z]))(id|key|code|uuid|guid|number|no)$", re.IGNORECASE)
_NO_KEY = re.compile(r"DOUBLE|FLOAT|BLOB|STRUCT|MAP|UNION|JSON|\[", re.IGNORECASE)
_MOST_TRIED = 8
_TYPES_IN_TEXT = ("DATE", "TIMESTAMP")


class FoundTable(Value, frozen=True):
    """One table of the data: *name* is free to use in a key, *paths* are patterns as they are to be declared. *casts*
    are types that every text of a column is written in; *key* are columns that tell its rows apart.
    """

    name: str
    paths: tuple[str, ...]
    table: str | None
    columns: Schema
    rows: int
    casts: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()


class LeftOut(Value, frozen=True):
    """A file that is no table, and why."""

    path: str
    why: str


class Found(Value, frozen=True):
    """What there is in a folder."""

    tables: tuple[FoundTable, ...]
    left_out: tuple[LeftOut, ...]


def find_tables(root: Path, folder: Path) -> Found:
    """The tables in *folder*, read for a project at *root*. Raises UsageError where there is none to look at."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is {'a file, not a folder' if folder.exists() else 'not there'}")
    finder = _Finder(root)
    for directory, endings in _by_folder(folder):
        for paths in endings:
            finder.take(directory, paths, folder)
    finder.reader.close()
    return Found(tuple(sorted(finder.tables, key=lambda one: one.name)), tuple(finder.left_out))


def _by_folder(folder: Path) -> Iterator[tuple[str, list[list[Path]]]]:
    """The files that could belong together: of one kind of folder, one ending, and names that differ in digits."""
    groups: dict[tuple[str, str, str], list[Path]] = {}
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._" and name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            if name[0] in "._":
                continue
            path = Path(directory, name)
            kind = re.sub(r"=[^/]*", "=*", directory)
            stem, _, ending = name.partition(".")
            word = "" if directory.endswith(".parquet") or "=" in directory else _words(stem)
            groups.setdefault((kind, ending.lower(), word), []).append(path)
    together: dict[str, list[list[Path]]] = {}
    for (kind, _, _), paths in groups.items():
        together.setdefault(kind, []).append(paths)
    yield from together.items()


def _words(stem: str) -> str:
    return re.sub(r"[\d\W_]+", "_", stem).strip("_")


class _Finder:
    def __init__(self, root: Path) -> None:
        self._root = root
        self.reader = SourceReader()
        self.tables: list[FoundTable] = []
        self.left_out: list[LeftOut] = []
        self._names: set[str] = set()

    def take(self, kind: str, paths: list[Path], top: Path) -> None:
        """Take *paths* for one table, or each for its own where their columns differ."""
        usable = []
        for path in paths:
            location, problems = read_location(
                escape(self._shown(path)), table="?" if _is_base(path) else None
            )
            if location is None:
                self.left_out.append(LeftOut(self._shown(path), problems[0]))
            elif isinstance(location, FileLocation) and location.format == "file":
                self.left_out.append(LeftOut(self._shown(path), _why_no_table(path)))
            elif isinstance(location, TableLocation):
                self._take_base(path, location)
            else:
                usable.append((path, location))
        shapes: dict[tuple[str, ...], list[Path]] = {}
        for path, location in usable:
            try:
                columns = self._columns(location)
            except UpriverError as error:
                self.left_out.append(LeftOut(self._shown(path), str(error)))
                continue
            shapes.setdefault(columns, []).append(path)
        for alike in shapes.values():
            whole = len(shapes) == 1 and len(alike) > 1 and Path(kind) != top and "=" not in kind
            name = Path(kind).name.partition(".")[0] if whole or kind.endswith(".parquet") else None
            if "=" in kind:
                name = PurePosixPath(kind.partition("=")[0]).parent.name
            self._add(name or _words(_stem(alike[0])) or _stem(alike[0]), self._patterns(kind, alike))

    def _columns(self, location: Location) -> tuple[str, ...]:
        source = Source("found", location, Place("."))
        return tuple(column.name for column in connector_of(self._root, source, self.reader).schema(None))

    def _patterns(self, kind: str, paths: Sequence[Path]) -> tuple[str, ...]:
        """As few patterns as say exactly these *paths*."""
        listed = sorted(self._shown(path) for path in paths)
        if len(listed) == 1 and not kind.endswith(".parquet"):
            return (escape(listed[0]),)
        folders = self._shown(Path(kind)).split("/")
        base = "/".join(f"{escape(one[:-1])}*" if one.endswith("=*") else escape(one) for one in folders)
        names = [path.name for path in paths]
        ending = _ending(names[0])
        # Up to the first digit: a file of the next month belongs to it.
        first = re.split(r"\d", names[0], maxsplit=1)[0]
        prefixes = ["", first] if "=" in kind or kind.endswith(".parquet") else [first, ""]
        for pattern in (f"{base}/{escape(prefix)}*{ending}" for prefix in prefixes if prefix != names[0]):
            if expand(self._root, [pattern]) == listed:
                return (pattern,)
        return tuple(map(escape, listed))

    def _take_base(self, path: Path, location: TableLocation) -> None:
        try:
            with told_of("found", self._shown(path)):
                names = [*_tables_in(path, location.engine)]
        except UpriverError as error:
            self.left_out.append(LeftOut(self._shown(path), str(error)))
            return
        for name in names:
            self._add(name, (self._shown(path),), name)

    def _add(self, wanted: str, patterns: tuple[str, ...], table: str | None = None) -> None:
        name = self._free(wanted)
        location, problems = read_location(list(patterns) if len(patterns) > 1 else patterns[0], table=table)
        assert location is not None, problems
        source = Source(f"raw.{name}", location, Place("."))
        connector = connector_of(self._root, source, self.reader)
        try:
            with tempfile.TemporaryDirectory(prefix="upriver-") as folder:
                target = Path(folder) / "rows.parquet"
                scanned = connector.scan(connector.observe(), target, None)
                found = FoundTable(name, patterns, table, scanned.schema, scanned.rows)
                self.tables.append(self._profiled(found, target))
        except UpriverError as error:
            self.left_out.append(LeftOut(", ".join(patterns), str(error)))

    def _profiled(self, found: FoundTable, rows: Path) -> FoundTable:
        """*found* with the types that its texts are written in, and its probable key."""
        relation = stored_scan((str(rows),))
        texts = [column.name for column in found.columns if column.type == "VARCHAR"]
        casts: list[Column] = []
        with self.reader.cursor() as cursor:
            for name in texts:
                column = quote(name)
                checks = ", ".join(
                    f"count({column}) > 0 and coalesce(bool_and(try_cast({column} as {type_})::varchar = "
                    f"replace({column}, 'T', ' ')), false) "
                    f"and count(try_cast({column} as {type_})) = count({column})"
                    for type_ in _TYPES_IN_TEXT
                )
                said = cursor.execute(f"select {checks} from {relation}").fetchone() or ()
                fits = [type_ for type_, holds in zip(_TYPES_IN_TEXT, said, strict=True) if holds]
                casts += [Column(name, fits[0])] if fits else []

            def distinct(names: Sequence[str]) -> bool:
                listed = ", ".join(map(quote, names))
                filled = " and ".join(f"{quote(name)} is not null" for name in names)
                query = f"select count(distinct ({listed})) filter ({filled}) from {relation}"
                row = cursor.execute(query).fetchone()
                return row is not None and row[0] == found.rows

            key = next((names for names in _key_candidates(found.columns) if distinct(names)), ())
        return FoundTable(
            found.name,
            found.paths,
            found.table,
            found.columns,
            found.rows,
            tuple(casts),
            key if found.rows > 1 else (),
        )

    def _free(self, wanted: str) -> str:
        from upriver.assets.loading.sql_module import usable

        base = name = usable(wanted)
        number = 1
        while name in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name)
        return name

    def _shown(self, path: Path) -> str:
        """*path* as the project is to name it."""
        inside = path.is_relative_to(self._root)
        return (path.relative_to(self._root) if inside else path).as_posix()


def _key_candidates(columns: Schema) -> Iterator[tuple[str, ...]]:
    """What could tell the rows apart, the likeliest first: one column, then two that look like identifiers."""
    names = [column.name for column in columns if not _NO_KEY.search(column.type)]
    likely = sorted((name for name in names if _ID.search(name)), key=lambda name: name.lower() != "id")
    first = [name for name in names[:1] if name not in likely]
    yield from ((name,) for name in [*likely, *first][:_MOST_TRIED])
    dated = [one.name for one in columns if one.name in names and one.type.startswith(("DATE", "TIMESTAMP"))]
    yield from combinations(list(dict.fromkeys([*likely, *first, *dated]))[:4], 2)


def _tables_in(path: Path, engine: str) -> Iterable[str]:
    if engine == "duckdb":
        with SourceReader().cursor() as cursor:
            cursor.execute(f"attach {literal(str(path))} as found (read_only)")
            rows = cursor.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'found' order by all"
            ).fetchall()
        return [str(table) if schema == "main" else f"{schema}.{table}" for schema, table in rows]
    import apsw

    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        query = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by 1"
        return [str(name) for (name,) in connection.execute(query)]
    finally:
        connection.close()


def _is_base(path: Path) -> bool:
    return path.suffix.lower() in (".db", ".sqlite", ".sqlite3", ".duckdb", ".ddb")


def _why_no_table(path: Path) -> str:
    if path.suffix.lower() in (".zip", ".7z", ".rar", ".tar"):
        return "an archive: unpack it; .gz and .zst are read as they are"
    return f"its ending {path.suffix!r} tells of no format: declare it with format= in assets/sources.py"


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _ending(name: str) -> str:
    _, dot, ending = name.partition(".")
    return f"{dot}{ending}"
