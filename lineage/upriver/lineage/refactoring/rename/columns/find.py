"""All places of a project that a column's name has to be written otherwise in, and how far the new name goes.

From the asset that makes the column downstream: each reader keeps what its own columns are called, unless it passes
the column on as it comes (``select *``); then its readers follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from upriver.assets.errors import Diagnosis, UsageError, did_you_mean
from upriver.assets.model import Asset, Key, Offenders, Place, Relationship, Schema, SqlRecipe, Value
from upriver.lineage.project.project import Project
from upriver.lineage.refactoring.rename.columns.sql import QueryColumns, with_column
from upriver.lineage.refactoring.rename.files import change, mentions, read
from upriver.lineage.refactoring.rename.python import Module
from upriver.lineage.refactoring.rename.quality import Naming, edits_of, in_decorator, in_header
from upriver.lineage.refactoring.rename.sql import body_offset
from upriver.lineage.refactoring.rename.values import ByHand, ColumnRenaming, Edit, FileChange, edited
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

Schemas: TypeAlias = Callable[[Key], Schema | None]


class Adapted(Value, frozen=True):
    """*edits* of the bytes of one module, and whether the asset's own column is called by the new name then. *because*
    is why its code goes on calling the column as before, empty where it does not.
    """

    path: str
    edits: tuple[Edit, ...] = ()
    passes: bool = False
    because: str = ""


class AdaptsPython(Protocol):
    """Rewrites Python recipes."""

    def adapted(
        self, asset: Asset, schemas: Mapping[Key, Schema], renamed: frozenset[Key], old: str, new: str
    ) -> Adapted | ByHand:
        """What has to be written in the module of *asset* when column *old* is called *new* in the upstreams *renamed*
        or, where there are none, in its own output. *schemas* are those of its upstreams, before.
        """
        ...


def column_renaming(
    project: Project,
    key: Key,
    column: str,
    new: str,
    schema_of: Schemas,
    binder: Binder,
    python: AdaptsPython,
    *,
    leave: bool = False,
) -> ColumnRenaming:
    """What calling *column* of *key* *new* changes. Nothing is written.

    Raises UsageError when it can't be called that, or when a place can only be changed by hand (unless these may be
    left: *leave*); DeclarationError for a project that can't be used.
    """
    old = _checked(project, key, column, new, schema_of)
    search = _Walk(project, old, new, schema_of, binder, python)
    search.walk(key)
    search.checks()
    at_its_origin = any(one.key == key for one in search.by_hand)
    if search.by_hand and (at_its_origin or not leave):
        hint = "\n  hint: with --leave all else is written, and these places are left to you"
        places = "\n".join(f"  {one.place}: {one.why}" for one in search.by_hand)
        raise UsageError(
            f"{key}.{old} can't be called {new} before this is changed by hand; nothing was changed\n{places}"
            + ("" if at_its_origin else hint)
        )
    files = search.files()
    named = {file.path: file for file in files}
    rebuilt = tuple(one for one in project.graph.order if one in search.changed | search.carried)
    follows = tuple(one for one in rebuilt if one in search.carried and one != key)
    said = mentions(project.root, f"{key}.{old}", named)
    return ColumnRenaming(
        key, old, new, files, follows, rebuilt, tuple(search.kept), tuple(search.by_hand), said
    )


def _checked(project: Project, key: Key, column: str, new: str, schema_of: Schemas) -> str:
    """The column as its table spells it."""
    if key not in project.graph:
        hint = did_you_mean(key, project.graph.order)
        raise UsageError(f"there is no asset or source {key!r}" + (f"; {hint}" if hint else ""))
    if (itself := project.broken.get(key)) is not None:
        raise UsageError(f"{key} can't be changed before its declaration is mended:\n\n{itself}")
    schema = schema_of(key)
    if not schema:
        raise UsageError(
            f"the columns of {key} are not known before it is built\n  hint: upriver build {key}"
        )
    names = [one.name for one in schema]
    same = [name for name in names if name.lower() == column.lower()]
    if column not in names and len(same) != 1:
        hint = did_you_mean(column, names)
        raise UsageError(f"{key} has no column {column!r}" + (f"; {hint}" if hint else ""))
    old = column if column in names else same[0]
    if broken := sorted(project.graph.descendants([key]) & project.broken.keys()):
        raise UsageError(
            f"{key}.{old} can't be renamed while {', '.join(broken)} can't be used: it may read the column\n"
            f"  hint: mend it first: {project.broken[broken[0]].diagnoses[0].message}"
        )
    if key in project.sources:
        raise UsageError(_of_source(project, key, old, new, schema_of))
    if not new or not new.isprintable():
        raise UsageError(f"{new!r} can't be the name of a column: it has to be text on one line")
    if new == old:
        raise UsageError(f"{key}.{old} is called that already")
    if any(name.lower() == new.lower() and name != old for name in names):
        raise UsageError(
            f"{key} has a column {new} already\n  hint: choose another name, or rename that one first"
        )
    return old


def _of_source(project: Project, key: Key, old: str, new: str, schema_of: Schemas) -> str:
    readers = [
        one
        for one in project.graph.downstreams(key)
        if one in project.assets and old in {column.name for column in schema_of(one) or ()}
    ]
    next_step = (
        f"rename it where it is first read: upriver rename {readers[0]}.{old} {new}"
        if readers
        else f"give it another name in the first asset that reads it: select {old} as {new}"
    )
    return f"{key} is a source: {old} is called so in its own data, which Upriver does not write\n  hint: {next_step}"


class _Walk:
    """From one asset downstream. *carried* are those whose own column is called by the new name."""

    def __init__(
        self, project: Project, old: str, new: str, schema_of: Schemas, binder: Binder, python: AdaptsPython
    ) -> None:
        self._project = project
        self._old, self._new = old, new
        self._schema_of = schema_of
        self._binder = binder
        self._python = python
        self._contents: dict[str, bytes] = {}
        self._edits: dict[str, dict[Edit, None]] = {}
        self.carried: set[Key] = set()
        self.changed: set[Key] = set()
        self.by_hand: list[ByHand] = []
        self.kept: list[ByHand] = []

    def walk(self, key: Key) -> None:
        """Find what has to be written in *key* and in all that reads it."""
        self._take(key, frozenset())
        for one in self._project.graph.sort(self._project.graph.descendants([key])):
            renamed = frozenset(self._project.reads[one]) & self.carried if one != key else frozenset()
            if renamed:
                self._take(one, renamed)

    def checks(self) -> None:
        """Find what has to be written in the checks and contracts of all assets, and in the queries of checks."""
        for asset in self._project.assets.values():
            quality = asset.quality
            if quality.columns or quality.checks:
                self._write(asset.key, asset.place.path, self._quality(asset))
        for path, module in sorted(self._project.manifest.checks.items()):
            rule = module.check.rule if module.check is not None else None
            if isinstance(rule, Offenders) and (renamed := frozenset(rule.reads) & self.carried):
                query = parse_query(rule.text, rule.dialect, path, rule.line)
                assert isinstance(query, Query)  # it was read before
                found = self._in_query(path, query, rule.reads, renamed)
                self._write(module.of or path, path, found if isinstance(found, ByHand) else found.edits)

    def _write(self, key: Key, path: str, found: Sequence[Edit] | ByHand) -> None:
        if isinstance(found, ByHand):
            self.by_hand.append(msgspec.structs.replace(found, key=key))
        elif found:
            self._content(path)
            self._edits.setdefault(path, {}).update(dict.fromkeys(found))

    def _quality(self, asset: Asset) -> list[Edit] | ByHand:
        path, own = asset.place.path, asset.key in self.carried

        def target(text: str) -> str | None:
            key, _, column = text.strip().rpartition(".")
            named = key in self.carried and column.lower() == self._old.lower()
            return f"{key}.{self._new}" if named else None

        def expression(text: str) -> str | ByHand | None:
            return self._expression(asset, text)

        naming = Naming(target, (self._old, self._new), expression) if own else Naming(target)
        content = self._content(path)
        if isinstance(asset.recipe, SqlRecipe):
            return edits_of(in_header(path, content), naming, asset.place, content)
        trees = in_decorator(Module(path, content), asset)
        if isinstance(trees, ByHand):
            concerned = own or any(isinstance(one.rule, Relationship) for one in asset.quality.checks)
            return trees if concerned else []
        return edits_of(trees, naming, asset.place, content)

    def _expression(self, asset: Asset, text: str) -> str | ByHand | None:
        """An SQL expression over the columns of *asset*, as it becomes."""
        before = f"select * from {'.'.join(quote(part) for part in asset.key.split('.'))} where ("
        query = parse_query(f"{before}{text}\n)", path=asset.place.path)
        if isinstance(query, Diagnosis):
            return ByHand(asset.place, f"the check {text!r} can't be read: {query.message}")
        found = self._in_query(None, query, (asset.key,), frozenset({asset.key}))
        if isinstance(found, ByHand):
            return ByHand(asset.place, f"the check {text!r}: {found.why}")
        body = before.encode()
        becomes = edited(f"{before}{text}".encode(), list(found.edits))[len(body) :].decode()
        return None if becomes == text else becomes

    def files(self) -> tuple[FileChange, ...]:
        """Every file as it becomes."""
        return tuple(
            change(path, path, self._contents[path], list(edits))
            for path, edits in sorted(self._edits.items())
            if edits
        )

    def _take(self, key: Key, renamed: frozenset[Key]) -> None:
        asset = self._project.assets[key]
        schemas = {
            up: schema for up in self._project.reads[key] if (schema := self._schema_of(up)) is not None
        }
        unknown = [up for up in self._project.reads[key] if up not in schemas]
        taken = next((up for up in renamed if self._is_taken(schemas[up])), None)
        found: Adapted | ByHand
        if unknown:
            why = f"the columns of {unknown[0]}, which it reads too, are not known before that is built"
            found = ByHand(asset.place, why)
        elif taken is not None:
            found = ByHand(asset.place, f"{taken} has a column {self._new} already")
        elif isinstance(asset.recipe, SqlRecipe):
            found = self._in_query(asset.place.path, self._project.query(key), schemas, renamed)
        else:
            found = self._python.adapted(asset, schemas, renamed, self._old, self._new)
        if isinstance(found, ByHand):
            self.by_hand.append(msgspec.structs.replace(found, key=key))
            return
        if found.because:
            self.kept.append(ByHand(asset.place, found.because, key))
        if found.edits:
            self.changed.add(key)
            self._content(found.path)
            self._edits.setdefault(found.path, {}).update(dict.fromkeys(found.edits))
        if found.passes or not renamed:
            self.carried.add(key)

    def _is_taken(self, schema: Schema) -> bool:
        """Whether there would be two columns of the new name."""
        return (
            sum(one.name.lower() == self._new.lower() for one in with_column(schema, self._old, self._new))
            > 1
        )

    def _in_query(
        self, path: str | None, query: Query, reads: Iterable[Key], renamed: frozenset[Key]
    ) -> Adapted | ByHand:
        """What has to be written in a query, which stands in the file at *path* or (None) is a text of its own."""
        schemas = {key: schema for key in reads if (schema := self._schema_of(key)) is not None}
        if unknown := [key for key in reads if key not in schemas]:
            return ByHand(
                Place(query.path or "", query.first_line),
                f"the columns of {unknown[0]} are not known before that is built",
            )
        found = QueryColumns(self._binder, query, schemas, self._old, self._new, renamed).rewritten()
        if isinstance(found, ByHand):
            return found
        edits: list[Edit] = []
        if found.edits:
            text = query.text if path is None else self._content(path).decode()
            body = body_offset(text, query.text)
            for one in found.edits:
                start, end = (len(text[: at + body].encode()) for at in (one.start, one.end))
                edits.append(Edit(start, end, one.replacement))
        return Adapted(path or "", tuple(edits), found.passes, found.because)

    def _content(self, path: str) -> bytes:
        if path not in self._contents:
            self._contents[path] = read(self._project, path)
        return self._contents[path]
