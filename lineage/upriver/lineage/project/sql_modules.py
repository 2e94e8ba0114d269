"""Loader of a project's SQL modules: what they declare and read. Only changed files are read again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Asset, Key, Place, SqlRecipe
from upriver.assets.project.files import ProjectFile, ProjectFiles
from upriver.lineage.project.manifest import Manifest, Mention, SqlModule, trusted

if TYPE_CHECKING:
    from upriver.lineage.sql.parse.query import Query


def sql_modules(
    root: Path, files: ProjectFiles, before: Manifest | None, queries: dict[Key, Query]
) -> tuple[dict[str, SqlModule], bool]:
    """The SQL modules by path, and whether any of them is not what it was *before*.

    Only files that changed are read. The queries that were parsed are added to *queries*.
    """
    known = before.sql if before is not None else {}
    found: dict[str, SqlModule] = {}
    texts: list[tuple[ProjectFile, str, str]] = []
    problems: dict[str, Diagnosis] = {}
    changed = before is None or len(known) != len(files.sql)
    for file in files.sql:
        module = known.get(file.path)
        if (
            module is not None
            and before is not None
            and module.file == file
            and trusted(file, before.written)
        ):
            found[file.path] = module
            continue
        changed = True
        data = _read(root, file.path, problems)
        digest = hashlib.sha256(data).hexdigest()
        if module is not None and module.digest == digest:
            found[file.path] = msgspec.structs.replace(module, file=file)
            continue
        try:
            texts.append((file, digest, data.decode("utf-8")))
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            message = f"this file is not UTF-8 text: byte {data[error.start]:#04x} in this line"
            problems[file.path] = Diagnosis("not-utf-8", message, Place(file.path, line))
        if file.path in problems:
            found[file.path] = SqlModule(file, "", None, diagnoses=(problems[file.path],))
    if texts:
        for module in _read_sql(texts, queries):
            found.setdefault(module.file.path, module)
    return found, changed


def _read(root: Path, path: str, problems: dict[str, Diagnosis]) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError as error:
        problems[path] = Diagnosis("unreadable", f"this file can't be read: {error.strerror}", Place(path))
        return b""


def _read_sql(texts: list[tuple[ProjectFile, str, str]], queries: dict[Key, Query]) -> Iterable[SqlModule]:
    from upriver.assets.loading.sql_module import parse_sql_module
    from upriver.lineage.project.external_reads import file_problem, function_problem
    from upriver.lineage.sql.parse.parse import Text, parse_queries
    from upriver.lineage.sql.parse.variables import variable_reads

    declared: list[tuple[ProjectFile, str, Asset, SqlRecipe]] = []
    for file, digest, text in texts:
        asset = parse_sql_module(file.path, text)
        if isinstance(asset, Asset):
            assert isinstance(asset.recipe, SqlRecipe)
            declared.append((file, digest, asset, asset.recipe))
        else:
            yield SqlModule(file, digest, None, diagnoses=asset)
    parsed = parse_queries([Text(r.text, r.dialect, file.path, r.line) for file, _, _, r in declared])
    for (file, digest, asset, _), query in zip(declared, parsed, strict=True):
        if isinstance(query, Diagnosis):
            problem = msgspec.structs.replace(query, key=asset.key)
            yield SqlModule(file, digest, asset, diagnoses=(problem,))
            continue
        queries[asset.key] = query
        if read := sorted(name for name in variable_reads(query.executable) if name is not None):
            asset = msgspec.structs.replace(asset, variables=tuple(dict.fromkeys([*asset.variables, *read])))
        problems = [function_problem(asset.key, query, name) for name in query.unfollowed]
        problems += filter(None, (file_problem(asset.key, read) for read in query.files))
        mentions = tuple(Mention(reference.key, reference.place) for reference in query.references)
        yield SqlModule(
            file, digest, asset, query.fingerprint, mentions, query.files, diagnoses=tuple(problems)
        )
