"""Diagnoses of reads that can't be followed: files without a format, databases, functions of extensions."""

from __future__ import annotations

import posixpath
from itertools import pairwise
from pathlib import PurePath

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key
from upriver.lineage.sql.names import literal
from upriver.lineage.sql.parse.parse import located
from upriver.lineage.sql.parse.query import FileRead, Query
from upriver.lineage.sql.text.tokens import tokens

_SHEETS = frozenset({".xlsx", ".xls", ".xlsm", ".ods"})
_ARCHIVES = frozenset({".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz"})
_SERVERS = ("postgres_", "mysql_", "mssql_", "odbc_", "bigquery_", "snowflake_")
_BASES = ("sqlite_scan", "sqlite_query", "sqlite_attach")
_LAKES = ("iceberg_", "delta_", "ducklake_")


def function_problem(key: Key, query: Query, function: str) -> Diagnosis:
    """The diagnosis for a call of *function*, a table function whose data can't be followed."""
    every = list(tokens(query.executable))
    called = (
        one.start for one, after in pairwise(every) if one.name.lower() == function and after.text == "("
    )
    message = f"{key} calls {function}(), whose data Upriver can't follow"
    found = located(
        "reads-outside", message, query, query.executable, next(called, None), _way_in(function, query)
    )
    return Diagnosis(found.code, found.message, found.place, found.facts, found.hint, found.excerpt, key=key)


def _way_in(function: str, query: Query) -> str:
    if function.startswith(_SERVERS):
        return "fetch it in a Python asset with network=True, and read that asset here"
    if function in _BASES:
        return 'declare it in a Python module, source("raw.orders", "shop.sqlite", table="orders"), and read raw.orders'
    if function.startswith(_LAKES):
        return "read its Parquet files, or fetch it in a Python asset, and read that asset here"
    if function in ("read_xlsx", "st_read"):
        return _AS_ASSET
    if function == "glob":
        return "name the files in a source, whose list of files is then followed"
    return "compute it in a Python asset, and read that asset here"


_AS_ASSET = (
    "save it as CSV, or declare it as a source and read its path in a Python asset, and read that asset here"
)


def file_problem(key: Key, read: FileRead) -> Diagnosis | None:
    """Why a file can't be read in a query, None when it can."""
    first = read.patterns[0]
    ending = PurePath(first.lower()).suffix
    if read.remote:
        message = f"{key} reads {read.call}, which is not on this machine"
        hint = "fetch it in a Python asset, and read that"
    elif any(".upriver" in _plain(pattern).casefold().split("/") for pattern in read.patterns):
        message = f"{key} reads {read.call}: the files in .upriver come and go with every build"
        hint = "read the asset, by its name"
    elif elsewhere := [
        one
        for one in read.patterns
        if _plain(one).startswith(("/", "~")) or _plain(one).split("/")[0] == ".."
    ]:
        message = f"{key} reads {read.call}, which lies outside of the project"
        hint = f"declare it in a Python module, source('raw.name', {elsewhere[0]!r}), and read raw.name"
    elif ending in _SHEETS and read.format in ("file", "csv"):
        message = f"{key} reads {read.call}, a spreadsheet, which a query can't read"
        hint = _AS_ASSET
    elif ending in _ARCHIVES and read.format in ("file", "csv", "ndjson"):
        message = f"{key} reads {read.call}, an archive, which a query can't read"
        hint = "unpack it; files that end in .gz or .zst are read as they are"
    elif read.format == "file" and read.scan is None:
        message = f"{key} reads {read.call} as a file, and its ending tells of no format"
        hint = f"a file needs its reader: read_csv({literal(first)}), or read_text({literal(first)}) as it is"
        if "/" not in first and ending not in (".txt", ".dat", ".log"):
            hint = f"an asset is named without quotes: {first}; a file needs its reader: read_csv({literal(first)})"
    else:
        return None
    return Diagnosis("reads-outside", message, read.place, hint=hint, key=key)


def _plain(pattern: str) -> str:
    """A pattern without detours, such as ``data/../..``."""
    return posixpath.normpath(pattern)
