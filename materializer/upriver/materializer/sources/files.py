"""The connector of files: CSV, NDJSON, Parquet, Arrow, and files that are handed over as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from glob import escape, has_magic
from pathlib import Path

from upriver.assets.errors import UpriverError, did_you_mean
from upriver.assets.model import Column, FileLocation, Key, Schema
from upriver.lineage.sql.names import literal
from upriver.materializer.engines.types import escaped
from upriver.materializer.model import FileStamp
from upriver.materializer.ports.connector import Scanned, Shape, SourceMissing
from upriver.materializer.sources.options import shaped
from upriver.materializer.sources.reach import Reach
from upriver.materializer.sources.reading import SourceReader, copy_relation, told_of
from upriver.materializer.sources.stamps import digest_of_bytes, expand, stamps_of


class FileConnector:
    """Files of one source below *root*. See :class:`upriver.materializer.ports.Connector`."""

    def __init__(
        self, root: Path, key: Key, location: FileLocation, reader: SourceReader, reach: Reach
    ) -> None:
        self._root = root
        self._key = key
        self._place = reach.place
        self._location = location
        self._reader = reader
        self._reach = reach

    @property
    def in_place(self) -> bool:
        """Parquet is, but where folders give columns; text and Arrow are copied, and so keep one moment."""
        location = self._location
        return location.format == "parquet" and location.scan is None and not _hive(location)

    @property
    def has_columns(self) -> bool:
        """A reader such as ``read_text`` makes a table even of files without columns."""
        return self._location.format != "file" or self._location.scan is not None

    @property
    def shaped(self) -> bool:
        """CSV and JSON are, where a reader finds out what is in them."""
        return shaped(self._location)

    def describe(self) -> str:
        """Patterns, and how they are read."""
        return f"{', '.join(self._location.patterns)} as {self._location.scan or self._location.format}"

    def missing(self) -> str:
        """No file matches; where it was declared, and what was probably meant."""
        place = f" (declared at {self._place})" if self._place is not None else ""
        why = "".join(f"; {hint}" for pattern in self._location.patterns if (hint := self._meant(pattern)))
        return f"source {self._key}{place}: no file matches {', '.join(self._location.patterns)}{why}"

    def _meant(self, pattern: str) -> str | None:
        path = self._root / pattern
        if path.is_dir():
            ending = f"*{path.suffix}" if path.suffix else "*"
            return f"{pattern} is a folder: its files are {pattern}/{ending}"
        if has_magic(pattern) and path.is_file():
            return f"[ ], * and ? stand for other characters: the file of this name is {escape(pattern)!r}"
        if not has_magic(pattern) and path.parent.is_dir():
            return did_you_mean(path.name, (one.name for one in path.parent.iterdir()))
        return None

    def observe(self) -> tuple[FileStamp, ...]:
        """The stamps of the files, sorted by path. Raises UpriverError for one that may not be read."""
        paths = expand(self._root, self._location.patterns)
        self._reach.check(self._root, paths)
        return stamps_of(self._root, paths)

    def name_content(self, observed: tuple[FileStamp, ...]) -> str:
        """By the bytes of all files."""
        return digest_of_bytes(self._root, observed)

    def schema(self, shape: Shape | None) -> Schema:
        """By all rows of text, or by the footer of the files."""
        observed = self.observe()
        files = self._files(observed)
        if not files:
            raise SourceMissing(self.missing())
        if not self.has_columns:
            return ()
        with told_of(self._key, self.describe()):
            if self._location.format == "excel":
                from upriver.materializer.sources.spreadsheets import sheet_table

                with self._reader.cursor() as cursor:
                    cursor.register("sheet", sheet_table(files, self._location).slice(0, 0))
                    described = cursor.execute("describe select * from sheet").fetchall()
                    return tuple(Column(str(row[0]), str(row[1])) for row in described)
            if self._location.format == "arrow":
                from upriver.materializer.sources.arrow import arrow_schema

                return arrow_schema(files[0])
            if self.shaped:
                from upriver.materializer.sources.text import TextReader

                with self._reader.cursor() as cursor:
                    text = TextReader(cursor, self._key, self._place, self._location, shape)
                    return text.schema(self._shown(observed))
            return self._reader.describe(scan_expression(self._location, files))

    def measure(self, observed: tuple[FileStamp, ...]) -> tuple[Schema, int]:
        """By the footers."""
        with told_of(self._key, self.describe()):
            return self._reader.describe_parquet(self._files(observed))

    def scan(self, observed: tuple[FileStamp, ...], target: Path, shape: Shape | None) -> Scanned:
        """All rows of all files, in order."""
        files = self._files(observed)
        with told_of(self._key, self.describe()), self._reader.cursor() as cursor:
            if self.shaped:
                from upriver.materializer.sources.text import TextReader

                text = TextReader(cursor, self._key, self._place, self._location, shape)
                return text.copy(self._shown(observed), target)
            if self._location.format == "excel":
                from upriver.materializer.sources.spreadsheets import sheet_table

                cursor.register("sheet", sheet_table(files, self._location))
                return Scanned(*copy_relation(cursor, "sheet", target))
            if self._location.format != "arrow":
                return Scanned(*copy_relation(cursor, scan_expression(self._location, files), target))
            from upriver.materializer.sources.arrow import arrow_table, copy_with_types, told_by_types

            table = arrow_table(files)
            if not told_by_types(table):
                copy_with_types(table, target)
                return Scanned(*self._reader.describe_parquet((str(target),)))
            cursor.register("arrow_source", table)
            return Scanned(*copy_relation(cursor, "arrow_source", target))

    def folders(self) -> Iterator[Path]:
        """Above the first pattern character of each pattern."""
        for pattern in self._location.patterns:
            fixed = Path(pattern)
            while any(char in str(fixed) for char in "*?["):
                fixed = fixed.parent
            place = self._root / fixed
            yield place if place.is_dir() else place.parent

    def linked(self) -> Iterator[Path]:
        """Where links lead, as far as this source reaches; what it may not read is told when it is observed."""
        paths = expand(self._root, self._location.patterns)
        with suppress(UpriverError):
            for path, real in self._reach.real_paths(self._root, paths):
                if real != path:
                    yield Path(real)

    def _shown(self, observed: tuple[FileStamp, ...]) -> list[tuple[str, str]]:
        return [(str(self._root / stamp.path), stamp.path) for stamp in observed]

    def _files(self, observed: tuple[FileStamp, ...]) -> tuple[str, ...]:
        return tuple(str(self._root / stamp.path) for stamp in observed)


def scan_expression(location: FileLocation, files: tuple[str, ...]) -> str:
    """The DuckDB table expression that reads *files* that have their types themselves, or all one type."""
    listed = f"[{', '.join(literal(escaped(file)) for file in files)}]"
    if location.scan is not None:
        return location.scan.replace("{files}", listed)
    match location.format:
        case "parquet":
            return f"read_parquet({listed}, hive_partitioning = {str(_hive(location)).lower()})"
        case other:
            raise UpriverError(f"sources of format {other!r} can't be read as a table")


def _hive(location: FileLocation) -> bool:
    """Whether folders such as ``year=2024`` give the table columns."""
    return any("=" in part for pattern in location.patterns for part in pattern.split("/")[:-1])
