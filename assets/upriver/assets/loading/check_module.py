"""Check modules: a query under ``checks/`` whose rows offend against what an asset promises."""

from __future__ import annotations

from pathlib import PurePosixPath

from upriver.assets.declare.options import DIALECTS
from upriver.assets.declare.rules import Terms, read_terms
from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.loading.declared_check import DeclaredCheck
from upriver.assets.loading.sql_header import (
    HeaderError,
    deep,
    find_header,
    place_in,
    read_fields,
    with_excerpt,
)
from upriver.assets.loading.sql_module import no_query, query_body
from upriver.assets.model import Check, Offenders, Place, key_problem

_KNOWN = ("of", "severity", "at_most", "name", "dialect", "description")
_HINT = "begin it with /* upriver: and below it `of: KEY`, then */"


def parse_check_module(path: str, text: str) -> DeclaredCheck | tuple[Diagnosis, ...]:
    """The check that the module *text* at *path* declares, or everything that is wrong with it."""
    text = text.removeprefix("\ufeff")
    try:
        header = find_header(path, text)
    except HeaderError as error:
        return (error.diagnosis,)
    if header is None:
        return (Diagnosis("bad-check", "it does not say which asset it is of", Place(path), hint=_HINT),)
    fields = read_fields(path, text, header, None)
    problems = list(fields.problems)
    given = {name: deep(node) for name, node in fields.values.items()}

    def place(name: str) -> Place:
        return place_in(path, text, header, fields.values[name].start_mark)

    for name in given:
        if name not in _KNOWN:
            hint = did_you_mean(name, _KNOWN) or f"possible are {', '.join(_KNOWN)}"
            at = place_in(path, text, header, fields.names[name])
            problems.append(Diagnosis("unknown-option", f"there is no option {name!r}", at, hint=hint))
    of = given.get("of")
    key = of.strip() if isinstance(of, str) and not key_problem(of.strip()) else None
    if key is None:
        at = place("of") if "of" in given else Place(path)
        said = f"{of!r} is no key" if "of" in given else "it does not say which asset it is of"
        problems.append(Diagnosis("bad-check", said, at, hint=_HINT))
    terms = Terms()
    try:
        terms = read_terms(given)
    except ValueError as error:
        name = str(error).partition(":")[0]
        at = place(name) if name in given else Place(path)
        problems.append(Diagnosis("bad-check", str(error), at, key=key))
    dialect = str(given.get("dialect") or "duckdb").lower()
    if dialect not in DIALECTS:
        hint = did_you_mean(dialect, DIALECTS) or f"possible are {', '.join(sorted(DIALECTS))}"
        problems.append(
            Diagnosis("bad-value", f"dialect: {dialect!r} is not known", place("dialect"), hint=hint, key=key)
        )
    body, line = query_body(text, header.body)
    if no_query(body):
        problems.append(Diagnosis("empty-sql", "there is no query in this file", Place(path, line), key=key))
    if problems or key is None:
        return tuple(with_excerpt(one, text) for one in problems)
    rule = Offenders(body, line, dialect)
    name = terms.name or PurePosixPath(path).stem
    check = Check(name, rule, Place(path, line), terms.severity, terms.most, terms.share)
    return DeclaredCheck(key, check, place("of"))
