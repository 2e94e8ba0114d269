"""Text sources: every file is looked at whole, compared with the shape that is kept, and read with its types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column, FileLocation, Key, Place, Schema
from upriver.lineage.sql.names import quote
from upriver.materializer.ports.connector import Scanned, Shape, SourceMisfit
from upriver.materializer.sources import csv_files, json_files
from upriver.materializer.sources.csv_files import Misplaced
from upriver.materializer.sources.layout import TextFile, relation
from upriver.materializer.sources.options import options_of
from upriver.materializer.sources.reading import copy_relation
from upriver.materializer.sources.shape import NOTHING, Merged, Retyped, matched, merge

if TYPE_CHECKING:
    import duckdb

_TEMPORAL = ("DATE", "TIMESTAMP")
_EXACT = 2**53
"""Whole numbers beyond it are not all kept by DOUBLE."""


class TextReader:
    """Reads the files of one source, declared at *place*, as text. *shape* is kept of it, None at first sight."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        key: Key,
        place: Place,
        location: FileLocation,
        shape: Shape | None,
    ) -> None:
        self._connection = connection
        self._key = key
        self._place = place
        self._location = location
        self._options = options_of(location)
        self._csv = self._options.function == "read_csv"
        self._read = location.scan or location.format
        # Declared otherwise, it is another source.
        self._then = shape if shape is not None and shape.read == self._read else None
        self._declared_anew = shape is not None and self._then is None
        self.notes: list[str] = []

    def schema(self, files: Sequence[tuple[str, str]]) -> Schema:
        """The columns of *files* (paths, and how they are told). Raises SourceMisfit."""
        found = self._files(files)
        read = relation(found, self._merged(found), self._options)
        rows = self._connection.execute(f"describe select * from {read}").fetchall()
        return tuple(Column(str(row[0]), str(row[1])) for row in rows)

    def copy(self, files: Sequence[tuple[str, str]], target: Path) -> Scanned:
        """Write the rows of *files* into a Parquet file at *target*. Raises SourceMisfit."""
        import duckdb

        found = self._files(files)
        shape = self._merged(found)
        try:
            schema, rows = copy_relation(self._connection, relation(found, shape, self._options), target)
        except duckdb.Error as error:
            self._fail_reading(found, shape, error)
        self._check_widened(shape, target, found)
        shape = self._without_values(shape, target, rows)
        if self._then is None:
            self._tell_doubts(found, shape)
        return Scanned(schema, rows, shape, tuple(self.notes))

    # -- each file ---------------------------------------------------------------------------------------
    def _files(self, files: Sequence[tuple[str, str]]) -> list[TextFile]:
        return [TextFile(path, shown, self._sniff(path, shown)) for path, shown in files]

    def _sniff(self, path: str, shown: str) -> Shape:
        import duckdb

        try:
            if not self._csv:
                return json_files.sniff(self._connection, path, self._options)
            shape = csv_files.sniff(self._connection, path, self._options, self._then)
        except Misplaced as found:
            raise self._misplaced(shown, found, self._then) from found
        except duckdb.Error as error:
            told = str(error).split("\n\nLINE")[0].strip()
            raise self._misfit([f"{shown} can't be read: {told}"]) from error
        if self._then is not None:
            self._check_apart(path, shown, shape)
        return shape

    def _check_apart(self, path: str, shown: str, now: Shape) -> None:
        """Raise SourceMisfit when the text of a file is taken apart in another way than before."""
        then = self._then
        assert then is not None
        kept = {column.name: column for column in then.columns}
        if not any(name in kept for name in (c.name for c in now.columns)) and then.header:
            other = csv_files.sniff(self._connection, path, self._options, None)
            if len(matched(then.columns, other.columns, by_name=True)) == len(then.columns):
                what = f"{self._key} had the delimiter {then.delimiter!r}, now {other.delimiter!r}: {shown}"
                if other.delimiter == then.delimiter:
                    what = f"{self._key} had {then.skip} lines before its header, now {other.skip}: {shown}"
                raise self._misfit([what])
        was = {column.name: column.type for column in then.columns}
        for column in now.columns:
            before, after = was.get(column.name), column.type
            if before in _TEMPORAL and after in _TEMPORAL:
                one, new = _written(then, before), _written(now, after)
                if one != new and not (before != after and _begins_alike(one, new)):
                    raise self._misfit(
                        [f"{self._key}.{column.name} had {_format(one)}, now {_format(new)}: {shown}"]
                    )

    # -- all files together ------------------------------------------------------------------------------
    @property
    def _united(self) -> bool:
        return self._options.flag("union_by_name") or not self._csv

    def _merged(self, files: Sequence[TextFile]) -> Shape:
        """The shape of the source with what *files* add to it. Raises SourceMisfit with all that does not fit."""
        first = files[0].shape
        then = self._then.columns if self._then is not None else first.columns
        by_name = first.header is not False
        columns, added, problems = then, dict[str, str](), list[str]()
        widened: dict[str, tuple[str, str]] = {}
        lacking: set[str] | None = None
        for file in files:
            merged = merge(
                columns, self._settled(file, columns, by_name=by_name), file.shown, by_name=by_name
            )
            problems += self._differences(file, merged, files)
            problems += [self._retyped(file, one) for one in merged.retyped]
            columns = merged.columns
            added.update(dict.fromkeys(merged.added, file.shown))
            for name, before, after in merged.widened:
                widened[name] = (widened.get(name, (before, ""))[0], after)
            lacking = {*merged.missing} if lacking is None else lacking & {*merged.missing}
        if self._then is not None:
            where = f"in {files[0].shown}" if len(files) == 1 else f"in any of {len(files)} files"
            if not problems or self._united:
                problems += [
                    f"{self._key} had a column {name} ({_type_of(then, name)}), which is not {where}"
                    for name in sorted(lacking or ())
                ]
        if problems:
            raise self._misfit(problems)
        if self._then is not None:
            self.notes += [
                f"{self._key} has a new column {name} ({_type_of(columns, name)}), first in {file}"
                for name, file in added.items()
            ]
            self.notes += [
                f"{self._key}.{name} was {before}, now {after}"
                for name, (before, after) in widened.items()
                if before != NOTHING
            ]
        elif self._declared_anew:
            self.notes.append(f"the shape of {self._key} is taken anew, as it is declared otherwise")
        base = self._then or first
        formats = {
            "date_format": base.date_format or _first(file.shape.date_format for file in files),
            "timestamp_format": base.timestamp_format
            or _first(file.shape.timestamp_format for file in files),
        }
        return msgspec.structs.replace(base, read=self._read, columns=columns, **formats)

    def _settled(self, file: TextFile, then: tuple[Column, ...], *, by_name: bool) -> tuple[Column, ...]:
        """The columns of *file*; one without values, which the reader takes for text, as that."""
        known = matched(file.shape.columns, then, by_name=by_name)
        found = []
        for column in file.shape.columns:
            before = known.get(column.name)
            if (
                self._csv
                and column.type == "VARCHAR"
                and before is not None
                and before.type not in ("VARCHAR", NOTHING)
                and csv_files.holds_nothing(
                    self._connection, file.path, self._options, file.shape, column.name
                )
            ):
                column = Column(column.name, NOTHING)
            elif (
                self._csv
                and column.type == "VARCHAR"
                and before is not None
                and before.type in _TEMPORAL
                and _written(file.shape, before.type) is None
                and csv_files.holds_timestamps(
                    self._connection, file.path, self._options, file.shape, column.name
                )
            ):
                column = Column(column.name, "TIMESTAMP")
            found.append(column)
        return tuple(found)

    def _differences(self, file: TextFile, merged: Merged, files: Sequence[TextFile]) -> Iterator[str]:
        """What is wrong with the names of a file's columns, where all files have to have the same."""
        if self._united or len(files) == 1:
            return
        hint = "say union_by_name=True to take the columns of all files"
        if merged.added:
            # The first file is what the others are compared with, unless it was known before.
            yield f"{file.shown} has a column {merged.added[0]}, which {files[0].shown} has not; {hint}"
        if merged.missing:
            yield f"{file.shown} has no column {merged.missing[0]}; {hint}"

    def _retyped(self, file: TextFile, one: Retyped) -> str:
        import duckdb

        found: Misplaced | None = None
        try:
            if not self._csv:
                found = json_files.first_other(
                    self._connection, file.path, self._options, one.column, one.then
                )
            else:
                layout = tuple(
                    Column(c.name, one.then if c.name.casefold() == one.column.casefold() else "VARCHAR")
                    for c in file.shape.columns
                )
                fixed = csv_files.dialect_of(file.shape)
                found = csv_files.first_reject(
                    self._connection, file.path, self._options, fixed, None, layout
                ) or csv_files.first_odd(
                    self._connection, file.path, self._options, file.shape, one.column, one.then
                )
        except duckdb.Error:
            found = None  # the file is named, without the line
        where = f": {_value(found)}{file.shown}:{found.line}" if found is not None else f" in {file.shown}"
        return f"{self._key}.{one.column} was {one.then}, now {one.now}{where}"

    # -- what was read ----------------------------------------------------------------------------------
    def _check_widened(self, shape: Shape, target: Path, files: Sequence[TextFile]) -> None:
        """Raise SourceMisfit when a column of whole numbers can't become one of DOUBLE without loss."""
        from upriver.materializer.engines.types import stored_scan

        if self._then is None:
            return
        before = {column.name: column.type for column in self._then.columns}
        for column in shape.columns:
            was = before.get(column.name, column.type)
            if column.type != "DOUBLE" or was in (column.type, NOTHING, "FLOAT"):
                continue
            row = self._connection.execute(
                f"select max(abs({quote(column.name)})) from {stored_scan((str(target),))}"
            ).fetchone()
            if row is not None and row[0] is not None and row[0] >= _EXACT:
                raise self._misfit(
                    [
                        f"{self._key}.{column.name} was {was}, now DOUBLE, which does not keep its numbers from "
                        f"{_EXACT:,} on: {', '.join(file.shown for file in files[:3])}"
                    ]
                )

    def _without_values(self, shape: Shape, target: Path, rows: int) -> Shape:
        """*shape*, with the columns of text in which there was no value yet as such."""
        from upriver.materializer.engines.types import stored_scan

        declared = self._options.given.keys() & {"types", "columns", "all_varchar"}
        before = {column.name: column.type for column in self._then.columns} if self._then else {}
        asked = [
            column.name
            for column in shape.columns
            if column.type in ("VARCHAR", NOTHING) and before.get(column.name, NOTHING) == NOTHING
        ]
        if declared or not asked or not self._csv:
            return shape
        counted = ", ".join(f"count({quote(name)})" for name in asked)
        row = self._connection.execute(f"select {counted} from {stored_scan((str(target),))}").fetchone()
        assert row is not None, "an aggregate has one row"
        types = {name: "VARCHAR" if count else NOTHING for name, count in zip(asked, row, strict=True)}
        columns = tuple(Column(one.name, types.get(one.name, one.type)) for one in shape.columns)
        return msgspec.structs.replace(shape, columns=columns)

    def _tell_doubts(self, files: Sequence[TextFile], shape: Shape) -> None:
        if self._csv:
            first = files[0]
            self.notes += csv_files.doubts(
                self._connection,
                first.path,
                first.shown,
                self._options,
                msgspec.structs.replace(shape, columns=first.shape.columns),
            )

    # -- what does not fit -------------------------------------------------------------------------------
    def _fail_reading(self, files: Sequence[TextFile], shape: Shape, error: Exception) -> None:
        """Raise SourceMisfit for what the reader could not read after all."""
        types = {column.name.casefold(): column.type for column in shape.columns}
        for file in files if self._csv else ():
            layout = tuple(Column(c.name, types.get(c.name.casefold(), c.type)) for c in file.shape.columns)
            fixed = csv_files.dialect_of(file.shape)
            found = csv_files.first_reject(self._connection, file.path, self._options, fixed, None, layout)
            if found is not None:
                raise self._misplaced(file.shown, found, shape) from error
        told = str(error).split("\n\nLINE")[0].strip()
        told = told.replace(str(Path(files[0].path).parent) + "/", "")
        raise self._misfit([f"{self._key} can't be read: {told}"]) from error

    def _misplaced(self, shown: str, found: Misplaced, shape: Shape | None) -> SourceMisfit:
        where = f"{shown}:{found.line}"
        if found.column is not None and shape is not None:
            type = _type_of(shape.columns, found.column)
            what = f"{self._key}.{found.column} is {type}, and can't hold {_value(found)}{where}"
            return self._misfit([what])
        return self._misfit([f"{where}: {found}: {found.value!r}"])

    def _misfit(self, problems: Sequence[str]) -> SourceMisfit:
        hint = (
            f"put the file right, or take it as it is now: upriver accept {self._key}"
            if self._then is not None
            else "put the file right, or say in the source's options how it is to be read"
        )
        return SourceMisfit(
            tuple(
                Diagnosis("source-shape", problem, self._place, hint=hint, key=self._key)
                for problem in dict.fromkeys(problems)
            )
        )


def _value(found: Misplaced) -> str:
    return "" if found.value is None else f"{found.value!r} at "


def _type_of(columns: Sequence[Column], name: str) -> str:
    return next((c.type for c in columns if c.name == name), "VARCHAR").replace(NOTHING, "no value yet")


def _format(format: str | None) -> str:
    return f"dates as {format or 'year-month-day'}"


def _written(shape: Shape, type: str) -> str | None:
    """The format of dates or timestamps, None for the standard one."""
    return shape.date_format if type == "DATE" else shape.timestamp_format


def _begins_alike(one: str | None, other: str | None) -> bool:
    """Whether a date and a timestamp spell the day alike."""
    if one is None or other is None:
        return one == other
    return one.startswith(other) or other.startswith(one)


def _first(values: Iterator[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)
