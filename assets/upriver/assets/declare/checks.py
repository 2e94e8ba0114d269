"""Declarations of quality: checks and contracts, read alike from YAML headers and from decorators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from upriver.assets.declare.rules import (
    KINDS,
    OF_COLUMNS,
    SHAPES,
    TERMS,
    Path,
    Terms,
    WrongError,
    default_name,
    known_only,
    read_terms,
    rule_of_column,
    rules_of,
    within,
)
from upriver.assets.errors import Diagnosis
from upriver.assets.model import Check, ContractColumn, Key, Place, Quality, Rule


def read_quality(
    given: Mapping[str, object], place: Callable[[Path], Place], key: Key | None = None
) -> tuple[Quality, list[Diagnosis]]:
    """The quality that ``columns``, ``checks`` and ``contract`` of *given* declare, and what is wrong with them.

    *place* tells where a value was written.
    """
    reader = _Reader(place, key)
    reader.columns(given.get("columns"))
    reader.checks(given.get("checks"))
    closed = reader.contract(given.get("contract"))
    return Quality(tuple(reader.found), tuple(reader.promised), closed), reader.problems


class _Reader:
    def __init__(self, place: Callable[[Path], Place], key: Key | None) -> None:
        self._place = place
        self._key = key
        self.found: list[Check] = []
        self.promised: list[ContractColumn] = []
        self.problems: list[Diagnosis] = []

    def contract(self, given: object) -> bool:
        if given is None:
            return False
        if given not in ("open", "closed"):
            self._wrong(("contract",), f"contract: open or closed is expected, not {given!r}")
        elif given == "closed" and not self.promised:
            self._wrong(
                ("contract",), "contract: a closed contract needs its columns", "list them in `columns:`"
            )
        return given == "closed"

    def columns(self, given: object) -> None:
        if given is None:
            return
        if not isinstance(given, Mapping):
            self._wrong(("columns",), f"columns: options by column are expected, not {given!r}")
            return
        for name, said in given.items():
            path: Path = ("columns", name)
            self._trying(path, partial(self._column, name, said, path))

    def _column(self, name: object, given: object, path: Path) -> None:
        if not isinstance(name, str) or not name or "\0" in name:
            raise WrongError(f"{name!r} is no name of a column")
        said = {} if given is None else {"type": given} if isinstance(given, str) else given
        if not isinstance(said, Mapping):
            raise WrongError(f"its options are expected, such as {{type: BIGINT}}, not {given!r}")
        known_only(said, OF_COLUMNS)
        terms = read_terms(said)
        type, description = said.get("type"), said.get("description", "")
        if type is not None and (not isinstance(type, str) or not type.strip()):
            raise WrongError(f"a DuckDB type is expected, such as BIGINT, not {type!r}", ("type",))
        self.promised.append(
            ContractColumn(name, self._place(path), type.strip() if type else None, str(description).strip())
        )
        for kind in KINDS:
            if (value := said.get(kind)) is None or (
                rule := within(kind, partial(rule_of_column, kind, name, value))
            ) is None:
                continue
            self._add(rule, terms, (*path, kind))

    def checks(self, given: object) -> None:
        if given is None:
            return
        if not isinstance(given, (list, tuple)):
            self._wrong(("checks",), f"checks: a list is expected, such as [{{unique: id}}], not {given!r}")
            return
        for index, said in enumerate(given):
            path: Path = ("checks", index)
            self._trying(path, partial(self._check, said, path))

    def _check(self, said: object, path: Path) -> None:
        if isinstance(said, str) and said in KINDS:
            raise WrongError(f"{said} needs what it is about", hint=SHAPES[said])
        if not isinstance(said, Mapping):
            raise WrongError(f"a kind of check is expected, such as {{unique: id}}, not {said!r}")
        kinds = [name for name in said if name in KINDS]
        if not kinds:
            known_only(said, (*KINDS, *TERMS))
        if len(kinds) != 1:
            raise WrongError(
                f"one kind of check is expected in each item, not {len(kinds)}: {', '.join(kinds)}"
            )
        kind = kinds[0]
        known_only(said, (kind, *TERMS))
        value = said[kind]
        inner = {name: value[name] for name in TERMS if name in value} if isinstance(value, Mapping) else {}
        terms = read_terms({**said, **inner})
        for rule in within(kind, partial(rules_of, kind, value)) or ():
            self._add(rule, terms, path)

    def _add(self, rule: Rule, terms: Terms, path: Path) -> None:
        name = terms.name or default_name(rule)
        taken = {check.name for check in self.found}
        if any(check.rule == rule for check in self.found):
            raise WrongError(f"the check {name} is given twice")
        if name in taken and terms.name is not None:
            raise WrongError(f"two checks are called {name!r}", ("name",))
        number = 2
        while name in taken:
            name, number = f"{default_name(rule)} {number}", number + 1
        self.found.append(Check(name, rule, self._place(path), terms.severity, terms.most, terms.share))

    def _trying(self, path: Path, read: Callable[[], None]) -> None:
        try:
            read()
        except WrongError as error:
            self._wrong((*path, *error.path), f"{_spelled(path)}: {error}", error.hint)
        except ValueError as error:
            self._wrong(path, f"{_spelled(path)}: {error}")

    def _wrong(self, path: Path, message: str, hint: str | None = None) -> None:
        self.problems.append(Diagnosis("bad-check", message, self._place(path), hint=hint, key=self._key))


def _spelled(path: Path) -> str:
    return f"checks[{path[1]}]" if path[0] == "checks" and len(path) > 1 else ".".join(map(str, path))
