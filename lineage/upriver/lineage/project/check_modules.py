"""Loader of a project's check modules: the queries below ``checks/``. Only changed files are read again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Offenders, Place
from upriver.assets.project.files import ProjectFile, ProjectFiles
from upriver.lineage.project.manifest import CheckModule, Manifest, trusted


def check_modules(
    root: Path, files: ProjectFiles, before: Manifest | None
) -> tuple[dict[str, CheckModule], bool]:
    """The check modules by path, and whether any of them is not what it was *before*."""
    known = before.checks if before is not None else {}
    found: dict[str, CheckModule] = {}
    changed = before is not None and len(known) != len(files.checks)
    for file in files.checks:
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
        found[file.path] = _read(root, file, module)
    return found, changed


def _read(root: Path, file: ProjectFile, before: CheckModule | None) -> CheckModule:
    try:
        data = (root / file.path).read_bytes()
    except OSError as error:
        return _wrong(file, "", "unreadable", f"this file can't be read: {error.strerror}")
    digest = hashlib.sha256(data).hexdigest()
    if before is not None and before.digest == digest:
        return msgspec.structs.replace(before, file=file)
    try:
        return _parsed(file, digest, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        message = f"this file is not UTF-8 text: byte {data[error.start]:#04x} in this line"
        return _wrong(file, digest, "not-utf-8", message, data[: error.start].count(b"\n") + 1)


def _parsed(file: ProjectFile, digest: str, text: str) -> CheckModule:
    # Most projects have no such file: they don't pay for what reads them.
    from upriver.assets.loading.check_module import parse_check_module
    from upriver.assets.loading.declared_check import DeclaredCheck
    from upriver.lineage.sql.parse.parse import parse_query

    declared = parse_check_module(file.path, text)
    if not isinstance(declared, DeclaredCheck):
        of = next((one.key for one in declared if one.key), None)
        return CheckModule(file, digest, of, diagnoses=declared)
    rule = declared.check.rule
    assert isinstance(rule, Offenders)
    query = parse_query(rule.text, rule.dialect, file.path, rule.line)
    if isinstance(query, Diagnosis):
        problem = msgspec.structs.replace(query, key=declared.of)
        return CheckModule(file, digest, declared.of, at=declared.at, diagnoses=(problem,))
    unfollowed = [(read.place, read.call) for read in query.files]
    unfollowed += [(declared.check.place, f"{name}()") for name in query.unfollowed]
    problems = tuple(
        Diagnosis(
            "reads-outside",
            f"the check {declared.check.name} reads {call}: a check reads assets and sources",
            place,
            hint="declare a source over the same data, and read that by its key",
            key=declared.of,
        )
        for place, call in unfollowed
    )
    rule = msgspec.structs.replace(rule, reads=query.keys(), fingerprint=query.fingerprint)
    check = msgspec.structs.replace(declared.check, rule=rule)
    return CheckModule(file, digest, declared.of, check, declared.at, problems)


def _wrong(file: ProjectFile, digest: str, code: str, message: str, line: int = 1) -> CheckModule:
    return CheckModule(file, digest, diagnoses=(Diagnosis(code, message, Place(file.path, line)),))
